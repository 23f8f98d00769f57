//! Which checks there should be, and what is known of each.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Event, Key, Maker, Record, Target};
use crate::{
    health::{CheckId, Checker, Outcome, Pace, Report, Settings},
    model::CheckKind,
    probe::{Finding, Job, Order},
};

/// The checks.
#[derive(Debug, Default)]
pub(super) struct Book {
    last: CheckId,
    watched: BTreeMap<Key, Watched>,
    keys: HashMap<CheckId, Key>,
    hurried: BTreeSet<CheckId>,
    /// Checks that are not made for now, by pool and number.
    suspended: BTreeSet<(String, usize)>,
    /// Those that have another interval now.
    paced: BTreeSet<CheckId>,
    /// One of them is new.
    has_news: bool,
    /// Raised whenever other checks are to be made.
    generation: u64,
    /// Raised with each result.
    results: u64,
}

#[derive(Debug)]
struct Watched {
    id: CheckId,
    job: Job,
    checker: Checker,
    pace: Pace,
    last: Option<Last>,
}

/// What one has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    ids: BTreeSet<CheckId>,
    /// The checks that there were then.
    generation: u64,
}

/// The last check that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// What it has found.
    pub outcome: Outcome,
    /// When it ended.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
}

/// All that is known of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which of the server's checks, from 0.
    pub check: usize,
    /// What it is.
    pub job: Job,
    /// How results are counted.
    pub settings: Settings,
    /// What they have come to.
    pub report: Report,
    /// From one to the next, as it is now.
    pub interval: Duration,
    /// The last one.
    pub last: Option<Last>,
    /// It is not made for now.
    pub suspended: bool,
}

impl Watched {
    /// What a probe is told that does not know of it. Where something is known already, nothing waits to warm up.
    fn order(&self) -> Order {
        let mut job = self.job.clone();
        job.interval = self.interval();
        job.warm_up = job.warm_up.filter(|_| self.checker.report().checks == 0);
        Order::Start(self.id, Box::new(job))
    }

    /// How often it is to be asked, by what is known.
    fn interval(&self) -> Duration {
        self.pace.after(self.checker.report())
    }
}

impl Book {
    /// A check that there should be. What is known of it is kept, unless its server has another address now.
    pub(super) fn watch(&mut self, target: Target, now: Duration) {
        self.generation += 1;
        let key = target.key();
        let Target { job, settings, pace, left, .. } = target;
        let left = left.filter(|left| left.address == job.address);
        let (mut checker, mut last) = match left {
            Some(left) => (Checker::resume(settings, left.report), left.last),
            None => (Checker::new(settings, now), None),
        };
        if let Some(before) = self.watched.get_mut(&key) {
            if before.job.address == job.address {
                before.checker.change(settings);
                checker = before.checker.clone();
                last = before.last.clone();
            }
            if before.job == job {
                if before.pace != pace {
                    before.pace = pace;
                    self.paced.insert(before.id);
                }
                return;
            }
            self.keys.remove(&before.id);
        }
        self.last = self.last.next();
        self.keys.insert(self.last, key.clone());
        self.watched.insert(key, Watched { id: self.last, job, checker, pace, last });
    }

    /// There should be no checks but these.
    pub(super) fn keep(&mut self, wanted: &BTreeSet<Key>) {
        self.generation += 1;
        self.watched.retain(|key, _| wanted.contains(key));
        let watched = &self.watched;
        self.keys.retain(|id, key| watched.get(key).is_some_and(|watched| watched.id == *id));
        let keys = &self.keys;
        self.hurried.retain(|id| keys.contains_key(id));
        self.paced.retain(|id| keys.contains_key(id));
    }

    /// These checks, by pool and number, are not made for now. What is known of them stays.
    pub(super) fn suspend(&mut self, suspended: BTreeSet<(String, usize)>) {
        self.generation += 1;
        self.suspended = suspended;
    }

    fn is_suspended(&self, (pool, _, check): &Key) -> bool {
        !self.suspended.is_empty() && self.suspended.contains(&(pool.clone(), *check))
    }

    /// The next checks of a server should be made now.
    pub(super) fn hurry(&mut self, pool: &str, server: &str) {
        let ids: Vec<_> = self.of(pool, server).map(|(_, watched)| watched.id).collect();
        self.hurried.extend(ids);
    }

    /// What one has to be told that was told about `told`. It knows of these checks from then on.
    pub(super) fn orders(&mut self, maker: Maker, told: &mut Told) -> Vec<Order> {
        let mut orders = Vec::new();
        // With ten thousand checks this takes a moment, and most news is of one of them.
        if told.generation != self.generation {
            told.generation = self.generation;
            let is_made = |key: &Key| !self.is_suspended(key);
            told.ids.retain(|id| {
                let stays = self.keys.get(id).is_some_and(is_made);
                if !stays {
                    orders.push(Order::Stop(*id));
                }
                stays
            });
            let made = self.watched.iter().filter(|(key, _)| is_made(key));
            let made = made.map(|(_, watched)| watched).filter(|watched| maker.makes(&watched.job));
            let new = made.filter(|watched| told.ids.insert(watched.id));
            orders.extend(new.map(Watched::order));
        }
        let paced: Vec<_> = self.paced.extract_if(.., |id| told.ids.contains(id)).collect();
        let paced = paced.into_iter().filter_map(|id| self.watched.get(self.keys.get(&id)?));
        orders.extend(paced.map(|watched| Order::Pace(watched.id, watched.interval())));
        orders.extend(self.hurried.extract_if(.., |id| told.ids.contains(id)).map(Order::Hurry));
        orders
    }

