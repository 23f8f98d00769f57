//! Flows whose notes were looked up within the last second, where their packets look first.
//!
//! A lookup in the flow table costs calls of the kernel and three cache lines that are seldom at hand. What it would
//! say is therefore kept for as long as it can be known to say it: until the note has to be written again. One word
//! of 64 bits stands for the flow, a keyed hash of all that a note depends on, the window among it; so nothing has
//! to be cleared when a window closes, and two flows are mistaken for each other once in 2⁶² lookups.
//!
//! Should two CPUs see packets of one flow at the same moment, one of which begins a new connection on its ports, the
//! other may put down again what no longer holds: for the rest of the second. One flow's packets come to one CPU.

use core::cell::Cell;

/// Sets of [`FlowSet`]: a power of two.
pub const FLOW_SETS: u32 = 8_192;

/// Where a flow's packets go, and until when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lately {
    /// The real server's number within its pool.
    pub real: u16,
    /// The first tick of the kernel's clock at which it is not known any more.
    pub until: u64,
}

impl Lately {
    const REAL_BITS: u32 = u16::BITS;

    #[inline(always)]
    const fn word(self) -> u64 {
        self.until << Self::REAL_BITS | self.real as u64
    }

    #[inline(always)]
    const fn from_word(word: u64) -> Self {
        let [a, b, ..] = word.to_le_bytes();
        Self { real: u16::from_le_bytes([a, b]), until: word >> Self::REAL_BITS }
    }
}

/// One cache line: four flows whose hashes begin alike. All CPUs read and write it without a lock: the first word of
/// a flow is its hash, XORed with the second, so that words of two writers match no flow. (LLVM's BPF target has no
/// atomic loads; aligned words are loaded and stored whole.)
#[repr(C, align(64))]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowSet {
    ways: [[Cell<u64>; 2]; 4],
}

const _: () = assert!(size_of::<FlowSet>() == 64);

impl FlowSet {
    /// The number of the set of a flow.
    #[inline(always)]
    #[must_use]
    pub const fn place(hash: u64) -> u32 {
        (hash >> 32) as u32 >> (u32::BITS - FLOW_SETS.trailing_zeros())
    }

    /// What is known of a flow.
    #[inline(always)]
    pub fn get(&self, hash: u64) -> Option<Lately> {
        let known = |way: &[Cell<u64>; 2]| {
            let word = way[1].get();
            (way[0].get() ^ word == hash).then(|| Lately::from_word(word))
        };
        self.ways.iter().find_map(known)
    }

    /// Puts a flow down, in the place of another if need be: of one that is not known any more at `tick`, if there
    /// is one.
    #[inline(always)]
    pub fn put(&self, hash: u64, lately: Lately, tick: u64) {
        let word = lately.word();
        let (mut best, mut rank) = ((hash & 3) as usize, 0);
        for (number, way) in self.ways.iter().enumerate() {
            let old = way[1].get();
            let found = if way[0].get() ^ old == hash {
                2
            } else {
                u32::from(Lately::from_word(old).until <= tick)
            };
            if found > rank {
                (best, rank) = (number, found);
            }
        }
        let way = &self.ways[best & 3];
        way[0].set(hash ^ word);
        way[1].set(word);
    }

    /// Forgets a flow.
    #[inline(always)]
    pub fn remove(&self, hash: u64) {
        for way in &self.ways {
            if way[0].get() ^ way[1].get() == hash {
                // Known until tick 0, and its hash matches no more.
                way[1].set(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: u64 = 100;

    fn lately(real: u16, until: u64) -> Lately {
        Lately { real, until }
    }

    #[test]
    fn what_was_put_down_is_known_until_it_is_forgotten() {
        let set = FlowSet::default();
        for hash in 1..=4 {
            assert_eq!(set.get(hash), None);
            set.put(hash, lately(7, 200 + hash), TICK);
        }
        for hash in 1..=4 {
            assert_eq!(set.get(hash), Some(lately(7, 200 + hash)), "four flows share a line");
        }
        set.put(3, lately(0x7ffe, 300), TICK);
        assert_eq!(set.get(3), Some(lately(0x7ffe, 300)), "the newer word counts");
        set.remove(3);
        assert_eq!(set.get(3), None);
        assert_eq!([1, 2, 4].map(|hash| set.get(hash).is_some()), [true; 3], "the others stay");
    }

    #[test]
    fn what_is_over_gives_way_first() {
        let set = FlowSet::default();
        for (hash, until) in [(1, 200), (2, 200), (3, TICK), (4, 200)] {
            set.put(hash, lately(1, until), TICK - 1);
        }
        set.put(5, lately(2, 200), TICK);
        assert_eq!(set.get(5), Some(lately(2, 200)));
        assert_eq!(set.get(3), None, "its time was up");
        set.put(6, lately(3, 200), TICK);
        assert_eq!(set.get(6), Some(lately(3, 200)), "there is always room");
        let known = (1..=6).filter(|&hash| set.get(hash).is_some()).count();
        assert_eq!(known, 4);
    }

    #[test]
    fn words_of_two_writers_match_no_flow() {
        let (one, other) = (FlowSet::default(), FlowSet::default());
        let (first, second) = (0x1234_5678_9abc_def0, 0x1234_5678_0fed_cba8);
        one.put(first, lately(1, 200), TICK);
        other.put(second, lately(2, 200), TICK);
        for half in [0, 1] {
            let torn = one.clone();
            torn.ways[0][half].set(other.ways[0][half].get());
            assert_eq!([first, second].map(|hash| torn.get(hash)), [None; 2], "half {half}");
        }
    }
}
