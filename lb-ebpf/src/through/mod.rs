//! Checks through a VIP, in both directions: the address that a translation names takes the place of the other end's.

mod family;
mod wrap;

use aya_ebpf::{bindings::TC_ACT_UNSPEC, programs::TcContext};
use lb_common::{
    abi::{Address, Turn, Way},
    through::{Passing, passing},
    wire::{Frame as _, protocol},
};

use crate::{
    maps,
    packet::Outgoing,
    skb::{Skb, change},
};

/// Ethernet, two tags, the longest IPv4 header (IPv6's is shorter), the head of TCP.
const HEADS: usize = 14 + 8 + 60 + 20;
/// Offset of the checksum in an IPv4 header.
const IP_CHECKSUM: usize = 10;

/// Translates a packet of a check. Says nothing of where it goes, so that other programs at the same place have their
/// turn: what cannot be changed goes on as it is, and the check fails.
#[inline(always)]
pub(crate) fn translate(ctx: &TcContext, way: Way) -> i32 {
    let skb = Skb::new(ctx);
    let wanted = if skb.length() < HEADS { skb.length() } else { HEADS };
    if Outgoing::new(ctx).length() < wanted {
        skb.pull(wanted);
    }
    if let Some(passing) = passing(&Outgoing::new(ctx), way)
        && let Some(turn) = maps::turn(&passing.key)
    {
        // What is half done is no packet that anybody takes.
        _ = follow(ctx, &passing, turn, way);
    }
    TC_ACT_UNSPEC
}

#[inline(always)]
fn follow(ctx: &TcContext, passing: &Passing, turn: &Turn, way: Way) -> Option<()> {
    let skb = Skb::new(ctx);
    let v6 = is_v6(&turn.other);
    match (passing.v6, v6) {
        (false, false) => replace_v4(skb, passing, &turn.other)?,
        (true, true) => replace_v6(skb, passing, &turn.other)?,
        _ => family::change(ctx, passing, turn, way)?,
    }
    match way {
        Way::Out => wrap::wrap(skb, passing, turn, v6),
        Way::In => Some(()),
    }
}

/// RFC 1624: checksums are brought up to date by what has changed.
#[inline(always)]
fn replace_v4(skb: Skb<'_>, passing: &Passing, other: &Address) -> Option<()> {
    let (old, new) = (word(&passing.key.other), word(other));
    skb.transport_checksum(
        passing.checksum,
        is_udp(passing),
        change(&passing.key.other, other, 0),
    )?;
    skb.head_checksum(passing.ip + IP_CHECKSUM, old, new)?;
    skb.store(passing.address, &new)
}

#[inline(always)]
fn replace_v6(skb: Skb<'_>, passing: &Passing, other: &Address) -> Option<()> {
    let change = change(&passing.key.other, other, 0);
    skb.transport_checksum(passing.checksum, is_udp(passing), change)?;
    // The address and the checksum have changed by the same, one up, one down. What the helper above says of the sum over
    // the whole packet is right for IPv4, whose header has a checksum that changes as well.
    skb.whole_checksum(change);
    skb.store(passing.address, other)
}

#[inline(always)]
const fn is_udp(passing: &Passing) -> bool {
    passing.key.protocol == protocol::UDP
}

#[inline(always)]
fn is_v6(address: &Address) -> bool {
    !address.halves().is_mapped_v4()
}

/// The four bytes of an IPv4 address, as they stand in the packet.
#[inline(always)]
fn word(address: &Address) -> u32 {
    let [.., a, b, c, d] = address.bytes;
    u32::from_ne_bytes([a, b, c, d])
}

/// The sixteen bytes of an IPv6 address, in the same way.
#[inline(always)]
fn words(address: &Address) -> [u32; 4] {
    let b = &address.bytes;
    [
        u32::from_ne_bytes([b[0], b[1], b[2], b[3]]),
        u32::from_ne_bytes([b[4], b[5], b[6], b[7]]),
        u32::from_ne_bytes([b[8], b[9], b[10], b[11]]),
        u32::from_ne_bytes([b[12], b[13], b[14], b[15]]),
    ]
}
