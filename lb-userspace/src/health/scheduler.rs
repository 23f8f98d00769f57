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
pub struct CheckId(u64);

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

#[derive(Clone, Copy, Debug)]
struct Times {
    interval: Duration,
    /// Its own place within the interval.
    place: Duration,
    /// It has not ended once.
    first: bool,
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    Idle { due: Duration },
    Running { due: Duration },
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

    /// A new check, due shortly after `now`. `place` spreads checks over time: any number that differs between them,
    /// such as a hash of a name.
    pub fn add(&mut self, id: CheckId, interval: Duration, place: u64, now: Duration) {
        self.remove(id);
        let due = now + share(interval.min(FIRST_CHECK_WITHIN), place);
        let (place, progress) = (share(interval, place), Progress::Idle { due });
        self.checks.insert(id, Times { interval, place, first: true, progress });
        self.due.insert((due, id));
    }

    /// Forgets a check, whether it is under way or not.
    pub fn remove(&mut self, id: CheckId) {
        if let Some(Times { progress: Progress::Idle { due }, .. }) = self.checks.remove(&id) {
            self.due.remove(&(due, id));
        }
    }

    /// Makes a check due at once: something else cast a doubt on the server.
    pub fn hurry(&mut self, id: CheckId, now: Duration) {
        if let Some(Times { progress: Progress::Idle { due }, .. }) = self.checks.get_mut(&id)
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
        self.checks.get_mut(&id)?.progress = Progress::Running { due };
        let late = now - due;
        if late > LATE {
            self.lateness.late += 1;
            self.lateness.worst = self.lateness.worst.max(late);
        }
        Some(id)
    }

    /// A check under way has ended. The second one moves to its own place in the interval; all later ones keep it,
    /// whatever they take.
    pub fn finished(&mut self, id: CheckId, now: Duration) {
        let Some(times) = self.checks.get_mut(&id) else { return };
        let Progress::Running { due } = times.progress else { return };
        let first = std::mem::take(&mut times.first);
        let wait = if first { times.interval / 2 + times.place } else { times.interval };
        let due = (due + wait).max(now);
        times.progress = Progress::Idle { due };
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

#[cfg(test)]
#[path = "scheduler_test.rs"]
mod tests;
