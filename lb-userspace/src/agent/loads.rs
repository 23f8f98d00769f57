//! Counting connections anew, for pools whose scheduler counts.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::director::Director;
use crate::{
    model::Name,
    plan::{NotedPool, PoolNumbers},
};

/// How often connections are counted.
const INTERVAL: Duration = Duration::from_secs(2);
/// Counting takes at most one part in so many of the agent's time: a full flow table is long.
const PART: u32 = 10;

impl Director {
    /// Counts connections anew, where that is due, and gives up the numbers of real servers that have left and
    /// that no live note names any more.
    ///
    /// # Errors
    /// The numbers cannot be written down.
    pub(super) fn count_connections(&mut self, now: Instant) -> Result<()> {
        if self.count_due().is_none_or(|due| now < due) {
            return Ok(());
        }
        let pools: Vec<_> = self.counted().map(|(_, pool, numbers)| (pool, numbers)).collect();
        let (named, took) = self.plane.count_connections(&pools);
        self.counting_due = now + INTERVAL.max(took * PART);
        let Some(named) = named else { return Ok(()) };
        let mut numbering = self.ledger.numbering().clone();
        for (name, pool, _) in self.counted().filter(|(name, ..)| !self.windows.contains_key(name))
        {
            numbering.release(name, |number| named.contains(&(pool.number, number)));
        }
        Ok(self.ledger.set(numbering)?)
    }

    /// When connections are counted next; `None` where no pool counts.
    pub(super) fn count_due(&self) -> Option<Instant> {
        self.counted().next().map(|_| self.counting_due)
    }

    /// Pools whose scheduler counts.
    fn counted(&self) -> impl Iterator<Item = (&Name, NotedPool, &PoolNumbers)> {
        let counts = self.effective.config.pools.iter().filter(|pool| pool.scheduler.counts());
        counts.filter_map(|pool| {
            let numbers = self.ledger.numbering().pools.get(&pool.name)?;
            let patience = pool.window.patience();
            Some((&pool.name, NotedPool { number: numbers.number, patience }, numbers))
        })
    }
}
