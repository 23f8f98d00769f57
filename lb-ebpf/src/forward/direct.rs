//! Direct routing: the frame goes to the real server's MAC address, the packet stays as it is but for its
//! TTL, which a router takes one from (RFC 1812, section 5.3.1; RFC 8200, section 3).

use lb_common::{abi::Reason, decode::IpHeader, verdict::Choice};

use super::{Refusal, send};
use crate::packet::Packet;

/// Offsets of TTL and checksum in an IPv4 header, and of the hop limit in an IPv6 header.
const TTL: usize = 8;
const CHECKSUM: usize = 10;
const HOP_LIMIT: usize = 7;

/// Rewrites the MAC addresses and sends the frame on: the XDP action, or why that is not possible.
#[inline(always)]
pub(crate) fn direct_routing(
    packet: &mut Packet<'_>,
    choice: &Choice,
    ip: IpHeader,
) -> Result<u32, Refusal> {
    let link = &choice.link;
    if link.mtu != 0 && ip.length > usize::from(link.mtu) {
        return Err(Refusal { reason: Reason::TooBig, mtu: link.mtu });
    }
    let action = send(packet, link)?;
    // The decoder has seen these bytes: they are there.
    rewrite(packet, choice, ip).ok_or(Reason::Inconsistent)?;
    Ok(action)
}

#[inline(always)]
fn rewrite(packet: &mut Packet<'_>, choice: &Choice, ip: IpHeader) -> Option<()> {
    let (first, second) = choice.link.header_to(&choice.real);
    packet.write::<u64>(0, first)?;
    packet.write::<u32>(8, second)?;
    if ip.v6 {
        packet.update::<u8>(ip.offset + HOP_LIMIT, |limit| limit.wrapping_sub(1))
    } else {
        packet.update::<u8>(ip.offset + TTL, |ttl| ttl.wrapping_sub(1))?;
        // RFC 1624: the checksum of a word that shrinks by 0x0100 grows by as much, with the carry; 0xffff
        // counts as one, because no computed checksum is (section 3).
        packet.update::<u16>(ip.offset + CHECKSUM, |sum| {
            let sum = u32::from(u16::from_be(sum)) + 0x0100;
            #[expect(clippy::cast_possible_truncation, reason = "the carry is folded in")]
            ((sum + ((sum + 1) >> 16)) as u16).to_be()
        })
    }
}
