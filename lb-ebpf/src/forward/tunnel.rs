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
    wire::Frame as _,
};

use super::{Refusal, send};
use crate::{checksum::Sum, ethernet::Types, maps, packet::Packet};

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
    let action = send(packet, &choice.real)?;
    wrap(packet, choice, ip, tunnel).ok_or(Reason::Inconsistent)?;
    Ok(action)
}

#[inline(always)]
fn wrap(packet: &mut Packet<'_>, choice: &Choice, ip: IpHeader, tunnel: &Tunnel) -> Option<()> {
    let types = Types::read(packet, ip.offset)?;
    let service = class(packet, ip)?;
    let inside = if ip.v6 { IPV6 } else { IPV4 };
    let length = ip.length + usize::from(tunnel.overhead());
    let protocol = if tunnel.port == 0 { inside } else { UDP };
    let v6 = tunnel.v6 != 0;
    // Constants, so that every offset behind is known.
    let udp = match (v6, tunnel.port != 0) {
        (false, false) => {
            packet.grow(20)?;
            None
        }
        (false, true) => {
            packet.grow(28)?;
            Some(20)
        }
        (true, false) => {
            packet.grow(40)?;
            None
        }
        (true, true) => {
            packet.grow(48)?;
            Some(40)
        }
    };
    let [first, second, _] = choice.real.words();
    packet.write::<u64>(0, first)?;
    packet.write::<u32>(8, u64::from_le(second) as u32)?;
    types.write(packet, Types::kind(v6))?;
    let header = if v6 { 40 } else { 20 };
    let outer = Outer { tunnel, service, protocol, length, hash: choice.hash };
    if v6 { outer.write6(packet, ip.offset) } else { outer.write4(packet, ip.offset) }?;
    if udp.is_some() {
        let at = ip.offset + header;
        let port = 0xc000 | choice.hash as u16 & 0x3fff;
        packet.write::<u16>(at, port.to_be())?;
        packet.write::<u16>(at + 2, tunnel.port.to_be())?;
        // No checksum: what is inside has its own (RFC 6935).
        packet.write::<u32>(at + 4, u32::from(((length - header) as u16).to_be()))?;
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
    /// The outer source, its free bits filled from the hash.
    #[inline(always)]
    fn source(&self) -> Halves {
        let Halves([high, low]) = self.tunnel.local.halves();
        let [a, b] = self.tunnel.spread;
        Halves([high | self.hash.rotate_left(32) & a, low | self.hash & b])
    }

    /// RFC 791, section 3.1.
    #[inline(always)]
    fn write4(&self, packet: &mut Packet<'_>, at: usize) -> Option<()> {
        let from = (self.source().0[1] >> 32) as u32;
        let to = (self.tunnel.remote.halves().0[1] >> 32) as u32;
        let total = (self.length as u16).to_be();
        let start = u32::from(u16::from_ne_bytes([0x45, self.service])) | u32::from(total) << 16;
        let fragment = u32::from(DONT_FRAGMENT) << 16;
        let life = u32::from(u16::from_ne_bytes([TTL, self.protocol]));
        let sum = [start, fragment, life, from, to].into_iter().fold(Sum::default(), Sum::add);
        packet.write::<u32>(at, start)?;
        packet.write::<u32>(at + 4, fragment)?;
        packet.write::<u32>(at + 8, life | u32::from(sum.finish()) << 16)?;
        packet.write::<u32>(at + 12, from)?;
        packet.write::<u32>(at + 16, to)
    }

    /// RFC 8200, section 3; the flow label is the hash (RFC 6438).
    #[inline(always)]
    fn write6(&self, packet: &mut Packet<'_>, at: usize) -> Option<()> {
        let (from, to) = (self.source(), self.tunnel.remote.halves());
        let label = (self.hash >> 20) as u32 & 0x000f_ffff;
        let start = 6 << 28 | u32::from(self.service) << 20 | label;
        packet.write::<u32>(at, start.to_be())?;
        packet.write::<u16>(at + 4, ((self.length - 40) as u16).to_be())?;
        packet.write::<u16>(at + 6, u16::from_ne_bytes([self.protocol, TTL]))?;
        packet.write::<u64>(at + 8, from.0[0])?;
        packet.write::<u64>(at + 16, from.0[1])?;
        packet.write::<u64>(at + 24, to.0[0])?;
        packet.write::<u64>(at + 32, to.0[1])
    }
}
