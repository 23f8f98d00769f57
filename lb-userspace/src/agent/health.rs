//! What checks find, and what the director makes of it: several checks of a real server are one word on it.

use std::net::IpAddr;

use tracing::info;

use super::{director::Director, prober::Event};
use crate::{
    health::{self, Advice, Several},
    model::{Checks, Name, Pool, RealServer},
    plan::Admin,
};

impl Director {
    /// Takes note of a health result. Returns true where it changes anything.
    pub(super) fn note_health(&mut self, event: &Event) -> bool {
        let pool = self.effective.config.pool(&event.pool);
        let Some((pool, server)) = pool.and_then(|pool| {
            let mut servers = pool.everyone();
            Some((pool, servers.find(|server| server.name.as_str() == event.server)?))
        }) else {
            return false;
        };
        let key = (pool.name.clone(), server.address);
        let mut advised = false;
        if let Some(checks) = self.checks.get_mut(&key) {
            let before = checks.advice();
            checks.note(event.check, event.state, event.advice);
            advised = checks.advice() != before;
        }
        let state = self.checks.get(&key).map_or(event.state, Several::state);
        let changed = match state {
            health::State::Up => self.down.remove(&key),
            health::State::Down => self.down.insert(key),
        };
        if changed {
            let Event { pool, server, reason, .. } = event;
            info!(pool, server, %state, reason, "health");
        }
        if advised {
            let Event { pool, server, advice, .. } = event;
            info!(pool, server, advice = advice.words().unwrap_or_default(), "advice");
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
        word.max(self.advice(pool, server).wish.into())
    }

    /// Expects the results of a pool's checks of a real server; of no check: it counts as alive.
    pub(super) fn expect_checks(&mut self, server: &(Name, IpAddr), checks: &Checks) {
        if checks.is_empty() {
            self.down.remove(server);
            self.checks.remove(server);
            return;
        }
        let (count, needed) = (checks.iter().len(), checks.needed());
        let initial = self.initial(server).state();
        let several = self
            .checks
            .entry(server.clone())
            .and_modify(|several| several.change(count, needed))
            .or_insert_with(|| Several::new(count, needed, initial));
        // Another number may be enough from now on.
        match several.state() {
            health::State::Up => _ = self.down.remove(server),
            health::State::Down => _ = self.down.insert(server.clone()),
        }
    }

    /// What holds of a real server before its first check.
    pub(super) fn initial(&self, server: &(Name, IpAddr)) -> health::Initial {
        let down = self.down.contains(server).then_some(health::State::Down);
        let up = || self.left_up.contains(server).then_some(health::State::Up);
        health::Initial::carried(down.or_else(up))
    }
}
