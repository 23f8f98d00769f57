//! Which words of the ring arena are free.

use std::time::{Duration, Instant};

/// How long a region rests after its ring was replaced, and a link's number after a real server left it: a
/// packet that has just read the old reference is done within microseconds.
pub(super) const REST: Duration = Duration::from_secs(1);

/// A part of the arena, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Region {
    /// First word.
    pub offset: u32,
    /// Number of words.
    pub words: u32,
}

/// The allocator: first fit over the regions in use.
#[derive(Debug, Default)]
pub(super) struct Arena {
    words: u32,
    /// In use or resting, by offset.
    taken: Vec<Region>,
    resting: Vec<(Instant, Region)>,
}

impl Arena {
    /// An arena of `words` words of which `taken` are in use.
    pub(super) fn new(words: u32, mut taken: Vec<Region>) -> Self {
        taken.sort_unstable();
        taken.dedup();
        Self { words, taken, resting: Vec::new() }
    }

    /// Takes `words` words; `None` where no gap is wide enough. Regions that have rested until `now` are
    /// free again.
    pub(super) fn take(&mut self, words: u32, now: Instant) -> Option<Region> {
        let rested: Vec<_> =
            self.resting.extract_if(.., |(since, _)| now.duration_since(*since) >= REST).collect();
        for (_, region) in rested {
            self.taken.retain(|taken| *taken != region);
        }
        let mut offset = 0;
        let mut position = 0;
        for region in &self.taken {
            if region.offset - offset >= words {
                break;
            }
            offset = region.offset + region.words;
            position += 1;
        }
        if self.words - offset < words {
            return None;
        }
        let region = Region { offset, words };
        self.taken.insert(position, region);
        Some(region)
    }

    /// Gives a region back; it is free once it has rested.
    pub(super) fn give(&mut self, region: Region, now: Instant) {
        self.resting.push((now, region));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_do_not_overlap_and_rest_before_reuse() {
        let start = Instant::now();
        let mut arena = Arena::new(100, vec![Region { offset: 10, words: 20 }]);
        assert_eq!(arena.take(10, start), Some(Region { offset: 0, words: 10 }));
        let second = arena.take(30, start).unwrap();
        assert_eq!(second.offset, 30);
        assert_eq!(arena.take(41, start), None);
        arena.give(second, start);
        assert_eq!(arena.take(50, start), None, "still resting");
        assert_eq!(arena.take(50, start + REST).map(|region| region.offset), Some(30));
    }
}
