//! Which pools have their quorum: enough weight that is alive.
//!
//! Until every real server of a pool has had its first result, the quorum follows what is known, without
//! hysteresis, and nobody is told: the states that an agent starts with are no transitions.

use std::collections::{BTreeMap, BTreeSet};

use super::{Effective, Known, alive_weight};
use crate::model::{BelowQuorum, Name, Pool, Quorum, RealServer};

/// The quorums of all pools.
#[derive(Clone, Debug, Default)]
pub struct Quorums {
    pools: BTreeMap<Name, Standing>,
    /// Pools that give nobody new flows.
    closed: BTreeSet<Name>,
}

/// Where a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It has its quorum.
    pub holds: bool,
    /// The weight that is alive.
    pub alive: u32,
    /// All of its real servers had a first result once.
    decided: bool,
}

/// A pool has lost its quorum, or has it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumChange {
    /// The pool.
    pub pool: Name,
    /// It has it.
    pub holds: bool,
    /// The weight that is alive.
    pub alive: u32,
}

impl Quorums {
    /// Takes over what an earlier agent has found.
    pub fn restore(&mut self, pool: Name, holds: bool) {
        self.pools.insert(pool, Standing { holds, alive: 0, decided: true });
    }

    /// Takes note of who is alive now. `is_settled` tells the pools whose real servers all had a first result.
    /// Returns what has changed of those that were settled before.
    pub fn look(
        &mut self,
        effective: &Effective,
        known: impl Fn(&Pool, &RealServer) -> Known,
        is_settled: impl Fn(&Pool) -> bool,
    ) -> Vec<QuorumChange> {
        let before = std::mem::take(&mut self.pools);
        self.closed.clear();
        let mut changes = Vec::new();
        for pool in &effective.config.pools {
            let quorum = pool.rules.quorum.unwrap_or(Quorum::ANYBODY);
            let alive = alive_weight(pool, |server| known(pool, server));
            let decided = before.get(&pool.name).filter(|standing| standing.decided);
            let holds = quorum.holds(decided.map(|standing| standing.holds), alive);
            if decided.is_some_and(|standing| standing.holds != holds) {
                changes.push(QuorumChange { pool: pool.name.clone(), holds, alive });
            }
            let decided = decided.is_some() || is_settled(pool);
            self.pools.insert(pool.name.clone(), Standing { holds, alive, decided });
            // Without a quorum of its own, a pool goes on as long as there is anybody to go on with.
            let closes =
                pool.rules.quorum.is_some() && pool.rules.below_quorum == BelowQuorum::Close;
            if closes && !holds {
                self.closed.insert(pool.name.clone());
            }
        }
        changes
    }

    /// Where a pool stands; `None` before it was looked at.
    #[must_use]
    pub fn of(&self, pool: &Name) -> Option<Standing> {
        self.pools.get(pool).copied()
    }

    /// Pools that give nobody new flows, because too little weight is alive.
    #[must_use]
    pub const fn closed(&self) -> &BTreeSet<Name> {
        &self.closed
    }

    /// Every pool that is decided, and whether it has its quorum.
    pub fn decided(&self) -> impl Iterator<Item = (&Name, bool)> {
        let decided = self.pools.iter().filter(|(_, standing)| standing.decided);
        decided.map(|(pool, standing)| (pool, standing.holds))
    }
}

#[cfg(test)]
#[path = "quorums_test.rs"]
mod tests;
