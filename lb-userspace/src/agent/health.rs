//! What checks find, and what the director makes of it: several checks of a real server are one word on it, and one
//! that comes and goes is held down.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::{director::Director, notebook::Findings, prober::Event};
use crate::{
    health::{self, Advice, Damper, Several, State},
    model::{CheckStart, Name, Pool, RealServer, show_duration},
    notify::{Change, ServerNews, Stance, Subject},
    plan::Admin,
};

impl Director {
    /// Takes note of a health result. Returns true where it changes anything.
    pub(super) fn note_health(&mut self, event: &Event, now: Instant) -> bool {
        let pool = self.effective.config.pool(&event.pool);
        let Some((pool, server)) = pool.and_then(|pool| Some((pool, pool.server(&event.server)?)))
        else {
            return false;
        };
        let (key, damping) = ((pool.name.clone(), server.address), pool.rules.damping);
        let Some(checks) = self.checks.get_mut(&key) else { return false };
        let (settled, before, advice) = (checks.is_settled(), checks.state(), checks.advice());
        checks.note(event.check, event.state, event.advice);
        let (found, advised) = (checks.state(), checks.advice() != advice);
        let Event { pool, server, reason, advice, .. } = event;
        let since = now.saturating_duration_since(self.origin);
        if let Some(damping) = damping.filter(|_| settled && found != before) {
            let damper = self.dampers.entry(key.clone()).or_default();
            self.notebook.stir(now);
            if damper.note(since, &damping) {
                let (changes, hold) = (damping.changes, show_duration(damping.hold));
                warn!(
                    pool,
                    server, changes, hold, "it comes and goes: held down until it is quiet"
                );
            }
        }
        let changed = self.mark(&key, self.state_of(&key, found));
        if changed {
            let state = self.state_of(&key, found);
            info!(pool, server, %state, reason, "health");
            // What an agent begins with is no transition.
            if settled {
                self.spread(&key, state, reason.clone());
            }
        }
        if advised {
            info!(pool, server, advice = advice.words().unwrap_or_default(), "its own word");
        }
        changed || advised
    }

    /// How much a real server wants, by its own word.
    pub(super) fn advice(&self, pool: &Pool, server: &RealServer) -> Advice {
        let checks = self.checks.get(&(pool.name.clone(), server.address));
        checks.map_or(Advice::NONE, Several::advice)
    }

    /// The operator's word on a real server or its own, whichever is the stronger.
    pub(super) fn admin(&self, pool: &Pool, server: &RealServer) -> Admin {
        let word = self.effective.admin(&pool.name, &server.name);
        word.max(self.advice(pool, server).asks().into())
    }

