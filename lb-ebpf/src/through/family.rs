//! A VIP of another family than the real server's own address: for the kernel of this host the check is a connection of
//! the real server's family, on the wire one of the VIP's.

use aya_ebpf::programs::TcContext;
use lb_common::{
    abi::{Turn, Way},
    through::Passing,
    wire::{Frame as _, ethertype},
};

use super::{is_udp, word, words, wrap::head_v4};
use crate::{
    packet::Outgoing,
    skb::{self, Skb},
};

/// Writes the packet's IP header anew, in the other family.
#[inline(always)]
pub(super) fn change(ctx: &TcContext, passing: &Passing, turn: &Turn, way: Way) -> Option<()> {
    let skb = Skb::new(ctx);
    let header = if passing.v6 { 40 } else { 20 };
    // Options have no place in the other header.
    if passing.transport != passing.ip + header {
        return None;
    }
    let (life, carried, old) = read(&Outgoing::new(ctx), passing)?;
    let change = skb::change(&passing.key.own, &turn.own, 0);
    let change = skb::change(&passing.key.other, &turn.other, change);
    skb.transport_checksum(passing.checksum, is_udp(passing), change)?;
    let payload = skb.length().checked_sub(passing.transport)?;
    skb.change_family(!passing.v6)?;
    let (from, to) = match way {
        Way::Out => (&turn.own, &turn.other),
        Way::In => (&turn.other, &turn.own),
    };
    // A sum over the whole packet: an IPv4 header counts nothing in it, as it has a checksum of its own.
    if passing.v6 {
        let header = head_v4([0, life, carried], payload + 20, word(from), word(to));
        skb.store(passing.ip, &header)?;
        skb.whole_checksum(!old);
        skb.store(passing.ip - 2, &ethertype::IPV4.to_be())
    } else {
        let header = head_v6([0, life, carried], payload, words(from), words(to));
        skb.store(passing.ip, &header)?;
        skb.whole_checksum(skb::sum(&header));
        skb.store(passing.ip - 2, &ethertype::IPV6.to_be())
    }
}

/// TTL, protocol, and what the header counts in the sum over the whole packet.
#[inline(always)]
fn read(frame: &Outgoing<'_>, passing: &Passing) -> Option<(u8, u8, u32)> {
    if !passing.v6 {
        let header = frame.window::<20>(passing.ip)?;
        return Some((header.u8::<8>(), header.u8::<9>(), 0));
    }
    let header = frame.window::<40>(passing.ip)?;
    let old = [
        header.raw32::<0>(),
        header.raw32::<4>(),
        header.raw32::<8>(),
        header.raw32::<12>(),
        header.raw32::<16>(),
        header.raw32::<20>(),
        header.raw32::<24>(),
        header.raw32::<28>(),
        header.raw32::<32>(),
        header.raw32::<36>(),
    ];
    Some((header.u8::<7>(), header.u8::<6>(), skb::sum(&old)))
}

/// RFC 8200, section 3: class, hop limit and next header; no flow label.
#[inline(always)]
pub(super) fn head_v6(
    [class, life, next]: [u8; 3],
    payload: usize,
    from: [u32; 4],
    to: [u32; 4],
) -> [u32; 10] {
    let start = (6 << 28 | u32::from(class) << 20).to_be();
    #[expect(clippy::cast_possible_truncation, reason = "at most 65,535")]
    let [a, b] = (payload as u16).to_be_bytes();
    let second = u32::from_ne_bytes([a, b, next, life]);
    [start, second, from[0], from[1], from[2], from[3], to[0], to[1], to[2], to[3]]
}
