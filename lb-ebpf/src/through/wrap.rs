//! The tunnel that a check's packet goes in to its real server, as `forward/tunnel.rs` makes those of services.

use lb_common::{
    abi::Turn,
    through::Passing,
    wire::{ethertype, protocol},
};

use super::{family::head_v6, word, words};
use crate::{checksum::Sum, skb::Skb};

/// Protocol numbers of what is inside.
const IPV4: u8 = 4;
const IPV6: u8 = 41;
/// TTL or hop limit of outer headers: that of the packet inside, which must not be forwarded, is one.
const LIFE: u8 = 64;
/// "Don't fragment".
const DONT_FRAGMENT: u32 = u32::from_ne_bytes([0, 0, 0x40, 0]);

/// Puts the outer headers in front of the packet, where it goes in a tunnel.
#[inline(always)]
pub(super) fn wrap(skb: Skb<'_>, passing: &Passing, turn: &Turn, inner_v6: bool) -> Option<()> {
    if turn.around == Turn::PLAIN {
        return Some(());
    }
    let (v6, udp) = (turn.around == Turn::IN_V6, turn.port != 0);
    let inner = skb.length().checked_sub(passing.ip)?;
    skb.make_room(v6, udp)?;
    let carried = if inner_v6 { IPV6 } else { IPV4 };
    let carried = if udp { protocol::UDP } else { carried };
    let payload = if udp { inner + 8 } else { inner };
    let (header, kind) = if v6 {
        let (from, to) = (words(&turn.local), words(&turn.remote));
        skb.store(passing.ip, &head_v6([0, LIFE, carried], payload, from, to))?;
        (40, ethertype::IPV6)
    } else {
        let (from, to) = (word(&turn.local), word(&turn.remote));
        skb.store(passing.ip, &head_v4([0, LIFE, carried], payload + 20, from, to))?;
        (20, ethertype::IPV4)
    };
    if udp {
        let from = 0xc000 | u16::from_be(passing.key.ports[0]) & 0x3fff;
        #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
        let length = (payload as u16).to_be();
        // No checksum: what is inside has its own (RFC 6935).
        skb.store(passing.ip + header, &[from.to_be(), turn.port.to_be(), length, 0])?;
    }
    skb.store(passing.ip - 2, &kind.to_be())
}

/// RFC 791, section 3.1: type of service, TTL and protocol.
#[inline(always)]
pub(super) fn head_v4(
    [service, life, carried]: [u8; 3],
    total: usize,
    from: u32,
    to: u32,
) -> [u32; 5] {
    #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
    let [a, b] = (total as u16).to_be_bytes();
    let start = u32::from_ne_bytes([0x45, service, a, b]);
    let third = u32::from_ne_bytes([life, carried, 0, 0]);
    let words = [start, DONT_FRAGMENT, third, from, to];
    let sum = words.into_iter().fold(Sum::default(), Sum::add);
    [start, DONT_FRAGMENT, third | u32::from(sum.finish()) << 16, from, to]
}
