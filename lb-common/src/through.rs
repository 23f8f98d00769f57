//! Checks through a VIP: a packet for a real server's own address becomes one for the VIP on its way out, and the
//! answer, which comes from the VIP, one from the real server on its way in. Where services reach the real server in a
//! tunnel, the packet goes in one, too; its answer comes back plain. So the kernel of this host, where the VIP
//! may be local, has an ordinary connection with the real server, and the real server one with a client of the VIP.

use crate::{
    abi::{Halves, ThroughKey, Way},
    decode::{Kind, kind},
    wire::{Frame, protocol},
};

/// Where in a frame stands what a translation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing {
    /// By what the translation is found.
    pub key: ThroughKey,
    /// IPv6 (false: IPv4).
    pub v6: bool,
    /// Offset of the IP header.
    pub ip: usize,
    /// Offset of the address that is replaced.
    pub address: usize,
    /// Offset of TCP or UDP.
    pub transport: usize,
    /// Offset of the checksum of TCP or UDP.
    pub checksum: usize,
}

/// Reads a frame as far as a translation needs it; `None` for everything but whole TCP and UDP packets. No extension
/// headers: what a check sends and is answered has none.
#[inline(always)]
pub fn passing<F: Frame + ?Sized>(frame: &F, way: Way) -> Option<Passing> {
    let (kind, ip) = kind(frame);
    let (v6, [from, to], carried, transport) = match kind {
        Kind::Ipv4 => {
            let header = frame.window::<20>(ip)?;
            let first = header.u8::<0>();
            let fragment = header.be16::<6>() & 0x3fff != 0;
            if first >> 4 != 4 || first & 0x0f < 5 || fragment {
                return None;
            }
            let ends = [header.raw32::<12>(), header.raw32::<16>()].map(Halves::from_v4_word);
            (false, ends, header.u8::<9>(), ip + usize::from(first & 0x0f) * 4)
        }
        Kind::Ipv6 => {
            let header = frame.window::<40>(ip)?;
            let from = Halves([header.raw64::<8>(), header.raw64::<16>()]);
            let to = Halves([header.raw64::<24>(), header.raw64::<32>()]);
            if from.is_mapped_v4() || to.is_mapped_v4() {
                return None;
            }
            (true, [from, to], header.u8::<6>(), ip + 40)
        }
        Kind::Pass(_) => return None,
    };
    let checksum = match carried {
        protocol::TCP => 16,
        protocol::UDP => 6,
        _ => return None,
    };
    let ports = frame.window::<4>(transport)?;
    let from = (from, ports.raw16::<0>());
    let to = (to, ports.raw16::<2>());
    let (own, other, place) = match way {
        Way::Out => (from, to, if v6 { 24 } else { 16 }),
        Way::In => (to, from, if v6 { 8 } else { 12 }),
    };
    let key = ThroughKey::new(way, carried, own, other);
    Some(Passing { key, v6, ip, address: ip + place, transport, checksum: transport + checksum })
}

#[cfg(test)]
#[path = "through_test.rs"]
mod tests;
