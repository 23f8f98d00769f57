//! The counters of real servers: a part of one mapped array for each CPU, read without a system call.

use lb_common::abi::Counter;

use super::mmap::Words;

/// The mapped counters.
#[derive(Debug)]
pub(super) struct Counters {
    words: Words,
    /// Words of one CPU's part.
    part: usize,
}

impl Counters {
    /// Words of a counter: packets, bytes, connections.
    pub(super) const WORDS: usize = size_of::<Counter>() / 8;

    /// `words` holds `each` counters for each CPU.
    pub(super) const fn new(words: Words, each: u32) -> Self {
        Self { words, part: each as usize * Self::WORDS }
    }

    /// One counter, over all CPUs; zeros beyond the end.
    pub(super) fn sum(&self, index: u32) -> Counter {
        let word = |at, word| self.words.get(at + word).unwrap_or(0);
        let mut sum = Counter::default();
        for at in self.places(index) {
            sum += Counter { packets: word(at, 0), bytes: word(at, 1), connections: word(at, 2) };
        }
        sum
    }

    /// Sets a counter to zero.
    pub(super) fn reset(&self, index: u32) {
        for at in self.places(index) {
            (at..at + Self::WORDS).for_each(|word| self.words.set(word, 0));
        }
    }

    /// Copies a counter, CPU by CPU.
    pub(super) fn copy(&self, from: u32, to: u32) {
        for (from, to) in self.places(from).zip(self.places(to)) {
            for word in 0..Self::WORDS {
                self.words.set(to + word, self.words.get(from + word).unwrap_or(0));
            }
        }
    }

    /// Where the counter stands in the part of each CPU.
    fn places(&self, index: u32) -> impl Iterator<Item = usize> + use<> {
        let at = index as usize * Self::WORDS;
        let (length, part) = (self.words.len(), self.part);
        (0..length).step_by(part.max(1)).map(move |start| start + at).filter(move |_| at < part)
    }
}
