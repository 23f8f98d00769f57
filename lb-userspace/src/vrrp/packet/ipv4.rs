//! The IPv4 header around an advertisement, as a raw socket gives and takes it.

use std::net::Ipv4Addr;

use super::{HOPS, Reject, TRAFFIC_CLASS, checksum::internet};

/// Without options: none are ever sent.
pub(super) const LENGTH: usize = 20;
const TOTAL: usize = 2;
const FRAGMENT: usize = 6;
const TTL: usize = 8;
const PROTOCOL: usize = 9;
const CHECKSUM: usize = 10;

/// A whole IPv4 packet, taken apart.
pub(super) struct Ipv4<'a> {
    pub(super) header: &'a [u8],
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) ttl: u8,
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// What stands behind the packet (padding of short frames) is left out. The kernel has checked the header's
    /// checksum.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Reject> {
        let start: &[u8; LENGTH] = bytes.first_chunk().ok_or(Reject::Ip)?;
        let header = usize::from(start[0] & 0xf) * 4;
        let total = usize::from(u16::from_be_bytes([start[TOTAL], start[TOTAL + 1]]));
        // All but "do not fragment": a fragment never reaches a raw socket, so this is nonsense.
        let fragment = u16::from_be_bytes([start[FRAGMENT], start[FRAGMENT + 1]]) & 0xbfff;
        if start[0] >> 4 != 4 || header < LENGTH || total < header || fragment != 0 {
            return Err(Reject::Ip);
        }
        let (header, payload) = bytes.get(..total).ok_or(Reject::Ip)?.split_at(header);
        Ok(Self {
            header,
            source: Ipv4Addr::new(start[12], start[13], start[14], start[15]),
            destination: Ipv4Addr::new(start[16], start[17], start[18], start[19]),
            ttl: start[TTL],
            protocol: start[PROTOCOL],
            payload,
        })
    }
}

/// The header of a packet of ours with `length` bytes behind it.
///
/// `id` must not be 0: the kernel would put another in its place, and it is part of what an authentication
/// header covers.
pub(super) fn header(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    id: u16,
    length: usize,
) -> [u8; LENGTH] {
    let mut header = [0; LENGTH];
    header[0] = 0x45;
    header[1] = TRAFFIC_CLASS;
    // At most 255 addresses: about 1,100 bytes.
    let total = u16::try_from(LENGTH + length).unwrap_or(u16::MAX);
    header[TOTAL..TOTAL + 2].copy_from_slice(&total.to_be_bytes());
    header[4..6].copy_from_slice(&id.to_be_bytes());
    header[TTL] = HOPS;
    header[PROTOCOL] = protocol;
    header[12..16].copy_from_slice(&source.octets());
    header[16..].copy_from_slice(&destination.octets());
    let sum = internet(&[&header]);
    header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
    header
}

/// The header as an authentication code covers it: what may change on the way is 0.
///
/// RFC 2402 §3.3.3.1.1.1 names the TTL among it. keepalived leaves that in (2.2.7, measured), which is as
/// good here: it is 255 at both ends.
pub(super) fn immutable(header: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    for field in [1..2, FRAGMENT..FRAGMENT + 2, CHECKSUM..CHECKSUM + 2] {
        if let Some(bytes) = header.get_mut(field) {
            bytes.fill(0);
        }
    }
    header
}
