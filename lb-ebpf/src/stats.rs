//! Counting: one counter a packet, of its CPU.

use lb_common::{abi::Reason, verdict::Choice};

use crate::maps;

/// A packet that goes to a real server.
#[inline(always)]
pub(crate) fn forwarded(choice: &Choice, bytes: usize) {
    maps::count(maps::counter(choice.counter), bytes, choice.new);
}

/// A packet that does not.
#[inline(always)]
pub(crate) fn refused(reason: Reason, bytes: usize) {
    maps::count(maps::reason(reason), bytes, false);
}
