//! Which numbers stand for what in the maps: pools, real servers within a pool, counters.
//!
//! Numbers outlive the agent (they are written down before the maps use them) and a number is not given to
//! anybody else while a ring or a note may still name it: what leaves a pool is *retired* until the pool's
//! transition window closes.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

use lb_common::abi::NO_REAL;
use serde::{Deserialize, Serialize};

use crate::model::{Config, Limits, Name, Service};

/// The fewest real servers that a block has room for.
const SMALLEST_BLOCK: u32 = 16;

/// The only member of the proxy's pool: packets for it go nowhere, so it needs no address.
const THIS_HOST: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// A run of entries in a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// First entry.
    pub start: u32,
    /// Number of entries.
    pub length: u32,
}

/// The numbers of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolNumbers {
    /// Its entry in POOLS.
    pub number: u32,
    /// Its entries in REALS; ring slots count from the first.
    pub reals: Block,
    /// Its real servers.
    pub members: BTreeMap<IpAddr, u16>,
    /// Real servers that have left, and whose flows may still be tracked.
    pub retired: BTreeMap<IpAddr, u16>,
}

/// The numbers of a virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceNumbers {
    /// The pool its counters belong to.
    pub pool: Name,
    /// Its entries in COUNTERS: one for each entry of the pool's block in REALS.
    pub counters: Block,
    /// The number of its guard, whether it has one or not; 0 stands for no guard.
    #[serde(default)]
    pub guard: u16,
}

/// All numbers in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbering {
    /// By name.
    pub pools: BTreeMap<Name, PoolNumbers>,
    /// By name.
    pub services: BTreeMap<Name, ServiceNumbers>,
}

/// A map is too small.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the map of {what} is full: {wanted} more do not fit in {limit}; raise `{key}` under [limits] and restart"
)]
pub struct NumberingError {
    what: &'static str,
    key: &'static str,
    wanted: u32,
    limit: u32,
}

impl Numbering {
    /// The numbers for `config`: whatever had a number keeps it. Blocks that something moves out of go to
    /// nobody else in the same step: packets use them until it is done.
    ///
    /// # Errors
    /// [`NumberingError`]: a map is too small.
    pub fn assign(&self, config: &Config, pools: u32) -> Result<Self, NumberingError> {
        let mut next = self.clone();
        for pool in config.pools.iter().filter(|pool| config.forwards_to(pool)) {
            let servers = pool.servers.iter().chain(&pool.sorry);
            let addresses = servers.map(|server| server.address).collect();
            next.assign_pool(self, &pool.name, &addresses, pools, &config.limits)?;
        }
        if config.has_proxy() {
            let this_host = BTreeSet::from([THIS_HOST]);
            next.assign_pool(self, &Name::of_proxy(), &this_host, pools, &config.limits)?;
        }
        next.services.retain(|name, numbers| {
            let still = |service: &&Service| service.name == *name;
            let service = config.services.iter().find(still);
            service.is_some_and(|service| service.pool_in_maps() == numbers.pool)
        });
        for service in &config.services {
            next.assign_counters(self, &service.name, &service.pool_in_maps(), &config.limits)?;
        }
        Ok(next)
    }

    /// Forgets the real servers that have left `pool`, its window being closed, but for those of a number that
    /// is still `needed`.
    pub fn release(&mut self, pool: &Name, needed: impl Fn(u16) -> bool) {
        if let Some(numbers) = self.pools.get_mut(pool) {
            numbers.retired.retain(|_, number| needed(*number));
        }
    }

    /// Removes the pools that `config` no longer has, and returns their numbers.
    pub fn remove_pools(&mut self, config: &Config) -> Vec<u32> {
        let kept = config.pools.iter().filter(|pool| config.forwards_to(pool));
        let proxy = config.has_proxy().then(Name::of_proxy);
        let kept: BTreeSet<_> = kept.map(|pool| &pool.name).chain(&proxy).collect();
        let gone: Vec<_> = self.pools.keys().filter(|name| !kept.contains(name)).cloned().collect();
        gone.iter().filter_map(|name| Some(self.pools.remove(name)?.number)).collect()
    }

