//! The agent's core: holds what is wanted and what is known, and brings the data plane in line with it.
//!
//! Everything that happens (a reload, a word of the operator, a health result, a next hop) changes one
//! field and calls [`Director::converge`].

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Instant,
};

use anyhow::Result;
use lb_common::{abi::Features, flow_hash::HashKeys};
use tracing::{debug, info, warn};

use super::{
    clock,
    dataplane::{self, DataPlane},
    ledger::Ledger,
    meters::Meters,
    neighbour::Neighbours,
    notebook::Notebook,
    placement::Placement,
    prober::{Key, Record},
};
use crate::{
    health::{Damper, Outliers, Several},
    model::{Config, Name},
    notify::Change,
    plan::{
        Actual, Effective, GuardLists, NextHop, Numbering, OpenWindow, Operator, Quorums, Roster,
        SlowStarts, Step, Surroundings, diff,
    },
    schedule::Rings,
};

/// What is wanted, what is known, and the data plane that follows.
pub(super) struct Director {
    pub(super) config: Config,
    pub(super) operator: Operator,
    /// What operators have said of clients.
    pub(super) guards: GuardLists,
    pub(super) effective: Effective,
    pub(super) placement: Placement,
    pub(super) plane: DataPlane,
    pub(super) ledger: Ledger,
    pub(super) notebook: Notebook,
    /// Real servers whose checks have failed, by pool and address.
    pub(super) down: BTreeSet<(Name, IpAddr)>,
    /// What each check of a real server has found.
    pub(super) checks: BTreeMap<(Name, IpAddr), Several>,
    /// Next hops that an earlier agent has left in the maps: good until the address is resolved anew.
    pub(super) left_hops: BTreeMap<IpAddr, NextHop>,
    /// Real servers that an earlier agent has left in use: their first failed check is one of several.
    pub(super) left_up: BTreeSet<(Name, IpAddr)>,
    /// What an earlier agent has found, check by check.
    pub(super) left_checks: BTreeMap<Key, Record>,
    /// When connections are counted next, for the pools whose scheduler does.
    pub(super) counting_due: Instant,
    /// What services are given.
    pub(super) meters: Meters,
    /// Real servers that start slowly.
    pub(super) slow: SlowStarts,
    /// Which pools have their quorum.
    pub(super) quorums: Quorums,
    /// Who of each pool gets new flows.
    pub(super) rosters: BTreeMap<Name, Roster>,
    /// Those of the real servers that may be held down.
    pub(super) dampers: BTreeMap<(Name, IpAddr), Damper>,
    /// What requests say of the servers of pools where they are heard.
    pub(super) outliers: BTreeMap<Name, Outliers<IpAddr>>,
    /// How often the health of each real server has changed.
    pub(super) transitions: BTreeMap<(Name, IpAddr), u64>,
    /// What has changed about real servers and pools, and was not told yet.
    pub(super) news: Vec<Change>,
    /// What dampers count from: when the host was started.
    pub(super) origin: Instant,
    /// What is known of this host and its neighbours.
    pub(super) surroundings: Surroundings,
    /// When the transition window of a pool closes.
    pub(super) windows: BTreeMap<Name, OpenWindow>,
    /// Packets are being captured.
    pub(super) capturing: bool,
    pub(super) keys: HashKeys,
    pub(super) rings: Rings,
    /// What the maps hold, as far as we know; `None` when they have to be read again.
    known: Option<Actual>,
    /// The guard lists are what they should be, as far as we know.
    pub(super) lists_known: bool,
    /// Until then, that is believed.
    pub(super) lists_due: Instant,
}

/// What the state folder holds.
pub(super) struct Stored {
    /// What an operator has said of real servers.
    pub(super) operator: Operator,
    /// What an operator has said of clients.
    pub(super) guards: GuardLists,
    /// The numbers.
    pub(super) ledger: Ledger,
    /// What health has come to.
    pub(super) notebook: Notebook,
}

