//! Slow start: a real server that comes back gets its weight step by step.
//!
//! Pure: the agent says who is available, and when; what comes out is how much of its weight each one has.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{Effective, Ramp};
use crate::model::{Name, Pool, RealServer};

/// A real server of a pool.
type Key = (Name, IpAddr);

/// Steps from nothing to all of the weight, of the same height each. The first one is there at once.
const STEPS: u8 = 10;

/// A slow start that is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    began: Instant,
    length: Duration,
}

impl Start {
    /// Steps that are done at `now`, [`STEPS`] when it is over.
    fn steps(&self, now: Instant) -> u8 {
        let step = self.length / u32::from(STEPS);
        let past = now.saturating_duration_since(self.began);
        (1..=STEPS).take_while(|&number| step * u32::from(number) <= past).last().unwrap_or(0)
    }

    fn ramp(&self, now: Instant) -> Ramp {
        Ramp::new((self.steps(now) + 1).min(STEPS) * (100 / STEPS))
    }

    /// When the step after `ramp` is due.
    fn after(&self, ramp: Ramp) -> Instant {
        self.began + self.length / u32::from(STEPS) * u32::from(ramp.get() / (100 / STEPS))
    }
}

/// The slow starts of all real servers.
#[derive(Clone, Debug, Default)]
pub struct SlowStarts {
    /// Those that were available when the agent looked last, in pools that it knew; `None` before that.
    available: Option<BTreeSet<Key>>,
    pools: BTreeSet<Name>,
    starts: BTreeMap<Key, Start>,
    /// How much each of them has; the others have all of it.
    ramps: BTreeMap<Key, Ramp>,
}

impl SlowStarts {
    /// How much of its weight a real server has.
    #[must_use]
    pub fn ramp(&self, pool: &Name, address: IpAddr) -> Ramp {
        self.ramps.get(&(pool.clone(), address)).copied().unwrap_or(Ramp::FULL)
    }

    /// Takes note of who is available now: who was not when it was called last starts slowly, where its pool
    /// says so. The first call starts nobody, and neither does the first one that knows a pool.
    pub fn look(
        &mut self,
        effective: &Effective,
        is_available: impl Fn(&Pool, &RealServer) -> bool,
        now: Instant,
    ) {
        let before = self.available.take();
        let mut available = BTreeSet::new();
        let mut starts = BTreeMap::new();
        for pool in &effective.config.pools {
            let known = self.pools.contains(&pool.name);
            for server in &pool.servers {
                let key = (pool.name.clone(), server.address);
                if !is_available(pool, server) {
                    continue;
                }
                let was = before.as_ref().is_none_or(|before| before.contains(&key));
                let going_on = self.starts.get(&key).copied().filter(|_| was);
                let fresh = || Start { began: now, length: pool.slow_start.unwrap_or_default() };
                let start = going_on.or_else(|| (!was && known).then(fresh));
                // Its pool's length counts, also where that has changed meanwhile.
                if let (Some(start), Some(length)) = (start, pool.slow_start) {
                    starts.insert(key.clone(), Start { length, ..start });
                }
                available.insert(key);
            }
        }
        self.pools = effective.config.pools.iter().map(|pool| pool.name.clone()).collect();
        (self.available, self.starts) = (Some(available), starts);
        self.advance(now);
    }

    /// Goes to the steps that are due. Returns true where a real server has another part of its weight now.
    pub fn advance(&mut self, now: Instant) -> bool {
        self.starts.retain(|_, start| start.ramp(now) != Ramp::FULL);
        let ramps = self.starts.iter().map(|(key, start)| (key.clone(), start.ramp(now))).collect();
        std::mem::replace(&mut self.ramps, ramps) != self.ramps
    }

    /// When [`SlowStarts::advance`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.starts.iter().filter_map(|(key, start)| Some(start.after(*self.ramps.get(key)?))).min()
    }
}

#[cfg(test)]
#[path = "ramp_test.rs"]
mod tests;
