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
    decode::{self, Decoded, Kind},
    flow::{Flow, Segment},
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
    maps::features().has(Features::CAPTURE) && comes_in(packet, u32::from(number) + 1, 0, 0)
}

/// Copies a packet that is not forwarded.
#[inline(always)]
pub(crate) fn refused(packet: &Packet<'_>, reason: Reason) {
    if maps::features().has(Features::CAPTURE) {
        comes_in(packet, 0, reason as u32 + 1, u32::from(reason.drops()));
    }
}

/// Copies the packet where the filter wants it. Two calls, one after the other: one within the other would
/// need more stack than the kernel gives.
#[inline(always)]
fn comes_in(packet: &Packet<'_>, real: u32, reason: u32, dropped: u32) -> bool {
    let wanted = capture_packet(packet.context(), real, reason, dropped) != 0;
    if wanted {
        copy_packet(packet.context(), packet.interface(), 0, reason);
    }
    wanted
}

/// Copies the packet as it goes out by `interface`.
#[inline(always)]
pub(crate) fn goes_out(packet: &Packet<'_>, interface: u32) {
    copy_packet(packet.context(), interface, 1, 0);
}

/// A global function of the program: the verifier looks at it once. Returns 1 where the filter wants the packet
/// as it came in; `real` and `reason` plus one.
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
    u32::from(is_wanted(&packet, filter))
}

/// Whether it is of the service and of the client that are captured. Each family by itself, as
/// [`lb_common::verdict::steer`] does it: where both meet in one value, the compiler computes with parts of it
/// that were never set, which the verifier refuses.
#[inline(always)]
fn is_wanted(packet: &Packet<'_>, filter: &Filter) -> bool {
    match decode::kind(packet) {
        (Kind::Ipv4, at) => fits(decode::ipv4(packet, at), filter),
        (Kind::Ipv6, at) => fits(decode::ipv6(packet, at), filter),
        (Kind::Pass(_), _) => takes_any(filter),
    }
}

#[inline(always)]
fn fits(decoded: Decoded, filter: &Filter) -> bool {
    let flow = match decoded {
        Decoded::Flow { flow, .. } | Decoded::Quote { flow, .. } => flow,
        Decoded::Later { from: client, to: vip, protocol, .. } => {
            Flow { client, vip, ports: 0, protocol, segment: Segment::Other }
        }
        Decoded::Portless { .. } | Decoded::Pass(_) => return takes_any(filter),
    };
    let [high, low] = flow.client.lanes();
    let [mask_high, mask_low] = filter.client_mask;
    let client = high & mask_high == filter.client[0] && low & mask_low == filter.client[1];
    let service = || find(&flow, &Maps).is_some_and(|s| s.counters + 1 == filter.counters);
    client && (filter.counters == 0 || service())
}

/// Whether packets without a client and a service are captured, too.
#[inline(always)]
fn takes_any(filter: &Filter) -> bool {
    filter.counters == 0 && filter.client_mask == [0; 2]
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
        // Read back, and cut to 1 to `Seen::MOST` by a mask: what the compiler knows of the length, the
        // verifier has forgotten by now.
        let kept = ptr::read_volatile(&raw const (*room.cast::<Seen>()).kept);
        let kept = (kept.wrapping_sub(1) & (Seen::MOST - 1)) + 1;
        let bytes = room.cast::<u8>().add(size_of::<Seen>());
        if bpf_xdp_load_bytes(ctx, 0, bytes.cast(), kept) == 0 {
            let all = size_of::<Seen>() as u64 + u64::from(kept);
            bpf_ringbuf_output((&raw const CAPTURE).cast_mut().cast(), room.cast(), all, 0);
        }
    }
    0
}
