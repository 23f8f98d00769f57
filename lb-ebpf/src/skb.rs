//! A packet that the kernel has made, or took in, as tc programs change it: by the kernel's helpers.
#![expect(unsafe_code, reason = "helpers that change a packet")]

use aya_ebpf::{
    bindings::{
        __sk_buff, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
        BPF_F_ADJ_ROOM_ENCAP_L4_UDP, BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR,
        bpf_adj_room_mode::BPF_ADJ_ROOM_MAC,
    },
    helpers::generated::{
        bpf_csum_diff, bpf_csum_update, bpf_l3_csum_replace, bpf_l4_csum_replace,
        bpf_skb_adjust_room, bpf_skb_change_proto, bpf_skb_pull_data, bpf_skb_store_bytes,
    },
    programs::TcContext,
};
use core::{marker::PhantomData, ptr};
use lb_common::{abi::Address, wire::ethertype};

/// The packet of a tc program. No pointer into it is held across a call of these.
#[derive(Clone, Copy)]
pub(crate) struct Skb<'a> {
    skb: *mut __sk_buff,
    lifetime: PhantomData<&'a TcContext>,
}

impl<'a> Skb<'a> {
    #[inline(always)]
    pub(crate) const fn new(ctx: &'a TcContext) -> Self {
        Self { skb: ctx.skb.skb, lifetime: PhantomData }
    }

    /// Bytes of it, wherever they lie.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        // SAFETY: `skb` is the context of a program that has not returned: `lifetime` borrows it.
        unsafe { ptr::read_volatile(&raw const (*self.skb).len) as usize }
    }

    /// Has the first `bytes` lie in one piece.
    #[inline(always)]
    pub(crate) fn pull(self, bytes: usize) {
        // SAFETY: as in `length`.
        unsafe { bpf_skb_pull_data(self.skb, place(bytes)) };
    }

    /// Writes `value` at `offset`; the kernel checks that it lies within the packet.
    #[inline(always)]
    pub(crate) fn store<T>(self, offset: usize, value: &T) -> Option<()> {
        let from = ptr::from_ref(value).cast();
        // SAFETY: as in `length`; `value` has as many bytes as it is said to have, all of them written: only records
        // without padding are stored.
        done(unsafe {
            bpf_skb_store_bytes(self.skb, place(offset), from, place(size_of::<T>()), 0)
        })
    }

    /// Replaces an address in an IPv4 header with the checksum at `offset` (RFC 1624).
    #[inline(always)]
    pub(crate) fn head_checksum(self, offset: usize, old: u32, new: u32) -> Option<()> {
        // SAFETY: as in `length`.
        done(unsafe { bpf_l3_csum_replace(self.skb, place(offset), old.into(), new.into(), 4) })
    }

    /// Brings the checksum of TCP or UDP at `offset` up to date by a change of the addresses that it covers. The kernel
    /// knows of checksums that the interface is to compute, too. A UDP packet without one keeps having none (RFC 768).
    #[inline(always)]
    pub(crate) fn transport_checksum(self, offset: usize, udp: bool, change: u32) -> Option<()> {
        let pseudo = u64::from(BPF_F_PSEUDO_HDR);
        let flags = if udp { pseudo | u64::from(BPF_F_MARK_MANGLED_0) } else { pseudo };
        // SAFETY: as in `length`.
        done(unsafe { bpf_l4_csum_replace(self.skb, place(offset), 0, u64::from(change), flags) })
    }

    /// Says that the sum over the whole packet, where the interface has computed one, is another one by `change`. Where
    /// it has not, nothing happens.
    #[inline(always)]
    pub(crate) fn whole_checksum(self, change: u32) {
        // SAFETY: as in `length`.
        unsafe { bpf_csum_update(self.skb, change) };
    }

    /// Makes an IPv4 packet an IPv6 one, or the other way round: 20 bytes more or less. The header is to be written.
    #[inline(always)]
    pub(crate) fn change_family(self, v6: bool) -> Option<()> {
        let kind = if v6 { ethertype::IPV6 } else { ethertype::IPV4 };
        // SAFETY: as in `length`.
        done(unsafe { bpf_skb_change_proto(self.skb, kind.to_be(), 0) })
    }

    /// Makes room for outer headers behind Ethernet's: IP, and UDP or none.
    #[inline(always)]
    pub(crate) fn make_room(self, v6: bool, udp: bool) -> Option<()> {
        let ip = if v6 { BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 } else { BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 };
        let flags = if udp { ip | BPF_F_ADJ_ROOM_ENCAP_L4_UDP } else { ip };
        let bytes = if v6 { 40 } else { 20 } + if udp { 8 } else { 0 };
        // SAFETY: as in `length`.
        done(unsafe { bpf_skb_adjust_room(self.skb, bytes, BPF_ADJ_ROOM_MAC, u64::from(flags)) })
    }
}

/// What replacing one address by another changes in a checksum, added to another change. (The prefix of a mapped IPv4
/// address counts nothing: it is all ones, or nothing.)
#[inline(always)]
pub(crate) fn change(old: &Address, new: &Address, before: u32) -> u32 {
    let (old, new) = (ptr::from_ref(old).cast_mut(), ptr::from_ref(new).cast_mut());
    // SAFETY: both have 16 bytes, which are only read.
    folded(unsafe { bpf_csum_diff(old.cast(), 16, new.cast(), 16, before) })
}

/// The sum of an IPv6 header.
#[inline(always)]
pub(crate) fn sum(header: &[u32; 10]) -> u32 {
    let header = ptr::from_ref(header).cast_mut();
    // SAFETY: it has 40 bytes, which are only read; of no bytes nothing is read.
    folded(unsafe { bpf_csum_diff(ptr::null_mut(), 0, header.cast(), 40, 0) })
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum has 32 bits")]
const fn folded(sum: i64) -> u32 {
    sum as u32
}

#[inline(always)]
const fn done(error: i64) -> Option<()> {
    if error == 0 { Some(()) } else { None }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "offsets and sizes of headers")]
const fn place(of: usize) -> u32 {
    of as u32
}
