//! Real servers on their way out: how many connections they still have.

use std::collections::BTreeMap;

use super::director::Director;
use crate::{
    api::{Leaving, RemovedStatus},
    model::Pool,
    plan::{Admin, NotedPool, PoolNumbers, RealNumber},
};

/// Connections that are left, by real server; of pools whose flows are noted.
pub(super) type Left = BTreeMap<RealNumber, u64>;

impl Director {
    /// Counts what is left, where anybody is on the way out: the flow table is long.
    pub(super) fn connections_left(&self) -> Left {
        let mut pools = Vec::new();
        for pool in &self.effective.config.pools {
            let Some(numbers) = self.ledger.numbering().pools.get(&pool.name) else { continue };
            let leaving = !numbers.retired.is_empty()
                || pool.servers.iter().any(|server| self.admin(pool, server) == Admin::Drain);
            if leaving && self.notes_hold(pool) {
                pools.push(NotedPool { number: numbers.number, patience: pool.window.patience() });
            }
        }
        if pools.is_empty() { Left::new() } else { self.plane.connections_left(&pools) }
    }

    /// What is left of a real server on its way out.
    pub(super) fn leaving(&self, pool: &Pool, number: RealNumber, left: &Left) -> Leaving {
        let connections = left.get(&number).copied().unwrap_or_default();
        // While a window is open, connections may be there that nobody has heard of since.
        let silent = self.notes_hold(pool) && !pool.scheduler.counts();
        Leaving { connections_left: connections, drained: connections == 0 && !silent }
    }

    /// Real servers that were removed and whose numbers are kept.
    pub(super) fn removed(
        &self,
        pool: &Pool,
        numbers: &PoolNumbers,
        left: &Left,
    ) -> Vec<RemovedStatus> {
        let retired = numbers.retired.iter();
        retired
            .map(|(address, number)| RemovedStatus {
                address: *address,
                leaving: self.leaving(pool, (numbers.number, *number), left),
            })
            .collect()
    }

    fn notes_hold(&self, pool: &Pool) -> bool {
        pool.scheduler.counts() || self.windows.contains_key(&pool.name)
    }
}
