//! Firewall marks of packets that go on to this host: XDP puts one in front of the packet, as metadata, and the
//! tc program behind it takes it from there.
#![expect(
    unsafe_code,
    reason = "a function that the kernel's verifier looks at by itself; memory that it checks"
)]

use aya_ebpf::{bindings::xdp_md, programs::TcContext};
use core::ptr;
use lb_common::{
    abi::{Features, Metadata, Reason},
    mark::mark,
    wire::Frame as _,
};

use crate::{maps, packet::Packet, stats, tables::Maps};

/// Puts the mark of its service in front of a packet that goes on to this host.
#[inline(always)]
pub(crate) fn put(packet: &mut Packet<'_>) {
    if !maps::features().has(Features::MARKS) {
        return;
    }
    let mark = find_mark(packet.context());
    packet.reload();
    if mark != 0 && packet.annotate(Metadata::new(mark)).is_none() {
        // It goes on all the same: without the mark is better than not at all.
        stats::refused(Reason::Unmarked, packet.length());
    }
}

/// A global function of the program: the verifier looks at it once.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn find_mark(ctx: *mut xdp_md) -> u32 {
    // SAFETY: called with the context of the running program, which reads its packet anew afterwards.
    mark(&unsafe { Packet::from_raw(ctx) }, &Maps)
}

/// The mark that stands in front of a packet.
#[inline(always)]
pub(crate) fn carried(ctx: &TcContext) -> Option<u32> {
    let skb = ctx.skb.skb;
    // SAFETY: `skb` is the context of a program that has not returned. Volatile: the kernel puts pointers in
    // the place of these numbers.
    let (from, end) = unsafe {
        let from = ptr::read_volatile(&raw const (*skb).data_meta);
        (from as usize, ptr::read_volatile(&raw const (*skb).data) as usize)
    };
    if from + Metadata::BYTES > end {
        return None;
    }
    // SAFETY: its end was compared with that of the metadata; the verifier proves it again.
    unsafe { (*(from as *const Metadata)).mark() }
}
