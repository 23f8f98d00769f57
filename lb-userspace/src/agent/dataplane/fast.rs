//! The one-line entries of services: kept equal to the hash map, changed without a packet ever reading half
//! of one service and half of another.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use lb_common::{
    abi::{FAST_SERVICES, FastService, Service, ServiceKey},
    flow_hash::HashKeys,
};

use super::mmap::Words;

/// How long a cleared entry rests: a packet that has just read it is done within microseconds.
const REST: Duration = Duration::from_millis(100);
/// Words of an entry.
const WORDS: usize = size_of::<FastService>() / 8;
/// The word that holds the end of the key and `used`.
const USED: usize = 2;

/// Which service is where.
#[derive(Debug)]
pub(super) struct Fast {
    words: Words,
    keys: HashKeys,
    /// Entries in use, by place.
    used: BTreeMap<u32, (ServiceKey, Service)>,
    /// Places that were in use, and when they were cleared.
    resting: BTreeMap<u32, Instant>,
    /// Services that wait for their place to have rested.
    waiting: BTreeSet<ServiceKey>,
}

impl Fast {
    /// Number of words of the map.
    pub(super) const LENGTH: usize = FAST_SERVICES as usize * WORDS;

    /// Takes over the map. What an earlier agent has written is cleared: it is written again once it has
    /// rested, and the hash map serves meanwhile.
    pub(super) fn new(words: Words, keys: HashKeys, now: Instant) -> Self {
        let mut fast = Self {
            words,
            keys,
            used: BTreeMap::new(),
            resting: BTreeMap::new(),
            waiting: BTreeSet::new(),
        };
        for place in 0..FAST_SERVICES {
            if fast.words.get(place as usize * WORDS + USED).is_some_and(|word| word >> 32 != 0) {
                fast.clear(place, now);
            }
        }
        fast
    }

    /// Before the hash map changes what `key` stands for: packets look there until [`Fast::fill`].
    pub(super) fn invalidate(&mut self, key: &ServiceKey, now: Instant) {
        self.waiting.remove(key);
        let place = self.keys.fast_place(key);
        if self.used.get(&place).is_some_and(|(owner, _)| owner == key) {
            self.clear(place, now);
        }
    }

    /// A service that the hash map holds wants its place.
    pub(super) fn want(&mut self, key: ServiceKey) {
        self.waiting.insert(key);
    }

    /// Writes what waits and whose place is free and has rested. The first to come keeps a place; another
    /// service of the same place goes on being looked up in the hash map.
    pub(super) fn fill(&mut self, now: Instant, find: impl Fn(&ServiceKey) -> Option<Service>) {
        self.resting.retain(|_, since| now.duration_since(*since) < REST);
        let waiting = std::mem::take(&mut self.waiting);
        for key in waiting {
            let place = self.keys.fast_place(&key);
            if self.resting.contains_key(&place) {
                self.waiting.insert(key);
            } else if !self.used.contains_key(&place)
                && let Some(service) = find(&key)
            {
                self.write(place, key, service);
            }
        }
    }

    /// When [`Fast::fill`] has something to do again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let rested = |key: &ServiceKey| self.resting.get(&self.keys.fast_place(key));
        self.waiting.iter().filter_map(rested).min().map(|since| *since + REST)
    }

    fn clear(&mut self, place: u32, now: Instant) {
        self.words.set(place as usize * WORDS + USED, 0);
        self.used.remove(&place);
        self.resting.insert(place, now);
    }

    /// Everything else first, then the word that makes the entry valid.
    fn write(&mut self, place: u32, key: ServiceKey, service: Service) {
        let entry = FastService { key, used: 1, service };
        let words = entry.words();
        let at = place as usize * WORDS;
        for (index, word) in words.iter().enumerate().filter(|(index, _)| *index != USED) {
            self.words.set(at + index, *word);
        }
        self.words.set(at + USED, words[USED]);
        self.used.insert(place, (key, service));
    }
}
