//! What the maps hold against what they should hold: ordered steps.
//!
//! The order keeps every moment in between right: a real server is there before a ring names it, a ring
//! before a service points to its pool, a VIP before its first service and until after its last one.

use std::{collections::BTreeMap, fmt};

use lb_common::abi::{Address, Real, RealState, Service, ServiceKey, Vip};

use super::Desired;
use crate::model::Name;

/// What the maps hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// Service entries.
    pub services: BTreeMap<ServiceKey, Service>,
    /// VIPs.
    pub vips: BTreeMap<Address, Vip>,
    /// Real servers, at least those of [`Desired::reals`].
    pub reals: BTreeMap<u32, Real>,
    /// By pool number: the first real server and the owner of each slot.
    pub pools: BTreeMap<u32, (u32, Vec<u16>)>,
}

/// What the maps hold once a plan has been carried out.
impl From<Desired> for Actual {
    fn from(desired: Desired) -> Self {
        let pools = desired.pools.into_iter().map(|pool| (pool.number, (pool.reals, pool.ring)));
        Self {
            services: desired.services,
            vips: desired.vips,
            reals: desired.reals,
            pools: pools.collect(),
        }
    }
}

/// One change of the maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make an interface a target of redirects.
    PutDevice {
        /// Its index.
        interface: u32,
    },
    /// Write a real server.
    PutReal {
        /// Its number.
        number: u32,
        /// What it becomes.
        real: Real,
    },
    /// Put a ring into force.
    InstallRing {
        /// The pool.
        name: Name,
        /// Its number.
        pool: u32,
        /// Its first real server.
        reals: u32,
        /// The owner of each slot.
        ring: Vec<u16>,
    },
    /// Write a VIP.
    PutVip {
        /// The address.
        address: Address,
        /// What it becomes.
        vip: Vip,
    },
    /// Write a service entry.
    PutService {
        /// Where.
        key: ServiceKey,
        /// What it becomes.
        service: Service,
    },
    /// Remove a service entry.
    RemoveService {
        /// Where.
        key: ServiceKey,
    },
    /// Remove a VIP.
    RemoveVip {
        /// The address.
        address: Address,
    },
}

/// The steps from `actual` to `desired`; none where they agree.
#[must_use]
pub fn diff(actual: &Actual, desired: &Desired) -> Vec<Step> {
    let mut steps = Vec::new();
    let known = |interface: u32| actual.reals.values().any(|real| real.interface == interface);
    for &interface in desired.devices.iter().filter(|interface| !known(**interface)) {
        steps.push(Step::PutDevice { interface });
    }
    for (&number, real) in &desired.reals {
        if actual.reals.get(&number) != Some(real) {
            steps.push(Step::PutReal { number, real: *real });
        }
    }
    for pool in &desired.pools {
        let same = actual
            .pools
            .get(&pool.number)
            .is_some_and(|(reals, ring)| *reals == pool.reals && *ring == pool.ring);
        if !same {
            let (name, ring) = (pool.name.clone(), pool.ring.clone());
            steps.push(Step::InstallRing { name, pool: pool.number, reals: pool.reals, ring });
        }
    }
    for (&address, &vip) in &desired.vips {
        if actual.vips.get(&address) != Some(&vip) {
            steps.push(Step::PutVip { address, vip });
        }
    }
    for (&key, &service) in &desired.services {
        if actual.services.get(&key) != Some(&service) {
            steps.push(Step::PutService { key, service });
        }
    }
    for &key in actual.services.keys().filter(|key| !desired.services.contains_key(key)) {
        steps.push(Step::RemoveService { key });
    }
    for &address in actual.vips.keys().filter(|address| !desired.vips.contains_key(address)) {
        steps.push(Step::RemoveVip { address });
    }
    steps
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutDevice { interface } => write!(f, "redirect to interface {interface}"),
            Self::PutReal { number, real } => {
                let [a, b, c, d, e, g] = real.destination_mac;
                write!(f, "real server {number}: {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")?;
                write!(f, " on interface {}{}", real.interface, words(RealState(real.state)))
            }
            Self::InstallRing { name, ring, .. } => {
                write!(f, "pool {name}: a ring of {} slots", ring.len())
            }
            Self::PutVip { address, vip } => {
                write!(f, "VIP {}: {} entries", address.to_ip(), vip.services)
            }
            Self::PutService { key, .. } => write!(f, "service entry {}", Entry(key)),
            Self::RemoveService { key } => write!(f, "no service entry {}", Entry(key)),
            Self::RemoveVip { address } => write!(f, "no VIP {}", address.to_ip()),
        }
    }
}

/// The state of a real server for people.
fn words(state: RealState) -> String {
    let all = [
        (RealState::USABLE, ", usable"),
        (RealState::RESOLVED, ", resolved"),
        (RealState::OPEN, ", open"),
    ];
    all.iter().filter(|(bit, _)| state.has(*bit)).map(|(_, word)| *word).collect()
}

/// A service key for people.
struct Entry<'a>(&'a ServiceKey);

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port;
        write!(f, "{} protocol {} port {port}", self.0.address.to_ip(), self.0.protocol)
    }
}

#[cfg(test)]
#[path = "diff_test.rs"]
mod tests;
