//! The right to one connection to a server. It is given back when it is dropped, on whatever way that happens.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::cell::{Cell, Lane, Thread, Threads};
use super::server::Place;

/// Threads that have to be woken. Each thread has one, and the shell empties it at the end of each turn of its loop.
#[derive(Debug, Default)]
pub struct WakeList([AtomicU64; 2]);

impl WakeList {
    /// Whom to wake. The list is empty then.
    pub fn take(&self) -> Threads {
        let [a, b] = &self.0;
        Threads::from_words([a.swap(0, Relaxed), b.swap(0, Relaxed)])
    }

    pub(super) fn add(&self, threads: Threads) {
        for (word, more) in self.0.iter().zip(threads.words()) {
            word.fetch_or(more, Relaxed);
        }
    }
}

/// One connection to a server, counted for as long as this lives.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Slot<'a> {
    place: Place,
    server: &'a Cell,
    pool: &'a Cell,
    thread: Thread,
    wakes: &'a WakeList,
}

impl<'a> Slot<'a> {
    /// Counted already.
    pub(super) const fn new(
        place: Place,
        [server, pool]: [&'a Cell; 2],
        thread: Thread,
        wakes: &'a WakeList,
    ) -> Self {
        Self { place, server, pool, thread, wakes }
    }

    /// The server.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The generation that it counts for.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        self.thread.lane
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.pool.give_back(self.thread.lane);
        self.server.give_back(self.thread.lane);
        // After it was given back: who begins to wait now sees that there is room.
        let sleepers = self.server.sleepers().and(self.pool.sleepers());
        if let Some(next) = sleepers.after(self.thread) {
            self.wakes.add(Threads::of(next));
        }
    }
}
