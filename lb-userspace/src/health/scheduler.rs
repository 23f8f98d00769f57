//! When each of many checks is made.
//!
//! Every check has a place of its own within its interval, so ten thousand of them are no crowd at any moment. No
//! more than a given number are under way at a time; the others wait, the one due first goes first, and what is
//! begun late is counted.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::model::Jitter;

/// The first check waits at most this long, however long the interval: a director that has just
/// started should know its servers soon, but not open a thousand connections in one instant.
const FIRST_CHECK_WITHIN: Duration = Duration::from_millis(250);
/// What is begun later than this after it was due counts as late.
const LATE: Duration = Duration::from_millis(100);

/// The number of a check. None is given twice, so nothing said of a check that has ended is taken for another's.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CheckId(pub u64);

impl CheckId {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The times of all checks.
#[derive(Clone, Debug)]
pub struct Scheduler {
    most: usize,
    checks: HashMap<CheckId, Times>,
    /// Those that are not under way, by when they are due.
    due: BTreeSet<(Duration, CheckId)>,
    lateness: Lateness,
}

/// How well the times are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// Checks that were begun more than 100 ms late, so far.
    pub late: u64,
    /// How late the latest of them was.
    pub worst: Duration,
}

/// How often a check is made, and how that spreads over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From the start of one to the start of the next.
    pub interval: Duration,
    /// How far the time between two may be from the interval.
    pub jitter: Jitter,
    /// The first one is made within this time; `None`: shortly.
    pub warm_up: Option<Duration>,
    /// Spreads checks over time: any number that differs between them, such as a hash of a name.
    pub place: u64,
}

impl Rhythm {
    /// From the beginning of its check number `begun` to the next. The second one moves to its own place in the
    /// interval.
    fn wait(&self, begun: u64) -> Duration {
        let jitter = self.jitter.of(self.interval);
        match begun {
            1 => self.interval / 2 + share(self.interval, self.place),
            _ => self.interval - jitter + share(2 * jitter, mix(self.place.wrapping_add(begun))),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Times {
    rhythm: Rhythm,
    /// How many have begun.
    begun: u64,
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    /// `last`: when the one before it was due.
    Idle {
        last: Option<Duration>,
        due: Duration,
    },
    Running {
        due: Duration,
    },
}

impl Scheduler {
    /// Without checks. At most `most` (at least one) are under way at a time.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            checks: HashMap::new(),
            due: BTreeSet::new(),
            lateness: Lateness::default(),
        }
    }

    /// A new check, due shortly after `now`, or within its time to warm up.
    pub fn add(&mut self, id: CheckId, rhythm: Rhythm, now: Duration) {
        self.remove(id);
        let within = rhythm.warm_up.unwrap_or(rhythm.interval.min(FIRST_CHECK_WITHIN));
        let due = now + share(within, rhythm.place);
        let progress = Progress::Idle { last: None, due };
        self.checks.insert(id, Times { rhythm, begun: 0, progress });
        self.due.insert((due, id));
    }

    /// Another interval from now on, counted from when the last check was due: one that is due by the new interval
    /// is made at once, and no result waits for the old one to end. The first check stays when it is.
    pub fn pace(&mut self, id: CheckId, interval: Duration, now: Duration) {
        let Some(times) = self.checks.get_mut(&id) else { return };
        if std::mem::replace(&mut times.rhythm.interval, interval) == interval {
            return;
        }
        if let Progress::Idle { last: Some(last), due } = &mut times.progress {
            self.due.remove(&(*due, id));
            *due = (*last + times.rhythm.wait(times.begun)).max(now);
            self.due.insert((*due, id));
        }
    }

    /// Forgets a check, whether it is under way or not.
    pub fn remove(&mut self, id: CheckId) {
        if let Some(Times { progress: Progress::Idle { due, .. }, .. }) = self.checks.remove(&id) {
            self.due.remove(&(due, id));
        }
    }

    /// Makes a check due at once: something else cast a doubt on the server.
    pub fn hurry(&mut self, id: CheckId, now: Duration) {
        if let Some(Times { progress: Progress::Idle { due, .. }, .. }) = self.checks.get_mut(&id)
            && now < *due
        {
            self.due.remove(&(*due, id));
            *due = now;
            self.due.insert((now, id));
        }
    }

    /// The check to be begun at `now`; it is under way from here on. `None` for now: nothing is due, or too many are
    /// under way.
    pub fn begin(&mut self, now: Duration) -> Option<CheckId> {
        let &(due, id) = self.due.first().filter(|(due, _)| *due <= now && self.has_room())?;
        self.due.remove(&(due, id));
        let times = self.checks.get_mut(&id)?;
        times.progress = Progress::Running { due };
        times.begun += 1;
        let late = now - due;
        if late > LATE {
            self.lateness.late += 1;
            self.lateness.worst = self.lateness.worst.max(late);
        }
        Some(id)
    }

    /// A check under way has ended. The next one counts from when it was due: without jitter checks keep their place
    /// in the interval, whatever they take.
    pub fn finished(&mut self, id: CheckId, now: Duration) {
        let Some(times) = self.checks.get_mut(&id) else { return };
        let Progress::Running { due: last } = times.progress else { return };
        let due = (last + times.rhythm.wait(times.begun)).max(now);
        times.progress = Progress::Idle { last: Some(last), due };
        self.due.insert((due, id));
    }

    /// When [`Scheduler::begin`] will next have something to say; `None` until a check ends or is added.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.due.first().filter(|_| self.has_room()).map(|(due, _)| *due)
    }

    /// How many checks are under way.
    #[must_use]
    pub fn running(&self) -> usize {
        self.checks.len() - self.due.len()
    }

    /// How well the times were kept so far.
    #[must_use]
    pub fn lateness(&self) -> Lateness {
        self.lateness
    }

    fn has_room(&self) -> bool {
        self.running() < self.most
    }
}

/// `whole` times `place` / 2^64.
fn share(whole: Duration, place: u64) -> Duration {
    let nanoseconds = (whole.as_nanos() * u128::from(place)) >> u64::BITS;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// Numbers that follow each other become numbers that have nothing to do with each other (the last steps of
/// SplitMix64).
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
#[path = "scheduler_test.rs"]
mod tests;
