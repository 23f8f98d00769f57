//! The counters of one server or pool in memory that all threads of two generations of workers share.
//!
//! Both generations count in the halves of one word, so that one compare-and-swap sees all connections there are: a
//! limit is exact, also while one worker takes over from another. When a process ends, however it ends, the supervisor
//! [folds](Cell::fold) its half, and what it held is free again.
//!
//! Nothing here is trusted: another process may have written anything. Sums saturate, nothing goes below zero, and no
//! value leads outside of anything. All zeros, as the memory comes from the kernel, is the right start.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

/// The two generations of workers that may live at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The lower half.
    A,
    /// The upper half.
    B,
}

impl Lane {
    const ALL: [Self; 2] = [Self::A, Self::B];

    const fn shift(self) -> u32 {
        match self {
            Self::A => 0,
            Self::B => 32,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

/// A thread of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its generation.
    pub lane: Lane,
    index: u8,
}

impl Thread {
    /// Threads of a worker, at most.
    pub const MAX: u8 = 64;

    /// `None` from [`Self::MAX`] on.
    #[must_use]
    pub const fn new(lane: Lane, index: u8) -> Option<Self> {
        if index < Self::MAX { Some(Self { lane, index }) } else { None }
    }

    /// Its number within its worker.
    #[must_use]
    pub const fn index(self) -> u8 {
        self.index
    }

    const fn bit(self) -> u128 {
        1 << (self.index as usize + self.lane.index() * Self::MAX as usize)
    }
}

/// A set of threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threads(u128);

impl Threads {
    /// Nobody?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Thread> {
        let all = Lane::ALL
            .into_iter()
            .flat_map(|lane| (0..Thread::MAX).map(move |index| Thread { lane, index }));
        all.filter(move |thread| self.0 & thread.bit() != 0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a half each")]
    pub(super) const fn words(self) -> [u64; 2] {
        [self.0 as u64, (self.0 >> u64::BITS) as u64]
    }

    pub(super) fn from_words([a, b]: [u64; 2]) -> Self {
        Self(u128::from(a) | u128::from(b) << u64::BITS)
    }

    pub(super) const fn of(thread: Thread) -> Self {
        Self(thread.bit())
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, thread: Thread) -> Self {
        Self(self.0 & !thread.bit())
    }

    /// The first one behind this thread, as on a round table: itself is the last. So everybody's turn comes.
    pub(super) fn after(self, thread: Thread) -> Option<Thread> {
        let behind = self.0 & !(thread.bit() | (thread.bit() - 1));
        let place = if behind != 0 { behind.trailing_zeros() } else { self.0.trailing_zeros() };
        let max = u32::from(Thread::MAX);
        let lane = if place < max { Lane::A } else { Lane::B };
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        (self.0 != 0).then_some(Thread { lane, index: (place % max) as u8 })
    }
}

/// What is counted of one server, or of one pool.
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct Cell {
    /// Connections, a half of the word for each lane.
    held: AtomicU64,
    /// Requests that wait, likewise.
    waiting: AtomicU64,
    /// Threads of each lane that have some of them, a bit each.
    sleepers: [AtomicU64; 2],
}

const _: () = assert!(size_of::<Cell>() == 64 && std::mem::offset_of!(Cell, sleepers) == 16);

impl Cell {
    /// Connections of both generations.
    #[must_use]
    pub fn held(&self) -> u32 {
        sum(self.held.load(SeqCst))
    }

    /// Requests of both generations that wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        sum(self.waiting.load(SeqCst))
    }

    /// A process has ended: nothing of it counts any more. Returns whom to wake, as there is room now.
    pub fn fold(&self, lane: Lane) -> Threads {
        let other_half = !(u64::from(u32::MAX) << lane.shift());
        self.sleepers[lane.index()].store(0, SeqCst);
        self.waiting.fetch_and(other_half, SeqCst);
        self.held.fetch_and(other_half, SeqCst);
        self.sleepers()
    }

    /// Takes one connection more, if there are less than `limit` of both generations together.
    pub(super) fn take(&self, lane: Lane, limit: Option<NonZeroU32>) -> bool {
        let limit = limit.map_or(u32::MAX, NonZeroU32::get);
        let more = |word| if sum(word) < limit { add(word, lane) } else { None };
        self.held.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    pub(super) fn give_back(&self, lane: Lane) {
        less(&self.held, lane);
    }

    pub(super) fn has_room(&self, limit: Option<NonZeroU32>) -> bool {
        limit.is_none_or(|limit| self.held() < limit.get())
    }

    pub(super) fn begin_to_wait(&self, thread: Thread) {
        // Where somebody else has written all ones, it is not counted, and nobody is the worse for it.
        let _ = self.waiting.fetch_update(SeqCst, SeqCst, |word| add(word, thread.lane));
        self.sleepers[thread.lane.index()].fetch_or(1 << thread.index, SeqCst);
    }

    /// `last`: the thread has no other that waits here.
    pub(super) fn end_to_wait(&self, thread: Thread, last: bool) {
        less(&self.waiting, thread.lane);
        if last {
            self.sleepers[thread.lane.index()].fetch_and(!(1 << thread.index), SeqCst);
        }
    }

    pub(super) fn sleepers(&self) -> Threads {
        let [a, b] = &self.sleepers;
        Threads::from_words([a.load(SeqCst), b.load(SeqCst)])
    }
}

const fn halves(word: u64) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    [word as u32, (word >> 32) as u32]
}

const fn sum(word: u64) -> u32 {
    let [a, b] = halves(word);
    a.saturating_add(b)
}

fn add(word: u64, lane: Lane) -> Option<u64> {
    (halves(word)[lane.index()] < u32::MAX).then(|| word + (1 << lane.shift()))
}

fn less(word: &AtomicU64, lane: Lane) {
    let subtract = |word| (halves(word)[lane.index()] > 0).then(|| word - (1 << lane.shift()));
    // It is zero where the supervisor has folded it, or somebody has written to it: then there is nothing to take away.
    let _ = word.fetch_update(SeqCst, SeqCst, subtract);
}

#[cfg(test)]
#[path = "cell_test.rs"]
mod tests;
