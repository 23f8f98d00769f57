//! What a raw socket has received, checked as RFC 9568 §7.1 and RFC 3768 §7.1 ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    ADVERTISEMENT, AH_PROTOCOL, Endpoint, HEADER, HOPS, PROTOCOL, Reject, ah,
    emit::authentication_type, ipv4::Ipv4,
};
use crate::vrrp::types::{
    Addresses, AdvertInterval, Authentication, Centiseconds, Claim, Dialect, Family, Seconds,
    Secret, Version, VirtualRouterId,
};

/// A packet as the raw socket of its family gives it.
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    /// With the IP header.
    V4(&'a [u8]),
    /// The payload, and what ancillary data say of the header.
    V6 {
        /// The sender.
        source: Ipv6Addr,
        /// Where it was sent to.
        destination: Ipv6Addr,
        /// As received.
        hop_limit: u8,
        /// The VRRP message.
        payload: &'a [u8],
    },
}

/// An advertisement that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// The master that sent it.
    pub source: IpAddr,
    /// Its virtual router.
    pub virtual_router: VirtualRouterId,
    /// What it says of itself.
    pub claim: Claim,
    /// The master's interval.
    pub interval: AdvertInterval,
    /// The master's VIPs. That they differ from ours is worth a log line, and no reason to reject it.
    pub addresses: Addresses,
}

/// What is the same for both families.
struct Received<'a> {
    source: IpAddr,
    destination: IpAddr,
    hops: u8,
    message: &'a [u8],
    ah: Option<Authenticated<'a>>,
}

/// The headers that came with an authentication header.
struct Authenticated<'a> {
    ip: &'a [u8],
    header: &'a [u8; ah::LENGTH],
}

/// Reads a packet. `instance` finds the instance of a VRID on the interface that the packet came in on.
pub fn parse<'e>(
    packet: Packet<'_>,
    instance: impl FnOnce(VirtualRouterId) -> Option<&'e Endpoint>,
) -> Result<Advertisement, Reject> {
    let received = match packet {
        Packet::V4(bytes) => over_ipv4(bytes)?,
        Packet::V6 { source, destination, hop_limit, payload } => Received {
            source: source.into(),
            destination: destination.into(),
            hops: hop_limit,
            message: payload,
            ah: None,
        },
    };
    let (header, rest) = received.message.split_first_chunk::<HEADER>().ok_or(Reject::Length)?;
    let [first, id, priority, count, ..] = *header;
    let version = Version::new(first >> 4).map_err(|_| Reject::Version)?;
    if first & 0xf != ADVERTISEMENT {
        return Err(Reject::Type);
    }
    let virtual_router = VirtualRouterId::try_from(id).map_err(|_| Reject::VirtualRouter)?;
    let ours = instance(virtual_router).ok_or(Reject::VirtualRouter)?;
    received.way(ours)?;
    if version != ours.dialect.version() {
        return Err(Reject::Version);
    }
    if count == 0 {
        return Err(Reject::NoAddress);
    }
    let (addresses, trailer) = split(version, Family::of(received.source), count, rest)?;
    let interval = received.dialect(ours, header, trailer)?;
    if ours.checksum(received.source, received.destination, received.message) != 0 {
        return Err(Reject::Checksum);
    }
    Ok(Advertisement {
        source: received.source,
        virtual_router,
        claim: Claim::from_wire(priority),
        interval,
        addresses,
    })
}

fn over_ipv4(bytes: &[u8]) -> Result<Received<'_>, Reject> {
    let ip = Ipv4::parse(bytes)?;
    let (message, ah) = match ip.protocol {
        PROTOCOL => (ip.payload, None),
        AH_PROTOCOL => {
            let (header, message) = ah::message(ip.payload)?;
            (message, Some(Authenticated { ip: ip.header, header }))
        }
        _ => return Err(Reject::Ip),
    };
    Ok(Received {
        source: ip.source.into(),
        destination: ip.destination.into(),
        hops: ip.ttl,
        message,
        ah,
    })
}

/// The addresses, and what version 2 has behind them. Nothing more may follow.
fn split(
    version: Version,
    family: Family,
    count: u8,
    rest: &[u8],
) -> Result<(Addresses, &[u8]), Reject> {
    let size = match family {
        Family::V4 => size_of::<Ipv4Addr>(),
        Family::V6 => size_of::<Ipv6Addr>(),
    };
    let trailer = match version {
        Version::V2 => Secret::LENGTH,
        Version::V3 => 0,
    };
    let length = usize::from(count) * size;
    if rest.len() != length + trailer {
        return Err(Reject::Length);
    }
    let (list, trailer) = rest.split_at(length);
    let addresses = match family {
        Family::V4 => {
            Addresses::v4(list.as_chunks().0.iter().copied().map(Ipv4Addr::from_octets).collect())
        }
        Family::V6 => {
            Addresses::v6(list.as_chunks().0.iter().copied().map(Ipv6Addr::from_octets).collect())
        }
    };
    // Only an empty list is refused, which was seen before.
    Ok((addresses.map_err(|_| Reject::NoAddress)?, trailer))
}

impl Received<'_> {
    /// From whom it came, where to, and through how many routers.
    fn way(&self, ours: &Endpoint) -> Result<(), Reject> {
        if self.source == ours.source {
            return Err(Reject::Looped);
        }
        if self.destination != ours.listens_on() {
            return Err(Reject::Destination);
        }
        if ours.is_unicast() {
            // Peers may be routers away.
            return if ours.peers.contains(&self.source) { Ok(()) } else { Err(Reject::Peer) };
        }
        if self.hops == HOPS { Ok(()) } else { Err(Reject::Hops) }
    }

    /// The fields that the versions do not share.
    fn dialect(
        &self,
        ours: &Endpoint,
        header: &[u8; HEADER],
        trailer: &[u8],
    ) -> Result<AdvertInterval, Reject> {
        match &ours.dialect {
            Dialect::V2 { interval, authentication } => {
                self.authentic(authentication, header[4], trailer)?;
                let theirs = Seconds::from_wire(header[5]).ok_or(Reject::Interval)?;
                if theirs == *interval {
                    Ok(AdvertInterval::V2(theirs))
                } else {
                    Err(Reject::Interval)
                }
            }
            Dialect::V3 { .. } => {
                if self.ah.is_some() {
                    return Err(Reject::AuthenticationType);
                }
                let field = u16::from_be_bytes([header[4], header[5]]);
                Centiseconds::from_wire(field).map(AdvertInterval::V3).ok_or(Reject::Interval)
            }
        }
    }

    fn authentic(&self, ours: &Authentication, kind: u8, trailer: &[u8]) -> Result<(), Reject> {
        if kind != authentication_type(ours) {
            return Err(Reject::AuthenticationType);
        }
        match (ours, &self.ah) {
            (Authentication::None, None) => Ok(()),
            (Authentication::Pass(secret), None) if trailer == secret.bytes() => Ok(()),
            (Authentication::Pass(_), None) => Err(Reject::AuthenticationData),
            (Authentication::Ah(key), Some(with)) => {
                ah::verify(key, with.ip, with.header, self.message)
            }
            (Authentication::Ah(_), None)
            | (Authentication::None | Authentication::Pass(_), Some(_)) => {
                Err(Reject::AuthenticationType)
            }
        }
    }
}
