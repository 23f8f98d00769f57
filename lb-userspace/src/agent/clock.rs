//! The clock of leases, and of what the next agent is told: `CLOCK_BOOTTIME`, which XDP can read and which counts on
//! while the host is suspended. (That of a virtual machine that is paused stands still: it finds its lease as it was,
//! and the agent what was said meanwhile.)

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// Time since the host was started.
pub(super) fn since_boot() -> Duration {
    // It cannot fail on a kernel that has the clock, which is older than BPF.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

/// When the host was started: times that count from there are good for the next agent too.
pub(super) fn boot() -> Instant {
    let now = Instant::now();
    now.checked_sub(since_boot()).unwrap_or(now)
}
