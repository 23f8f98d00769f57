//! Counting: one per-CPU counter a packet.

use lb_common::{abi::Reason, verdict::Choice, wire::Frame as _};

use crate::{maps, packet::Packet};

/// A packet that goes to a real server.
#[inline(always)]
pub(crate) fn forwarded(packet: &Packet<'_>, choice: &Choice) {
    maps::count(maps::counter(choice.counter), packet.length());
}

/// A packet that does not.
#[inline(always)]
pub(crate) fn refused(packet: &Packet<'_>, reason: Reason) {
    maps::count(maps::reason(reason), packet.length());
}
