//! A wheel of deadlines, counted in ticks. It knows no clock.
//!
//! A deadline that moves later, as it does with each request, costs one store: the entry stays where it is listed and is
//! listed anew when its slot comes round. Nothing is allocated for that, and an entry that is removed is gone at once.

use std::task::Waker;

/// About 100 s at 50 ms a tick; what is later comes round more than once.
const SLOTS: u64 = 2_048;
const NONE: u32 = u32::MAX;
/// No deadline.
const NEVER: u64 = u64::MAX;

/// The number of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u32);

#[derive(Debug)]
struct Entry {
    deadline: u64,
    /// The tick at which it is looked at; `NEVER` where it is in no list.
    listed: u64,
    /// Neighbours in its list.
    before: u32,
    after: u32,
    expired: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(super) struct Wheel {
    heads: Box<[u32]>,
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// Everything up to this tick has been looked at.
    now: u64,
}

impl Wheel {
    pub(super) fn new() -> Self {
        let heads = vec![NONE; usize::try_from(SLOTS).unwrap_or(0)].into();
        Self { heads, entries: Vec::new(), free: Vec::new(), now: 0 }
    }

    pub(super) fn add(&mut self) -> Key {
        let entry = Entry {
            deadline: NEVER,
            listed: NEVER,
            before: NONE,
            after: NONE,
            expired: false,
            waker: None,
        };
        if let Some(index) = self.free.pop() {
            self.entries[index as usize] = entry;
            return Key(index);
        }
        self.entries.push(entry);
        // Four thousand million connections do not fit into memory.
        Key(u32::try_from(self.entries.len() - 1).unwrap_or(NONE))
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.unlist(key.0);
        self.entries[key.0 as usize].waker = None;
        self.free.push(key.0);
    }

    /// It expires with this tick, or at the next one where that has passed.
    pub(super) fn set(&mut self, key: Key, deadline: u64) {
        let entry = &mut self.entries[key.0 as usize];
        entry.deadline = deadline;
        entry.expired = false;
        if entry.listed > deadline {
            self.unlist(key.0);
            self.list(key.0, deadline);
        } else if entry.listed == NEVER && deadline != NEVER {
            self.list(key.0, deadline);
        }
    }

    /// It never expires.
    pub(super) fn clear(&mut self, key: Key) {
        let entry = &mut self.entries[key.0 as usize];
        entry.deadline = NEVER;
        entry.expired = false;
    }

    /// Whether it has expired; if not, this waker is woken then.
    pub(super) fn is_expired(&mut self, key: Key, waker: &Waker) -> bool {
        let entry = &mut self.entries[key.0 as usize];
        if !entry.expired && !entry.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            entry.waker = Some(waker.clone());
        }
        entry.expired
    }

    /// Time goes on; appends whom to wake.
    pub(super) fn turn(&mut self, now: u64, wake: &mut Vec<Waker>) {
        // After a long pause once round is enough.
        let first = (self.now + 1).max(now.saturating_sub(SLOTS - 1));
        self.now = self.now.max(now);
        for tick in first..=now {
            let mut index = std::mem::replace(&mut self.heads[slot(tick)], NONE);
            while index != NONE {
                let entry = &mut self.entries[index as usize];
                let after = entry.after;
                (entry.listed, entry.before, entry.after) = (NEVER, NONE, NONE);
                if entry.deadline <= now {
                    entry.deadline = NEVER;
                    entry.expired = true;
                    wake.extend(entry.waker.take());
                } else if entry.deadline != NEVER {
                    let deadline = entry.deadline;
                    self.list(index, deadline);
                }
                index = after;
            }
        }
    }

    fn list(&mut self, index: u32, deadline: u64) {
        let tick = deadline.clamp(self.now + 1, self.now + SLOTS - 1);
        let first = std::mem::replace(&mut self.heads[slot(tick)], index);
        let entry = &mut self.entries[index as usize];
        (entry.listed, entry.before, entry.after) = (tick, NONE, first);
        if first != NONE {
            self.entries[first as usize].before = index;
        }
    }

    fn unlist(&mut self, index: u32) {
        let Entry { listed, before, after, .. } = self.entries[index as usize];
        if listed == NEVER {
            return;
        }
        match before {
            NONE => self.heads[slot(listed)] = after,
            before => self.entries[before as usize].after = after,
        }
        if after != NONE {
            self.entries[after as usize].before = before;
        }
        let entry = &mut self.entries[index as usize];
        (entry.listed, entry.before, entry.after) = (NEVER, NONE, NONE);
    }
}

fn slot(tick: u64) -> usize {
    usize::try_from(tick % SLOTS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn turn(wheel: &mut Wheel, now: u64) {
        wheel.turn(now, &mut Vec::new());
    }

    #[test]
    fn a_deadline_that_moves_is_kept() {
        let mut wheel = Wheel::new();
        let (one, other) = (wheel.add(), wheel.add());
        wheel.set(one, 3);
        wheel.set(other, 3);
        wheel.set(one, 5_000);
        turn(&mut wheel, 3);
        assert!(wheel.is_expired(other, Waker::noop()));
        for now in 4..5_000 {
            turn(&mut wheel, now);
            assert!(!wheel.is_expired(one, Waker::noop()), "{now}");
        }
        wheel.set(one, 4_999);
        turn(&mut wheel, 5_000);
        assert!(wheel.is_expired(one, Waker::noop()));
        wheel.set(one, 9_000);
        assert!(!wheel.is_expired(one, Waker::noop()));
        turn(&mut wheel, 100_000);
        assert!(wheel.is_expired(one, Waker::noop()));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set(usize, u64),
        Clear(usize),
        Replace(usize),
        Pass(u64),
    }

    proptest! {
        /// Against a map that is looked through at each tick.
        #[test]
        fn nothing_expires_early_late_or_twice(
            steps in proptest::collection::vec(
                prop_oneof![
                    (0..6_usize, 1..6_000_u64).prop_map(|(key, after)| Step::Set(key, after)),
                    (0..6_usize).prop_map(Step::Clear),
                    (0..6_usize).prop_map(Step::Replace),
                    (0..3_000_u64).prop_map(Step::Pass),
                ],
                1..60,
            ),
        ) {
            let mut wheel = Wheel::new();
            let mut keys: Vec<_> = (0..6).map(|_| wheel.add()).collect();
            let mut model = BTreeMap::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Set(key, after) => {
                        wheel.set(keys[key], now + after);
                        model.insert(key, now + after);
                    }
                    Step::Clear(key) => {
                        wheel.clear(keys[key]);
                        model.remove(&key);
                    }
                    Step::Replace(key) => {
                        wheel.remove(keys[key]);
                        keys[key] = wheel.add();
                        model.remove(&key);
                    }
                    Step::Pass(ticks) => {
                        now += ticks;
                        turn(&mut wheel, now);
                    }
                }
                for (index, key) in keys.iter().enumerate() {
                    let due = model.get(&index).is_some_and(|deadline| *deadline <= now);
                    prop_assert_eq!(wheel.is_expired(*key, Waker::noop()), due);
                }
            }
        }
    }
}