impl Director {
    /// Takes over a data plane. Nothing changes before the first [`Director::converge`].
    #[must_use]
    pub(super) fn new(
        config: Config,
        stored: Stored,
        placement: Placement,
        plane: DataPlane,
        keys: HashKeys,
        now: Instant,
    ) -> Self {
        let Stored { operator, guards, ledger, notebook } = stored;
        let effective = operator.apply(&config);
        Self {
            config,
            operator,
            guards,
            effective,
            placement,
            plane,
            ledger,
            notebook,
            down: BTreeSet::new(),
            checks: BTreeMap::new(),
            left_hops: BTreeMap::new(),
            left_up: BTreeSet::new(),
            left_checks: BTreeMap::new(),
            counting_due: now,
            meters: Meters::new(now),
            slow: SlowStarts::default(),
            quorums: Quorums::default(),
            rosters: BTreeMap::new(),
            dampers: BTreeMap::new(),
            outliers: BTreeMap::new(),
            transitions: BTreeMap::new(),
            news: Vec::new(),
            origin: clock::boot(),
            surroundings: Surroundings::default(),
            windows: BTreeMap::new(),
            capturing: false,
            keys,
            rings: Rings::default(),
            known: None,
            lists_known: false,
            lists_due: now,
        }
    }

    /// Brings the maps in line. Returns how many steps that took.
    ///
    /// # Errors
    /// A map that is full or refuses: what was not done yet is done by the next call, which reads the maps
    /// again.
    pub(super) fn converge(&mut self, neighbours: &Neighbours, now: Instant) -> Result<usize> {
        self.effective = self.operator.apply(&self.config);
        self.start_slowly(now);
        self.renumber()?;
        self.surroundings.own = self.placement.own(&self.config);
        self.surroundings.vlans = self.placement.has_vlans();
        self.surroundings.peers = self.placement.peer_macs(neighbours);
        let desired = self.wanted(neighbours);
        let actual = match self.known.take() {
            Some(known) => known,
            None => self.plane.actual(&desired)?,
        };
        let steps = diff(&actual, &desired);
        // What the steps need must be there before them, what nothing needs any more goes after them.
        let features = desired.features.with_if(Features::CAPTURE, self.capturing);
        self.plane.refit(self.plane.features().with(features))?;
        let lists = self.begin_lists()?;
        for step in &steps {
            debug!(%step, "step");
            if self.plane.apply(step, now)? {
                self.extend_window(step, now);
            }
        }
        self.plane.finish(now);
        self.finish_lists(&lists)?;
        self.plane.refit(features)?;
        self.forget_pools(now)?;
        self.known = Some(Actual::from(desired));
        self.notebook.stir(now);
        Ok(steps.len() + lists.changes)
    }

    /// The same after reading what the maps really hold (the guard lists, where that is due): repairs what
    /// somebody else has changed.
    ///
    /// # Errors
    /// As [`Director::converge`].
    pub(super) fn reconcile(&mut self, neighbours: &Neighbours, now: Instant) -> Result<()> {
        self.known = None;
        self.lists_known &= now < self.lists_due;
        let steps = self.converge(neighbours, now)?;
        if steps > 0 {
            warn!(steps, "the maps were not what they should be: repaired");
        }
        Ok(())
    }

    /// Does what was due by `now`: closes transition windows, reads counters, finishes what the data
    /// plane had to leave.
    /// Returns true where [`Director::converge`] has something to do now.
    ///
    /// # Errors
    /// The numbers cannot be written down, or the counters not be read.
    pub(super) fn tick(&mut self, now: Instant) -> Result<bool> {
        self.plane.finish(now);
        let due =
            |(name, window): (&Name, &OpenWindow)| (window.closes() <= now).then(|| name.clone());
        for name in self.windows.iter().filter_map(due).collect::<Vec<_>>() {
            if !self.hold_window(&name, now) {
                self.close_window(&name, now)?;
            }
        }
        self.count_connections(now)?;
        let flood_turned = self.measure(now);
        if self.notebook.due().is_some_and(|due| due <= now) {
            self.write_findings(now);
        }
        let released = self.release_damped(now) | self.readmit(now);
        Ok(self.slow.advance(now) || flood_turned || released)
    }

    /// Puts the end of a window off while active flows would be moved by it.
    fn hold_window(&mut self, name: &Name, now: Instant) -> bool {
        let numbers = self.ledger.numbering().pools.get(name);
        let pool = self.effective.config.pool(name.as_str());
        let (Some(numbers), Some(pool), Some(window)) = (numbers, pool, self.windows.get_mut(name))
        else {
            return false;
        };
        let (plane, number) = (&self.plane, numbers.number);
        let active = || plane.has_live_notes(number, pool.window.patience());
        !pool.scheduler.counts() && window.hold(now, pool.window, active)
    }

