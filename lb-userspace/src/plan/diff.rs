//! What the maps hold against what they should hold: ordered steps.
//!
//! The order keeps every moment in between right: a real server is there before a ring names it, a ring
//! before a service points to its pool, a VIP before its first service and until after its last one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use lb_common::abi::{Address, Guard, RealState, Schedule, Service, ServiceKey, Tunnel, Vip};

use super::{Desired, NextHop, OwnAddresses, RealEntry};
use crate::model::Name;

/// What the maps hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// Service entries.
    pub services: BTreeMap<ServiceKey, Service>,
    /// VIPs.
    pub vips: BTreeMap<Address, Vip>,
    /// Real servers, at least those of [`Desired::reals`].
    pub reals: BTreeMap<u32, RealEntry>,
    /// By pool number: the first real server and the owner of each slot.
    pub pools: BTreeMap<u32, (u32, Vec<u16>)>,
    /// Tunnels, at least those of [`Desired::tunnels`].
    pub tunnels: BTreeMap<u32, Tunnel>,
    /// Schedules of the pools of [`Desired::pools`], where they have one.
    pub schedules: BTreeMap<u32, Schedule>,
    /// Weights, at least those of [`Desired::weights`].
    pub weights: BTreeMap<u32, u32>,
    /// Guards, at least those of [`Desired::guards`], without the state of their buckets.
    pub guards: BTreeMap<u16, Guard>,
    /// MAC addresses of the other directors.
    pub peers: BTreeSet<[u8; 6]>,
    /// What ICMP errors come from.
    pub own: OwnAddresses,
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
            tunnels: desired.tunnels,
            schedules: desired.schedules,
            weights: desired.weights,
            guards: desired.guards,
            peers: desired.peers,
            own: desired.own,
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
        real: RealEntry,
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
        /// Its scheduler counts.
        counting: bool,
    },
    /// Write the tunnel to a real server.
    PutTunnel {
        /// Its number.
        number: u32,
        /// What it becomes.
        tunnel: Tunnel,
    },
    /// Write the weight of a real server of a scheduler that counts.
    PutWeight {
        /// Its number.
        number: u32,
        /// What it becomes.
        weight: u32,
    },
    /// Write how a pool gives out connections.
    PutSchedule {
        /// The pool.
        pool: u32,
        /// What it becomes; nothing for a scheduler that does not count.
        schedule: Schedule,
    },
    /// Write a guard.
    PutGuard {
        /// Its number.
        number: u16,
        /// What it becomes.
        guard: Guard,
    },
    /// Say which directors there are besides this one.
    SetPeers {
        /// Their MAC addresses.
        peers: BTreeSet<[u8; 6]>,
    },
    /// Say what ICMP errors come from.
    SetOwn {
        /// This host's addresses.
        own: OwnAddresses,
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
    let known = |interface: u32| {
        actual.reals.values().filter_map(|real| real.hop).any(|hop| hop.interface == interface)
    };
    for &interface in desired.devices.iter().filter(|interface| !known(**interface)) {
        steps.push(Step::PutDevice { interface });
    }
    for (&number, real) in &desired.reals {
        if actual.reals.get(&number) != Some(real) {
            steps.push(Step::PutReal { number, real: *real });
        }
    }
    for (&number, &tunnel) in &desired.tunnels {
        if actual.tunnels.get(&number) != Some(&tunnel) {
            steps.push(Step::PutTunnel { number, tunnel });
        }
    }
    for (&number, &weight) in &desired.weights {
        if actual.weights.get(&number) != Some(&weight) {
            steps.push(Step::PutWeight { number, weight });
        }
    }
    for (&number, &guard) in &desired.guards {
        if actual.guards.get(&number) != Some(&guard) {
            steps.push(Step::PutGuard { number, guard });
        }
    }
    for pool in &desired.pools {
        let same = actual
            .pools
            .get(&pool.number)
            .is_some_and(|(reals, ring)| *reals == pool.reals && *ring == pool.ring);
        // Where its scheduler begins or ceases to count, flows are elsewhere than the same ring says.
        let counted = actual.schedules.contains_key(&pool.number);
        if !same || counted != pool.counting {
            let (name, ring, counting) = (pool.name.clone(), pool.ring.clone(), pool.counting);
            let (number, reals) = (pool.number, pool.reals);
            steps.push(Step::InstallRing { name, pool: number, reals, ring, counting });
        }
        let schedule = desired.schedules.get(&pool.number).copied();
        if actual.schedules.get(&pool.number).copied() != schedule {
            let schedule = schedule.unwrap_or_default();
            steps.push(Step::PutSchedule { pool: pool.number, schedule });
        }
    }
    if actual.peers != desired.peers {
        steps.push(Step::SetPeers { peers: desired.peers.clone() });
    }
    if actual.own != desired.own {
        steps.push(Step::SetOwn { own: desired.own });
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
                write!(f, "real server {number}: ")?;
                match real.hop {
                    Some(NextHop {
                        interface, vlan, destination_mac: [a, b, c, d, e, g], ..
                    }) => {
                        write!(
                            f,
                            "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x} on interface {interface}"
                        )?;
                        if vlan != 0 {
                            write!(f, ", VLAN {vlan}")?;
                        }
                    }
                    None => write!(f, "no next hop")?,
                }
                f.write_str(&words(real.state))
            }
            Self::InstallRing { name, ring, .. } => {
                write!(f, "pool {name}: a ring of {} slots", ring.len())
            }
            Self::PutTunnel { number, tunnel } => {
                let (to, mtu) = (tunnel.remote.to_ip(), tunnel.mtu);
                write!(f, "real server {number}: a tunnel to {to} for packets up to {mtu} bytes")
            }
            Self::PutWeight { number, weight } => {
                write!(f, "real server {number}: weight {weight}")
            }
            Self::PutSchedule { pool, schedule } if schedule.reals == 0 => {
                write!(f, "pool {pool}: connections go by the ring")
            }
            Self::PutSchedule { pool, .. } => write!(f, "pool {pool}: connections are counted"),
            Self::PutGuard { number, .. } => write!(f, "guard {number}"),
            Self::SetPeers { peers } => write!(f, "{} other directors", peers.len()),
            Self::SetOwn { .. } => write!(f, "the source of ICMP errors"),
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
        (RealState::LOCAL, ", this host"),
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
