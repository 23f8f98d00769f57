//! One interface and family: its sockets, which all instances there share.

use std::{io, net::IpAddr};

use super::{holder::Place, socket::RawSocket};
use crate::vrrp::{
    packet::{AH_PROTOCOL, Outgoing, PROTOCOL},
    types::Family,
};

/// The sockets of one interface and family.
#[derive(Debug)]
pub(super) struct Segment {
    /// VRRP; and, over IPv4, VRRP behind an authentication header. Both are always heard: what an instance does not
    /// expect is counted, not ignored.
    pub(super) sockets: Vec<RawSocket>,
}

impl Segment {
    /// Opens the sockets.
    ///
    /// # Errors
    /// As [`RawSocket::open`].
    pub(super) fn open(place: &Place, family: Family) -> io::Result<Self> {
        let protocols: &[u8] = match family {
            Family::V4 => &[PROTOCOL, AH_PROTOCOL],
            Family::V6 => &[PROTOCOL],
        };
        let open = |&protocol| RawSocket::open(&place.name, place.index, family, protocol);
        let sockets = protocols.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self { sockets })
    }

    /// Sends a packet: with an IPv4 header of its own, which names its protocol, any of the sockets will do.
    ///
    /// # Errors
    /// As [`RawSocket::send`].
    pub(super) fn send(&self, source: IpAddr, packet: &Outgoing) -> io::Result<()> {
        self.sockets.first().map_or(Ok(()), |socket| socket.send(source, packet))
    }
}
