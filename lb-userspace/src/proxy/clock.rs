//! The time of a data thread. What one turn of its loop does happens at one time: the clock is looked at once a turn, or
//! after some uses, and not a dozen times for each request.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Uses of one look at the clock, at most: those of about ten requests, so that a turn without end has a clock, too.
const MOST_USES: u32 = 128;

thread_local! {
    /// The turn of this thread's loop.
    static TURN: Cell<u64> = const { Cell::new(0) };
}

/// Of one thread.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    seen: Cell<Duration>,
    /// When that was seen, and how often it has been used.
    turn: Cell<u64>,
    uses: Cell<u32>,
}

/// Time has passed: this thread has waited.
pub(super) fn forget() {
    TURN.set(TURN.get().wrapping_add(1));
}

impl Clock {
    /// Begins now.
    pub(super) fn new() -> Self {
        let (seen, turn, uses) = (Cell::default(), Cell::new(TURN.get()), Cell::default());
        Self { began: Instant::now(), seen, turn, uses }
    }

    /// Since it has begun.
    pub(super) fn now(&self) -> Duration {
        let (turn, uses) = (TURN.get(), self.uses.get());
        if turn == self.turn.get() && uses < MOST_USES {
            self.uses.set(uses + 1);
        } else {
            self.turn.set(turn);
            self.uses.set(0);
            self.seen.set(self.began.elapsed());
        }
        self.seen.get()
    }
}
