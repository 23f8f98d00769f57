//! Checks through a VIP, in both directions: the address that a translation names takes the place of the other end's.
#![expect(unsafe_code, reason = "helpers that change a packet the kernel has made, or took in")]

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR, TC_ACT_UNSPEC},
    helpers::generated::{
        bpf_csum_diff, bpf_l3_csum_replace, bpf_l4_csum_replace, bpf_skb_pull_data,
        bpf_skb_store_bytes,
    },
    programs::TcContext,
};
use core::ptr;
use lb_common::{
    abi::{Address, Way},
    through::{Passing, passing},
    wire::{Frame as _, protocol},
};

use crate::{maps::THROUGH, packet::Outgoing};

/// Ethernet, two tags, the longest IPv4 header (IPv6's is shorter), the head of TCP.
const HEADS: u32 = 14 + 8 + 60 + 20;
/// Offset of the checksum in an IPv4 header.
const IP_CHECKSUM: usize = 10;

/// Translates a packet of a check. Says nothing of where it goes, so that other programs at the same place have their
/// turn: what cannot be changed goes on as it is, and the check fails.
#[inline(always)]
pub(crate) fn translate(ctx: &TcContext, way: Way) -> i32 {
    let skb = ctx.skb.skb;
    let wanted = ctx.len().min(HEADS);
    if offset(Outgoing::new(ctx).length()) < wanted {
        // SAFETY: `skb` is the context of a program that has not returned; no pointer into its packet is held.
        unsafe { bpf_skb_pull_data(skb, wanted) };
    }
    if let Some(passing) = passing(&Outgoing::new(ctx), way)
        && let Some(other) = THROUGH.get_ptr(passing.key)
    {
        // SAFETY: an element is not reused before the programs that run have ended.
        let other = unsafe { ptr::read_volatile(other) };
        if passing.v6 {
            replace_v6(skb, &passing, &other);
        } else {
            replace_v4(skb, &passing, &other);
        }
    }
    TC_ACT_UNSPEC
}

/// RFC 1624: checksums are brought up to date by what has changed. The kernel's helpers know of checksums that the
/// interface is to compute, too.
#[inline(always)]
fn replace_v4(skb: *mut __sk_buff, passing: &Passing, other: &Address) {
    let (old, new) = (word(&passing.key.other), word(other));
    // SAFETY: `skb` as in `translate`; the kernel checks that the offsets lie within the packet.
    unsafe {
        let flags = transport_flags(passing) | 4;
        bpf_l4_csum_replace(skb, offset(passing.checksum), old.into(), new.into(), flags);
        let checksum = offset(passing.ip + IP_CHECKSUM);
        bpf_l3_csum_replace(skb, checksum, old.into(), new.into(), 4);
        bpf_skb_store_bytes(skb, offset(passing.address), (&raw const new).cast(), 4, 0);
    }
}

#[inline(always)]
fn replace_v6(skb: *mut __sk_buff, passing: &Passing, other: &Address) {
    let old = (&raw const passing.key.other).cast_mut();
    let new = ptr::from_ref(other);
    // SAFETY: as in `replace_v4`; both addresses have 16 bytes, which `bpf_csum_diff` only reads.
    unsafe {
        let change = bpf_csum_diff(old.cast(), 16, new.cast_mut().cast(), 16, 0);
        let change = change.cast_unsigned();
        bpf_l4_csum_replace(skb, offset(passing.checksum), 0, change, transport_flags(passing));
        bpf_skb_store_bytes(skb, offset(passing.address), new.cast(), 16, 0);
    }
}

/// The checksum covers the addresses; a UDP packet without one keeps having none (RFC 768).
#[inline(always)]
fn transport_flags(passing: &Passing) -> u64 {
    let pseudo = u64::from(BPF_F_PSEUDO_HDR);
    let udp = passing.key.protocol == protocol::UDP;
    if udp { pseudo | u64::from(BPF_F_MARK_MANGLED_0) } else { pseudo }
}

/// The four bytes of an IPv4 address, as they stand in the packet.
#[inline(always)]
fn word(address: &Address) -> u32 {
    let [.., a, b, c, d] = address.bytes;
    u32::from_ne_bytes([a, b, c, d])
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "offsets in headers")]
const fn offset(of: usize) -> u32 {
    of as u32
}
