//! Tunnels: an outer IP header in front, the packet inside untouched. IPv4 or IPv6 in IPv4 or IPv6 (RFC 2003,
//! RFC 2473, RFC 4213), or in UDP (Generic UDP Encapsulation, variant 1).
#![expect(
    clippy::cast_possible_truncation,
    reason = "header fields take the low bits; lengths are at most 65,535"
)]

use lb_common::{
    abi::{Halves, Reason, Tunnel},
    decode::IpHeader,
    verdict::Choice,
    wire::{ETHERNET, Frame as _, ethertype},
};

use super::{Refusal, send};
use crate::{
    checksum::Sum,
    ethernet::{Macs, copy_head},
    maps,
    packet::Packet,
};

/// Protocol numbers of what is inside.
const IPV4: u8 = 4;
const IPV6: u8 = 41;
const UDP: u8 = 17;
/// TTL or hop limit of outer headers.
const TTL: u8 = 64;
/// "Don't fragment" (network order): packets inside that are too large were refused.
const DONT_FRAGMENT: u16 = 0x4000_u16.to_be();

/// Puts the packet into the tunnel to its real server: the XDP action, or why that is not possible.
#[inline(always)]
pub(crate) fn tunnel(
    packet: &mut Packet<'_>,
    choice: &Choice,
    ip: IpHeader,
) -> Result<u32, Refusal> {
    let tunnel = maps::tunnel(choice.entry).ok_or(Reason::Inconsistent)?;
    if ip.length > usize::from(tunnel.mtu) {
        return Err(Refusal { reason: Reason::TooBig, mtu: tunnel.mtu });
    }
    let action = send(packet, &choice.link)?;
    let header = choice.link.header_to(&choice.real);
    wrap(packet, header, tunnel, ip, choice.hash).ok_or(Reason::Inconsistent)?;
    Ok(action)
}

#[inline(always)]
fn wrap(
    packet: &mut Packet<'_>,
    (first, second): (u64, u32),
    tunnel: &Tunnel,
    ip: IpHeader,
    hash: u64,
) -> Option<()> {
    let service = class(packet, ip)?;
    let inside = if ip.v6 { IPV6 } else { IPV4 };
    let length = ip.length + usize::from(tunnel.overhead());
    let protocol = if tunnel.port == 0 { inside } else { UDP };
    let v6 = tunnel.v6 != 0;
    let overhead = usize::from(tunnel.overhead());
    packet.grow(overhead as i32)?;
    if ip.offset == ETHERNET {
        let kind = if v6 { ethertype::IPV6 } else { ethertype::IPV4 };
        packet.write::<u16>(ETHERNET - 2, kind.to_be())?;
    } else {
        copy_head(packet, overhead, 0, ip.offset, v6, Macs::Kept)?;
    }
    packet.write::<u64>(0, first)?;
    packet.write::<u32>(8, second)?;
    let header = if v6 { 40 } else { 20 };
    let outer = Outer { tunnel, service, protocol, length, hash };
    let mut packet = packet.behind(ip.offset);
    if v6 { outer.write6(&mut packet) } else { outer.write4(&mut packet) }?;
    if tunnel.port != 0 {
        let port = 0xc000 | hash as u16 & 0x3fff;
        let ports = u32::from(port.to_be()) | u32::from(tunnel.port.to_be()) << 16;
        // No checksum: what is inside has its own (RFC 6935).
        packet.write::<[u32; 2]>(header, [ports, u32::from(((length - header) as u16).to_be())])?;
    }
    Some(())
}

/// Type of service, or traffic class, of the packet inside.
#[inline(always)]
fn class(packet: &Packet<'_>, ip: IpHeader) -> Option<u8> {
    let start = packet.window::<2>(ip.offset)?;
    Some(if ip.v6 { (start.be16::<0>() >> 4) as u8 } else { start.u8::<1>() })
}

/// What an outer header says.
struct Outer<'a> {
    tunnel: &'a Tunnel,
    service: u8,
    protocol: u8,
    length: usize,
    hash: u64,
}

impl Outer<'_> {
    /// The outer source.
    #[inline(always)]
    fn source(&self) -> Halves {
        self.tunnel.source(self.hash)
    }

    /// RFC 791, section 3.1.
    #[inline(always)]
    fn write4(&self, packet: &mut Packet<'_>) -> Option<()> {
        let from = (self.source().0[1] >> 32) as u32;
        let to = (self.tunnel.remote.halves().0[1] >> 32) as u32;
        let total = (self.length as u16).to_be();
        let start = u32::from(u16::from_ne_bytes([0x45, self.service])) | u32::from(total) << 16;
        let fragment = u32::from(DONT_FRAGMENT) << 16;
        let life = u32::from(u16::from_ne_bytes([TTL, self.protocol]));
        let sum = [start, fragment, life, from, to].into_iter().fold(Sum::default(), Sum::add);
        packet
            .write::<[u32; 5]>(0, [start, fragment, life | u32::from(sum.finish()) << 16, from, to])
    }

    /// RFC 8200, section 3; the flow label is the hash (RFC 6438).
    #[inline(always)]
    fn write6(&self, packet: &mut Packet<'_>) -> Option<()> {
        let (from, to) = (self.source(), self.tunnel.remote.halves());
        let label = (self.hash >> 20) as u32 & 0x000f_ffff;
        let start = 6 << 28 | u32::from(self.service) << 20 | label;
        let length = u32::from(((self.length - 40) as u16).to_be());
        let next = u32::from(u16::from_ne_bytes([self.protocol, TTL])) << 16;
        let start = u64::from(start.to_be()) | u64::from(length | next) << 32;
        let (from, to) = (from.0, to.0);
        packet.write::<[u64; 5]>(0, [start, from[0], from[1], to[0], to[1]])
    }
}