    /// Lets go of those that were held down and are quiet now. Returns true where that changes anything.
    pub(super) fn release_damped(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.origin);
        let mut over: Vec<_> = Vec::new();
        for (key, damper) in &mut self.dampers {
            if damper.advance(since) {
                over.push(key.clone());
            }
        }
        let mut changed = false;
        for key in over {
            let Some(found) = self.checks.get(&key).map(Several::state) else { continue };
            let state = self.state_of(&key, found);
            info!(pool = %key.0, address = %key.1, %state, "quiet for long enough: no longer held down");
            if self.mark(&key, state) {
                self.spread(&key, state, "no longer held down".to_owned());
                changed = true;
            }
        }
        changed
    }

    /// Counts a transition, and has it told.
    pub(super) fn spread(&mut self, key: &(Name, IpAddr), state: State, reason: String) {
        *self.transitions.entry(key.clone()).or_default() += 1;
        let pool = self.effective.config.pool(key.0.as_str());
        let server = pool.and_then(|pool| pool.servers.iter().find(|one| one.address == key.1));
        let Some(server) = server else { return };
        let subject = Subject::Server { pool: key.0.clone(), server: server.name.clone() };
        let stance = match state {
            State::Up => Stance::Up,
            State::Down => Stance::Down,
        };
        let (number, address) = (server.weight.get().into(), key.1);
        let news = ServerNews { address, reason };
        self.news.push(Change { subject, stance, number, server: Some(news) });
    }

    /// When [`Self::release_damped`] has something to do.
    pub(super) fn next_release(&self) -> Option<Instant> {
        self.dampers.values().filter_map(Damper::held_until).min().map(|at| self.origin + at)
    }

    /// For how long a real server is held down at least.
    pub(super) fn held_for(&self, key: &(Name, IpAddr)) -> Option<Duration> {
        let until = self.origin + self.dampers.get(key)?.held_until()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Expects the results of a pool's checks of a real server; of no check: it counts as alive.
    pub(super) fn expect_checks(&mut self, pool: &Pool, address: IpAddr) {
        let server = (pool.name.clone(), address);
        if pool.rules.damping.is_none() || pool.checks.is_empty() {
            self.dampers.remove(&server);
        }
        if pool.checks.is_empty() {
            self.checks.remove(&server);
            self.mark(&server, self.state_of(&server, State::Up));
            return;
        }
        let (count, needed) = (pool.checks.iter().len(), pool.checks.needed());
        let (initial, advice) =
            (self.initial(pool, &server), self.notebook.written().advice(&server));
        let several = self
            .checks
            .entry(server.clone())
            .and_modify(|several| several.change(count, needed))
            .or_insert_with(|| Several::new(count, needed, initial, advice));
        // Another number may be enough from now on.
        let found = several.state();
        self.mark(&server, self.state_of(&server, found));
    }

    /// What holds of a real server before its first check: what is known, or else what its pool's checks say. One that
    /// wants it to start down is enough.
    pub(super) fn initial(&self, pool: &Pool, server: &(Name, IpAddr)) -> health::Initial {
        let down = self.down.contains(server).then_some(State::Down);
        let up = || self.left_up.contains(server).then_some(State::Up);
        let starts_down = || pool.checks.iter().any(|check| check.pace.start == CheckStart::Down);
        match down.or_else(up) {
            None if starts_down() => health::Initial::Assumed(State::Down),
            known => health::Initial::carried(known),
        }
    }

    /// Writes down for the next agent what health has come to.
    pub(super) fn write_findings(&mut self, now: Instant) {
        if let Err(error) = self.notebook.write(now, self.findings()) {
            warn!(%error, "the next agent will not know exactly which real servers are down");
        }
    }

    fn findings(&self) -> Findings {
        let config = &self.effective.config;
        let there = |(pool, address): &&(Name, IpAddr)| {
            let pool = config.pool(pool.as_str());
            pool.is_some_and(|pool| pool.servers.iter().any(|server| server.address == *address))
        };
        let down = self.down.iter().filter(there).cloned().collect();
        let quorums = self.quorums.decided().map(|(pool, holds)| (pool.clone(), holds)).collect();
        let mut advice = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ((pool, address), checks) in self.checks.iter().filter(|(key, _)| there(key)) {
            if checks.advice() != Advice::NONE {
                advice.entry(pool.clone()).or_default().insert(*address, checks.advice());
            }
        }
        let mut dampers = BTreeMap::<_, BTreeMap<_, _>>::new();
        let busy = self.dampers.iter().filter(|(key, damper)| there(key) && !damper.is_idle());
        for ((pool, address), damper) in busy {
            dampers.entry(pool.clone()).or_default().insert(*address, damper.clone());
        }
        Findings { down, quorums, advice, dampers }
    }

    /// What its checks have found, unless it is held down or requests have put it out.
    pub(super) fn state_of(&self, server: &(Name, IpAddr), found: State) -> State {
        if self.is_ejected(server) {
            return State::Down;
        }
        self.dampers.get(server).map_or(found, |damper| damper.state(found))
    }

    /// Puts a state in force. Returns true where it was another.
    pub(super) fn mark(&mut self, server: &(Name, IpAddr), state: State) -> bool {
        match state {
            State::Up => self.down.remove(server),
            State::Down => self.down.insert(server.clone()),
        }
    }
}
