//! Copies of packets for `lb capture`, as they came in and as they go out. Not in the program unless a
//! capture is on.
#![expect(clippy::cast_possible_truncation, reason = "frames are far shorter than 4 GB")]
#![expect(unsafe_code, reason = "helpers that copy packet bytes")]

use aya_ebpf::helpers::generated::{bpf_ringbuf_output, bpf_xdp_load_bytes};
use core::ptr;
use lb_common::{
    abi::{CAPTURE_ROOM as ROOM, Features, Filter, Reason, Seen},
    decode::{Decoded, decode},
    flow::Flow,
    verdict::{Tables as _, Verdict, find},
    wire::Frame as _,
};

use crate::{
    maps::{self, CAPTURE, CAPTURE_ROOM},
    packet::Packet,
    tables::Maps,
};

/// Copies the packet as it came in. True where it is to be copied as it goes out too.
#[inline(always)]
pub(crate) fn came_in(packet: &Packet<'_>, verdict: &Verdict) -> bool {
    if !maps::features().has(Features::CAPTURE) {
        return false;
    }
    let Some(node) = maps::node() else { return false };
    let (real, refused) = match verdict {
        Verdict::Forward { choice, .. } => (u32::from(choice.number) + 1, None),
        Verdict::Refuse { reason, .. } => (0, Some(*reason)),
    };
    let wanted = is_wanted(packet, &node.filter, real, refused);
    if wanted {
        copy(packet, packet.interface(), false, refused);
    }
    wanted
}

/// Copies the packet as it goes out by `interface`.
#[inline(always)]
pub(crate) fn goes_out(packet: &Packet<'_>, interface: u32) {
    copy(packet, interface, true, None);
}

#[inline(always)]
fn is_wanted(packet: &Packet<'_>, filter: &Filter, real: u32, refused: Option<Reason>) -> bool {
    let dropped = refused.is_some_and(Reason::drops);
    let passes = refused.is_some() && !dropped;
    if passes || (filter.drops != 0 && !dropped) || (filter.real != 0 && filter.real != real) {
        return false;
    }
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

/// One record of the capture; lost where its reader is behind.
#[inline(never)]
fn copy(packet: &Packet<'_>, interface: u32, out: bool, refused: Option<Reason>) -> u32 {
    let (Some(node), Some(room)) = (maps::node(), CAPTURE_ROOM.get_ptr_mut(0)) else { return 0 };
    let length = packet.length() as u32;
    let mut kept = if length < node.filter.snap { length } else { node.filter.snap };
    if kept > Seen::MOST {
        kept = Seen::MOST;
    }
    if kept == 0 {
        return 0;
    }
    let seen = Seen {
        at: Maps.now(),
        interface,
        length,
        kept,
        out: u16::from(out),
        reason: refused.map_or(0, |reason| reason as u16 + 1),
    };
    // SAFETY: this CPU's own room, large enough for the header and `Seen::MOST` bytes; XDP runs on it one at
    // a time. The helpers check what they are given once more.
    unsafe {
        ptr::write(room.cast(), seen);
        let bytes = room.cast::<u8>().add(size_of::<Seen>());
        if bpf_xdp_load_bytes(packet.context(), 0, bytes.cast(), kept) == 0 {
            let all = size_of::<Seen>() as u64 + u64::from(kept);
            debug_assert!(all <= ROOM as u64);
            bpf_ringbuf_output((&raw const CAPTURE).cast_mut().cast(), room.cast(), all, 0);
        }
    }
    0
}