    fn assign_pool(
        &mut self,
        before: &Self,
        name: &Name,
        addresses: &BTreeSet<IpAddr>,
        pools: u32,
        limits: &Limits,
    ) -> Result<(), NumberingError> {
        let mut numbers = match self.pools.get(name) {
            Some(numbers) => numbers.clone(),
            None => PoolNumbers { number: self.free_pool(pools)?, ..PoolNumbers::default() },
        };
        let (kept, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
            numbers.members.into_iter().partition(|(address, _)| addresses.contains(address));
        numbers.members = kept;
        numbers.retired.extend(left);
        for address in addresses {
            let number =
                numbers.retired.remove(address).or_else(|| numbers.members.get(address).copied());
            let number = number.unwrap_or_else(|| numbers.free_number());
            numbers.members.insert(*address, number);
        }
        let needed = numbers.used().last().map_or(0, |last| u32::from(*last) + 1);
        if needed > numbers.reals.length {
            let used = before.pools.values().chain(self.pools.values()).map(|pool| pool.reals);
            numbers.reals =
                block(used, needed, limits.reals).ok_or(NumberingError::reals(needed, limits))?;
        }
        self.pools.insert(name.clone(), numbers);
        Ok(())
    }

    fn assign_counters(
        &mut self,
        before: &Self,
        name: &Name,
        pool: &Name,
        limits: &Limits,
    ) -> Result<(), NumberingError> {
        let needed = self.pools.get(pool).map_or(0, |numbers| numbers.reals.length);
        let known = self.services.get(name);
        if known.is_some_and(|known| known.counters.length >= needed && known.guard > 0) {
            return Ok(());
        }
        let used = before.services.values().chain(self.services.values());
        let used = used.map(|service| service.counters);
        let counters =
            block(used, needed, limits.counters).ok_or(NumberingError::counters(needed, limits))?;
        let guard = match self.services.get(name).map(|numbers| numbers.guard) {
            Some(guard) if guard > 0 => guard,
            _ => self.free_guard(),
        };
        self.services.insert(name.clone(), ServiceNumbers { pool: pool.clone(), counters, guard });
        Ok(())
    }

    /// A guard's number that no service has; 0 (no guard) where all are taken.
    fn free_guard(&self) -> u16 {
        let used: BTreeSet<_> = self.services.values().map(|service| service.guard).collect();
        (1..=u16::MAX).find(|number| !used.contains(number)).unwrap_or(0)
    }

    fn free_pool(&self, pools: u32) -> Result<u32, NumberingError> {
        let used: BTreeSet<_> = self.pools.values().map(|pool| pool.number).collect();
        (0..pools).find(|number| !used.contains(number)).ok_or(NumberingError {
            what: "pools",
            key: "pools",
            wanted: 1,
            limit: pools,
        })
    }
}

impl NumberingError {
    const fn reals(wanted: u32, limits: &Limits) -> Self {
        Self { what: "real servers", key: "reals", wanted, limit: limits.reals }
    }

    const fn counters(wanted: u32, limits: &Limits) -> Self {
        Self { what: "counters", key: "counters", wanted, limit: limits.counters }
    }
}

impl PoolNumbers {
    fn used(&self) -> BTreeSet<u16> {
        self.members.values().chain(self.retired.values()).copied().collect()
    }

    fn free_number(&self) -> u16 {
        let used = self.used();
        (0..NO_REAL).find(|number| !used.contains(number)).unwrap_or(NO_REAL)
    }
}

/// First fit for `needed` entries, rounded up so that a pool can grow in place.
fn block(used: impl Iterator<Item = Block>, needed: u32, limit: u32) -> Option<Block> {
    let mut used: Vec<_> = used.filter(|block| block.length > 0).collect();
    used.sort_unstable_by_key(|block| block.start);
    let room = |length: u32| {
        let mut start = 0;
        for block in &used {
            if block.start.saturating_sub(start) >= length {
                break;
            }
            start = start.max(block.start + block.length);
        }
        (limit.saturating_sub(start) >= length).then_some(Block { start, length })
    };
    room(needed.next_power_of_two().max(SMALLEST_BLOCK)).or_else(|| room(needed))
}

#[cfg(test)]
#[path = "numbering_test.rs"]
mod tests;
