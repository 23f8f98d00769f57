//! Letters that wait for their server: sent in order, tried again ever more seldom, given up in the end.
//!
//! What keeps one letter from leaving keeps all (there is one server): they wait together, the oldest first.

use std::time::Duration;

use super::Queue;

/// Letters that may wait.
const ROOM: usize = 64;
/// From the first failure to the second try; doubled with each failure.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest time between two tries.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A letter older than this is not tried again: the news is no news any more.
pub const GIVE_UP: Duration = Duration::from_hours(24);

/// The outbox. Times are on any clock that only goes forward.
#[derive(Clone, Debug)]
pub struct Outbox<T> {
    waiting: Queue<Posted<T>>,
    /// Failures in a row.
    failures: u32,
    /// Not before this.
    next: Duration,
}

/// A letter, and when it was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted<T> {
    at: Duration,
    /// The letter.
    pub letter: T,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: Queue::new(ROOM), failures: 0, next: Duration::ZERO }
    }
}

impl<T> Outbox<T> {
    /// Takes a letter. Returns an older one that had to make room.
    pub fn post(&mut self, now: Duration, letter: T) -> Option<T> {
        self.waiting.push(Posted { at: now, letter }).map(|dropped| dropped.letter)
    }

    /// When [`Self::take`] has something; `None`: nothing waits.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.next)
    }

    /// The letter to send now. What became of it is told by [`Self::settled`] or [`Self::failed`].
    pub fn take(&mut self, now: Duration) -> Option<Posted<T>> {
        if now < self.next { None } else { self.waiting.pop() }
    }

    /// The server has taken a letter, or will never.
    pub const fn settled(&mut self) {
        self.failures = 0;
    }

    /// A letter could not be sent now. Returns it where it is not tried again.
    pub fn failed(&mut self, now: Duration, posted: Posted<T>) -> Option<T> {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.next = now + pause;
        if now.saturating_sub(posted.at) >= GIVE_UP {
            return Some(posted.letter);
        }
        self.waiting.put_back(posted).map(|dropped| dropped.letter)
    }

    /// Whatever waits is tried at once, one more time.
    pub const fn hurry(&mut self, now: Duration) {
        self.next = now;
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
#[path = "outbox_test.rs"]
mod tests;
