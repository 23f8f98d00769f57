//! Requests of one thread that wait, for one server or for any of a pool, in the order of their arrival.

use std::{collections::BTreeMap, time::Duration};

use super::server::Place;

/// One request that waits. Later ones have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Any server of the pool.
    Pool,
    /// This server.
    Server(Place),
}

/// Bounded: who comes when it is full is turned away.
#[derive(Debug)]
pub(super) struct Queue {
    most: usize,
    next: u64,
    targets: BTreeMap<Target, BTreeMap<Ticket, Duration>>,
    tickets: BTreeMap<Ticket, Target>,
}

impl Queue {
    pub(super) const fn new(most: usize) -> Self {
        Self { most, next: 0, targets: BTreeMap::new(), tickets: BTreeMap::new() }
    }

    /// At the end; `None` when it is full.
    pub(super) fn push(&mut self, target: Target, deadline: Duration) -> Option<Ticket> {
        if self.tickets.len() >= self.most {
            return None;
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.tickets.insert(ticket, target);
        self.targets.entry(target).or_default().insert(ticket, deadline);
        Some(ticket)
    }

    /// What it waited for, and whether nobody else waits for that; `None` where it waits no more.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<(Target, bool)> {
        let target = self.tickets.remove(&ticket)?;
        let waiting = self.targets.get_mut(&target)?;
        waiting.remove(&ticket);
        let last = waiting.is_empty();
        if last {
            self.targets.remove(&target);
        }
        Some((target, last))
    }

    /// Whose turn it is when this server has room: who has come first of those that wait for it, or for any.
    pub(super) fn first(&self, place: Place) -> Option<Ticket> {
        let front = |target| self.targets.get(&target)?.keys().next().copied();
        [front(Target::Pool), front(Target::Server(place))].into_iter().flatten().min()
    }

    /// Those who wait for a server that this says no to.
    pub(super) fn stranded(&self, open: impl Fn(Place) -> bool) -> Vec<Ticket> {
        let stranded = |target: &Target| matches!(target, Target::Server(place) if !open(*place));
        let targets = self.targets.iter().filter(|(target, _)| stranded(target));
        targets.flat_map(|(_, waiting)| waiting.keys().copied()).collect()
    }

    /// From a server to the pool, with its place in the order. The same as [`Self::remove`] says of the server.
    pub(super) fn move_to_pool(&mut self, ticket: Ticket) -> Option<(Target, bool)> {
        let deadline = *self.targets.get(self.tickets.get(&ticket)?)?.get(&ticket)?;
        let left = self.remove(ticket)?;
        self.tickets.insert(ticket, Target::Pool);
        self.targets.entry(Target::Pool).or_default().insert(ticket, deadline);
        Some(left)
    }

    /// Whose time is over.
    pub(super) fn late(&self, now: Duration) -> Vec<Ticket> {
        let all = self.targets.values().flatten();
        all.filter(|(_, deadline)| **deadline <= now).map(|(ticket, _)| *ticket).collect()
    }

    /// When the first one's time is over. All have the same time, so the first of each target is the next of it.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.targets.values().filter_map(|waiting| waiting.values().next().copied()).min()
    }
}