    fn close_window(&mut self, name: &Name, now: Instant) -> Result<()> {
        self.windows.remove(name);
        let mut numbering = self.ledger.numbering().clone();
        if let Some(numbers) = numbering.pools.get(name) {
            self.plane.close_window(numbers.number, now);
            info!(pool = %name, "transition over: every flow follows the ring");
        }
        // Notes of a scheduler that counts hold at all times.
        let pool = self.effective.config.pool(name.as_str());
        if !pool.is_some_and(|pool| pool.scheduler.counts()) {
            numbering.release(name, |_| false);
        }
        self.ledger.set(numbering)?;
        Ok(())
    }

    /// Takes up the windows that an earlier agent has opened: their time begins anew.
    pub(super) fn adopt_windows(&mut self, now: Instant) {
        for pool in &self.config.pools {
            let number = self.ledger.numbering().pools.get(&pool.name).map(|pool| pool.number);
            if number.is_some_and(|number| self.plane.in_transition(number)) {
                self.windows.insert(pool.name.clone(), OpenWindow::open(now, pool.window));
            }
        }
    }

    /// The next moment at which [`Director::tick`] has something to do.
    #[must_use]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let closes = self.windows.values().map(OpenWindow::closes);
        closes
            .chain([self.meters.due])
            .chain(self.count_due())
            .chain(self.plane.next_deadline())
            .chain(self.slow.next_deadline())
            .chain(self.next_release())
            .chain(self.next_return())
            .chain(self.notebook.due())
            .min()
    }

    /// Gives numbers to what is new, after preparing what they stand for.
    fn renumber(&mut self) -> Result<()> {
        let before = self.ledger.numbering().clone();
        let next = before.assign(&self.effective.config, dataplane::POOLS)?;
        if next == before {
            return Ok(());
        }
        for (name, pool) in &next.pools {
            if let Some(old) = before.pools.get(name).filter(|old| old.reals != pool.reals) {
                self.plane.copy_reals(old.reals, pool.reals);
            }
        }
        for (name, service) in &next.services {
            let old = before.services.get(name).filter(|old| old.pool == service.pool);
            if old.is_none_or(|old| old.counters != service.counters) {
                self.plane.copy_counters(old.map(|old| old.counters), service.counters);
            }
            for number in fresh_numbers(&before, &next, &service.pool) {
                self.plane.reset_counter(service.counters.start + u32::from(number));
            }
        }
        self.ledger.set(next)?;
        Ok(())
    }

    fn extend_window(&mut self, step: &Step, now: Instant) {
        let Step::InstallRing { name, .. } = step else { return };
        let window = self.effective.config.pools.iter().find(|pool| pool.name == *name);
        if let Some(policy) = window.map(|pool| pool.window) {
            info!(pool = %name, window = ?policy.length(), "ring replaced: moved flows are tracked");
            self.windows
                .entry(name.clone())
                .and_modify(|window| window.extend(now, policy))
                .or_insert_with(|| OpenWindow::open(now, policy));
        }
    }

    /// Frees the rings and numbers of pools that the configuration no longer has.
    fn forget_pools(&mut self, now: Instant) -> Result<()> {
        let mut numbering = self.ledger.numbering().clone();
        let gone = numbering.remove_pools(&self.effective.config);
        for number in &gone {
            self.plane.remove_pool(*number, now);
        }
        if !gone.is_empty() {
            self.windows.retain(|name, _| numbering.pools.contains_key(name));
            let names: Vec<_> = numbering.pools.keys().cloned().collect();
            self.rings.retain(&names);
            self.ledger.set(numbering)?;
        }
        Ok(())
    }
}

/// Numbers of `pool` that have an owner they did not have before: a counter of a former owner begins anew.
fn fresh_numbers(before: &Numbering, next: &Numbering, pool: &Name) -> Vec<u16> {
    let Some(now) = next.pools.get(pool) else { return Vec::new() };
    let known = |address: &IpAddr, number: &u16| {
        before.pools.get(pool).is_some_and(|old| {
            old.members.get(address) == Some(number) || old.retired.get(address) == Some(number)
        })
    };
    now.members.iter().filter(|(a, n)| !known(a, n)).map(|(_, number)| *number).collect()
}