    /// Is there something new to tell that came of what a probe said?
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Takes note of what a probe says. It is worth an event where it changes the state or the advice, and the first time. What
    /// is said of a check that there should not be is ignored.
    pub(super) fn note(&mut self, finding: Finding, now: Duration) -> Option<Event> {
        let Finding::Result { id, outcome, took } = finding else { return None };
        self.count(id, outcome, now, took)
    }

    /// Counts a failed check of a server for each of those that are made and look at it themselves.
    pub(super) fn fail(
        &mut self,
        pool: &str,
        server: &str,
        reason: &str,
        now: Duration,
    ) -> Vec<Event> {
        let checks = self.looking(pool, server).into_iter();
        let failed = || Outcome::Failed(reason.to_owned());
        checks.filter_map(|id| self.count(id, failed(), now, Duration::ZERO)).collect()
    }

    /// One more failed check is the last, for each of those.
    pub(super) fn condemn(&mut self, pool: &str, server: &str) {
        for id in self.looking(pool, server) {
            let watched = self.keys.get(&id).and_then(|key| self.watched.get_mut(key));
            if let Some(watched) = watched {
                watched.checker.condemn();
            }
        }
    }

    /// The checks of a server that look at it themselves, but those that rest.
    fn looking(&self, pool: &str, server: &str) -> Vec<CheckId> {
        let all = self.of(pool, server).filter(|(key, _)| !self.is_suspended(key));
        let all = all.filter(|(_, watched)| !matches!(watched.job.kind, CheckKind::Agent(_)));
        all.map(|(_, watched)| watched.id).collect()
    }

    fn count(
        &mut self,
        id: CheckId,
        outcome: Outcome,
        now: Duration,
        took: Duration,
    ) -> Option<Event> {
        let key = self.keys.get(&id)?;
        let watched = self.watched.get_mut(key)?;
        let interval = watched.interval();
        self.results += 1;
        watched.last = Some(Last { outcome: outcome.clone(), at: now, took });
        let checker = &mut watched.checker;
        let reason = match &outcome {
            Outcome::Passed | Outcome::Advised(_) => "answers".to_owned(),
            Outcome::Failed(reason) | Outcome::Inconclusive(reason) => reason.clone(),
        };
        let Report { checks, advice, .. } = *checker.report();
        let changed = checker.outcome(now, outcome).is_some();
        if watched.pace.after(checker.report()) != interval {
            self.paced.insert(id);
            self.has_news = true;
        }
        let report = checker.report();
        let first = checks == 0 && report.checks == 1;
        let changed = changed || advice != report.advice;
        let (pool, server, check) = key.clone();
        let (state, advice) = (report.state, report.advice);
        let event = Event { pool, server, check, state, advice, reason, took };
        (changed || first).then_some(event)
    }

    /// All that is known of a server's checks.
    pub(super) fn known(&self, pool: &str, server: &str) -> Vec<Known> {
        let known = |(key, watched): (&Key, &Watched)| Known {
            check: key.2,
            job: watched.job.clone(),
            settings: *watched.checker.settings(),
            report: watched.checker.report().clone(),
            interval: watched.interval(),
            last: watched.last.clone(),
            suspended: self.is_suspended(key),
        };
        self.of(pool, server).map(known).collect()
    }

    /// What is known of a server, by each of its checks.
    pub(super) fn reports(&self, pool: &str, server: &str) -> Vec<(Job, Report)> {
        let all = self.of(pool, server);
        all.map(|(_, watched)| (watched.job.clone(), watched.checker.report().clone())).collect()
    }

    /// What is known, to be written down, unless nothing has changed since there was `seen`; with what to ask with
    /// the next time.
    pub(super) fn records(&self, seen: (u64, u64)) -> Option<(Vec<Record>, (u64, u64))> {
        let now = (self.generation, self.results);
        let known = self.watched.iter().filter(|(_, watched)| watched.last.is_some());
        let record = |(key, watched): (&Key, &Watched)| Record {
            pool: key.0.clone(),
            server: key.1.clone(),
            check: key.2,
            address: watched.job.address,
            report: watched.checker.report().clone(),
            last: watched.last.clone(),
        };
        (now != seen).then(|| (known.map(record).collect(), now))
    }

    fn of(&self, pool: &str, server: &str) -> impl Iterator<Item = (&Key, &Watched)> {
        let first = (pool.to_owned(), server.to_owned(), 0);
        let last = (pool.to_owned(), server.to_owned(), usize::MAX);
        self.watched.range(first..=last)
    }
}

#[cfg(test)]
#[path = "book_test.rs"]
pub(super) mod tests;
