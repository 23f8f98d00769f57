//! Copies of packets for `lb capture`, as they came in and as they go out. Not in the program unless a
//! capture is on.
#![expect(clippy::cast_possible_truncation, reason = "frames are far shorter than 4 GB")]
#![expect(unsafe_code, reason = "helpers that copy packet bytes")]

use aya_ebpf::{
    bindings::xdp_md,
    helpers::generated::{bpf_ringbuf_output, bpf_xdp_load_bytes},
};
use core::ptr;
use lb_common::{
    abi::{Features, Filter, Reason, Seen},
    decode::{Decoded, decode},
    flow::Flow,
    verdict::{Tables as _, find},
    wire::Frame as _,
};

use crate::{
    maps::{self, CAPTURE, CAPTURE_ROOM},
    packet::Packet,
    tables::Maps,
};

/// Copies a packet for a real server as it came in. True where it is to be copied as it goes out too.
#[inline(always)]
pub(crate) fn forwarded(packet: &Packet<'_>, number: u16) -> bool {
    maps::features().has(Features::CAPTURE)
        && capture_packet(packet.context(), u32::from(number) + 1, 0, 0) != 0
}

/// Copies a packet that is not forwarded.
#[inline(always)]
pub(crate) fn refused(packet: &Packet<'_>, reason: Reason) {
    if maps::features().has(Features::CAPTURE) {
        capture_packet(packet.context(), 0, reason as u32 + 1, u32::from(reason.drops()));
    }
}

/// Copies the packet as it goes out by `interface`.
#[inline(always)]
pub(crate) fn goes_out(packet: &Packet<'_>, interface: u32) {
    copy_packet(packet.context(), interface, 1, 0);
}

/// A global function of the program: the verifier looks at it once. Copies a packet as it came in, where the
/// filter wants it; `real` and `reason` plus one. Returns 1 where it was copied.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn capture_packet(ctx: *mut xdp_md, real: u32, reason: u32, dropped: u32) -> u32 {
    // SAFETY: called with the context of the running program, which does not touch its packet meanwhile.
    let packet = unsafe { Packet::from_raw(ctx) };
    let Some(node) = maps::node() else { return 0 };
    let passes = reason != 0 && dropped == 0;
    let filter = &node.filter;
    if passes || (filter.drops != 0 && dropped == 0) || (filter.real != 0 && filter.real != real) {
        return 0;
    }
    let wanted = is_wanted(&packet, filter);
    if wanted {
        copy_packet(ctx, packet.interface(), 0, reason);
    }
    u32::from(wanted)
}

/// Whether it is of the service and of the client that are captured.
#[inline(always)]
fn is_wanted(packet: &Packet<'_>, filter: &Filter) -> bool {
    let flow = match decode(packet) {
        Decoded::Flow { flow, .. } | Decoded::Quote { flow, .. } => flow,
        Decoded::Later { from: client, to: vip, protocol, .. } => {
            Flow { client, vip, ports: 0, protocol, segment: lb_common::flow::Segment::Other }
        }
        Decoded::Portless { .. } | Decoded::Pass(_) => {
            return filter.counters == 0 && filter.client_mask == [0; 2];
        }
    };
    let [high, low] = flow.client.lanes();
    let [mask_high, mask_low] = filter.client_mask;
    let client = high & mask_high == filter.client[0] && low & mask_low == filter.client[1];
    let service = || find(&flow, &Maps).is_some_and(|s| s.counters + 1 == filter.counters);
    client && (filter.counters == 0 || service())
}

/// A global function of the program: the verifier looks at it once. One record of the capture, lost where its
/// reader is behind; `reason` plus one.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn copy_packet(ctx: *mut xdp_md, interface: u32, out: u32, reason: u32) -> u32 {
    // SAFETY: called with the context of the running program, which does not touch its packet meanwhile.
    let packet = unsafe { Packet::from_raw(ctx) };
    let (Some(node), Some(room)) = (maps::node(), CAPTURE_ROOM.get_ptr_mut(0)) else { return 0 };
    let length = packet.length() as u32;
    let mut kept = if length < node.filter.snap { length } else { node.filter.snap };
    if kept > Seen::MOST {
        kept = Seen::MOST;
    }
    if kept == 0 {
        return 0;
    }
    let seen =
        Seen { at: Maps.now(), interface, length, kept, out: out as u16, reason: reason as u16 };
    // SAFETY: this CPU's own room, large enough for the header and `Seen::MOST` bytes; XDP runs on it one at
    // a time. The helpers check what they are given once more.
    unsafe {
        ptr::write(room.cast(), seen);
        let bytes = room.cast::<u8>().add(size_of::<Seen>());
        if bpf_xdp_load_bytes(ctx, 0, bytes.cast(), kept) == 0 {
            let all = size_of::<Seen>() as u64 + u64::from(kept);
            bpf_ringbuf_output((&raw const CAPTURE).cast_mut().cast(), room.cast(), all, 0);
        }
    }
    0
}
