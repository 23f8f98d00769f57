//! What operators have said at run time: added, removed, drained, weighted. It survives restarts, lies over
//! the configuration, and is shown as differing from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Config, Mode, Name, RealServer, Weight};

use super::Admin;

/// The operator's word on one pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolChanges {
    /// Real servers that the file does not have.
    pub added: Vec<RealServer>,
    /// Real servers of the file that are not to be used.
    pub removed: BTreeSet<Name>,
    /// Drained, or in maintenance.
    pub states: BTreeMap<Name, Admin>,
    /// Weights that replace the file's.
    pub weights: BTreeMap<Name, Weight>,
}

/// The operator's word on all pools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operator {
    /// By pool.
    pub pools: BTreeMap<Name, PoolChanges>,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// No such pool.
    #[error("there is no pool `{0}`; the pools are: {1}")]
    NoPool(Name, String),
    /// No such real server.
    #[error("pool `{0}` has no real server `{1}`; it has: {2}")]
    NoServer(Name, Name, String),
    /// The name is taken.
    #[error("pool `{0}` has a real server `{1}` already")]
    NameTaken(Name, Name),
    /// The address is taken.
    #[error("pool `{0}` has a real server with the address {1} already: `{2}`")]
    AddressTaken(Name, std::net::IpAddr, Name),
    /// The family does not fit the services.
    #[error(
        "service `{service}` at {vip} uses pool `{pool}`: direct routing cannot send it to {address}, which is of the other family"
    )]
    Family {
        /// The pool.
        pool: Name,
        /// The new address.
        address: std::net::IpAddr,
        /// A service that uses the pool.
        service: Name,
        /// Its address.
        vip: std::net::IpAddr,
    },
}

/// The configuration with the operator's word over it.
#[derive(Clone, Debug)]
pub struct Effective {
    /// What is in force.
    pub config: Config,
    /// Real servers that are not simply ready.
    pub states: BTreeMap<(Name, Name), Admin>,
}

impl Effective {
    /// What was said of a real server.
    #[must_use]
    pub fn admin(&self, pool: &Name, server: &Name) -> Admin {
        self.states.get(&(pool.clone(), server.clone())).copied().unwrap_or_default()
    }
}

impl Operator {
    /// Lays the operator's word over `config`. What names a pool or a server that is gone is left out.
    #[must_use]
    pub fn apply(&self, config: &Config) -> Effective {
        let mut effective = Effective { config: config.clone(), states: BTreeMap::new() };
        for pool in &mut effective.config.pools {
            let Some(changes) = self.pools.get(&pool.name) else { continue };
            pool.servers.retain(|server| !changes.removed.contains(&server.name));
            for added in &changes.added {
                // The file has caught up: its word counts.
                let known = |s: &RealServer| s.name == added.name || s.address == added.address;
                if !pool.servers.iter().any(known) {
                    pool.servers.push(added.clone());
                }
            }
            for server in &mut pool.servers {
                if let Some(weight) = changes.weights.get(&server.name) {
                    server.weight = *weight;
                }
                if let Some(admin) = changes.states.get(&server.name) {
                    effective.states.insert((pool.name.clone(), server.name.clone()), *admin);
                }
            }
        }
        effective
    }

    /// Adds a real server to a pool.
    ///
    /// # Errors
    /// Its pool is unknown, its name or address is taken, or its family does not fit.
    pub fn add(
        &mut self,
        config: &Config,
        pool: &Name,
        server: RealServer,
    ) -> Result<(), OperatorError> {
        let effective = self.apply(config);
        let present = find_pool(&effective.config, pool)?;
        if present.servers.iter().any(|known| known.name == server.name) {
            return Err(OperatorError::NameTaken(pool.clone(), server.name));
        }
        if let Some(known) = present.servers.iter().find(|known| known.address == server.address) {
            let name = known.name.clone();
            return Err(OperatorError::AddressTaken(pool.clone(), server.address, name));
        }
        let other_family = config.services.iter().find(|service| {
            service.pool == *pool
                && service.mode == Mode::DirectRouting
                && service.address.is_ipv4() != server.address.is_ipv4()
        });
        if let Some(service) = other_family {
            return Err(OperatorError::Family {
                pool: pool.clone(),
                address: server.address,
                service: service.name.clone(),
                vip: service.address,
            });
        }
        let in_file = find_pool(config, pool)?.servers.contains(&server);
        let changes = self.pools.entry(pool.clone()).or_default();
        changes.states.remove(&server.name);
        changes.weights.remove(&server.name);
        if in_file {
            changes.removed.remove(&server.name);
        } else {
            changes.added.push(server);
        }
        Ok(())
    }

    /// Takes a real server out of a pool: no new flows; those that it has go on until the pool's window
    /// closes.
    ///
    /// # Errors
    /// Pool or server are unknown.
    pub fn remove(
        &mut self,
        config: &Config,
        pool: &Name,
        server: &Name,
    ) -> Result<(), OperatorError> {
        self.known(config, pool, server)?;
        let in_file = find_pool(config, pool)?.server(server.as_str()).is_some();
        let changes = self.pools.entry(pool.clone()).or_default();
        changes.added.retain(|added| added.name != *server);
        changes.states.remove(server);
        changes.weights.remove(server);
        if in_file {
            changes.removed.insert(server.clone());
        }
        Ok(())
    }

    /// Drains a real server, puts it into maintenance or takes it back.
    ///
    /// # Errors
    /// Pool or server are unknown.
    pub fn set_state(
        &mut self,
        config: &Config,
        pool: &Name,
        server: &Name,
        state: Admin,
    ) -> Result<(), OperatorError> {
        self.known(config, pool, server)?;
        let states = &mut self.pools.entry(pool.clone()).or_default().states;
        match state {
            Admin::Ready => states.remove(server),
            Admin::Drain | Admin::Maintenance => states.insert(server.clone(), state),
        };
        Ok(())
    }

    /// Gives a real server another weight; the file's own weight takes the change back.
    ///
    /// # Errors
    /// Pool or server are unknown.
    pub fn set_weight(
        &mut self,
        config: &Config,
        pool: &Name,
        server: &Name,
        weight: Weight,
    ) -> Result<(), OperatorError> {
        self.known(config, pool, server)?;
        let in_file = find_pool(config, pool)?.server(server.as_str()).map(|known| known.weight);
        let weights = &mut self.pools.entry(pool.clone()).or_default().weights;
        if in_file == Some(weight) {
            weights.remove(server);
        } else {
            weights.insert(server.clone(), weight);
        }
        Ok(())
    }

    fn known(&self, config: &Config, pool: &Name, server: &Name) -> Result<(), OperatorError> {
        let effective = self.apply(config);
        let present = find_pool(&effective.config, pool)?;
        if present.server(server.as_str()).is_some() {
            return Ok(());
        }
        let names =
            list(&present.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>());
        Err(OperatorError::NoServer(pool.clone(), server.clone(), names))
    }
}

fn find_pool<'a>(config: &'a Config, name: &Name) -> Result<&'a crate::model::Pool, OperatorError> {
    config.pools.iter().find(|pool| pool.name == *name).ok_or_else(|| {
        let names = list(&config.pools.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>());
        OperatorError::NoPool(name.clone(), names)
    })
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
#[path = "operator_test.rs"]
mod tests;
