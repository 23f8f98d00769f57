//! What the maps should hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use lb_common::{
    abi::{Address, Real, RealState, Service, ServiceKey, Vip},
    flow_hash::HashKeys,
    ring::Member,
};
use serde::{Deserialize, Serialize};

use super::{Effective, Numbering, PoolNumbers};
use crate::{
    model::{self, HashKey, Name},
    schedule::Rings,
};

/// What an operator has said of a real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Admin {
    /// Take new flows.
    #[default]
    Ready,
    /// Take no new flows; those that it has go on.
    Drain,
    /// Out at once: flows that it has break.
    Maintenance,
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Maintenance => "maintenance",
        })
    }
}

/// Where frames for a real server go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The interface.
    pub interface: u32,
    /// Our own address on it.
    pub source_mac: [u8; 6],
    /// Its address, or its router's.
    pub destination_mac: [u8; 6],
}

/// What is known of a real server at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its check says so, or it has none.
    pub healthy: bool,
    /// Where it is reached; `None` until its address was resolved for the first time.
    pub next_hop: Option<NextHop>,
}

/// Everything that the maps depend on.
pub struct Inputs<'a> {
    /// Configuration and operator's word.
    pub effective: &'a Effective,
    /// The numbers.
    pub numbering: &'a Numbering,
    /// The cluster's secret.
    pub keys: &'a HashKeys,
    /// What is known of each real server, by pool and address.
    pub status: &'a dyn Fn(&Name, IpAddr) -> MemberStatus,
}

/// A pool's ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolPlan {
    /// Its name.
    pub name: Name,
    /// Its number.
    pub number: u32,
    /// Its first real server.
    pub reals: u32,
    /// The owner of each slot.
    pub ring: Vec<u16>,
}

/// What the maps should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Pools with their rings.
    pub pools: Vec<PoolPlan>,
    /// Real servers by number. Retired ones are not among them: they stay as they are.
    pub reals: BTreeMap<u32, Real>,
    /// Service entries.
    pub services: BTreeMap<ServiceKey, Service>,
    /// VIPs.
    pub vips: BTreeMap<Address, Vip>,
    /// Interfaces that real servers are behind.
    pub devices: BTreeSet<u32>,
}

/// Computes what the maps should hold. `rings` remembers rings from call to call.
#[must_use]
pub fn desired(inputs: &Inputs<'_>, rings: &mut Rings) -> Desired {
    let mut desired = Desired::default();
    let config = &inputs.effective.config;
    for pool in &config.pools {
        if let Some(numbers) = inputs.numbering.pools.get(&pool.name) {
            desired.add_pool(pool, numbers, inputs, rings);
        }
    }
    for service in &config.services {
        desired.add_service(service, inputs);
    }
    desired
}

impl Desired {
    fn add_pool(
        &mut self,
        pool: &model::Pool,
        numbers: &PoolNumbers,
        inputs: &Inputs<'_>,
        rings: &mut Rings,
    ) {
        let mut members = Vec::with_capacity(pool.servers.len());
        let mut open = BTreeSet::new();
        for server in &pool.servers {
            let Some(&number) = numbers.members.get(&server.address) else { continue };
            let status = (inputs.status)(&pool.name, server.address);
            let admin = inputs.effective.admin(&pool.name, &server.name);
            let weight = server.weight.get();
            members.push(Member { number, address: server.address.into(), weight });
            let available = status.healthy && admin == Admin::Ready && status.next_hop.is_some();
            if available {
                open.insert(number);
            }
            if let Some(hop) = status.next_hop {
                self.devices.insert(hop.interface);
            }
            let real = real(&status, admin, available && weight > 0);
            self.reals.insert(numbers.reals.start + u32::from(number), real);
        }
        let slots = pool.ring_slots();
        let ring = rings.ring(&pool.name, &members, slots, |number| open.contains(&number));
        let (name, number, reals) = (pool.name.clone(), numbers.number, numbers.reals.start);
        self.pools.push(PoolPlan { name, number, reals, ring });
    }

    fn add_service(&mut self, service: &model::Service, inputs: &Inputs<'_>) {
        let numbering = inputs.numbering;
        let (Some(pool), Some(numbers)) =
            (numbering.pools.get(&service.pool), numbering.services.get(&service.name))
        else {
            return;
        };
        let scheduler = inputs
            .effective
            .config
            .pools
            .iter()
            .find(|pool| pool.name == service.pool)
            .map_or_else(Default::default, |pool| pool.scheduler);
        let vip = Address::from(service.address);
        let key = service.hash_key(scheduler);
        let record = Service {
            salt: inputs.keys.salt(vip),
            source_mask: source_mask(key, service.address),
            flags: 0,
            pool: pool.number,
            counters: numbers.counters.start,
            mark: service.mark.map_or(0, model::Mark::get),
        };
        let entry = self.vips.entry(vip).or_default();
        for spec in &service.ports {
            let protocol = spec.protocol.number();
            let flags = flags(service, key, spec.protocol);
            let record = Service { flags, ..record };
            for port in spec.ports() {
                self.services.insert(ServiceKey::new(vip, protocol, port), record);
                entry.services += 1;
            }
            entry.protocols |= Vip::protocol_bit(protocol);
        }
    }
}

fn real(status: &MemberStatus, admin: Admin, open: bool) -> Real {
    let usable = status.healthy && admin != Admin::Maintenance;
    let mut state = if usable { RealState::USABLE } else { RealState::default() };
    state = if open { state.with(RealState::OPEN) } else { state };
    let hop = status.next_hop.inspect(|_| state = state.with(RealState::RESOLVED));
    hop.map_or(Real { state: state.0, ..Real::default() }, |hop| Real {
        destination_mac: hop.destination_mac,
        source_mac: hop.source_mac,
        state: state.0,
        zero: 0,
        interface: hop.interface,
    })
}

/// Which bits of the client's address count.
fn source_mask(key: HashKey, vip: IpAddr) -> [u64; 2] {
    let HashKey::Source { prefix } = key else { return [u64::MAX; 2] };
    let host_bits = match vip {
        IpAddr::V4(_) => 32_u32.saturating_sub(u32::from(prefix)),
        IpAddr::V6(_) => 128_u32.saturating_sub(u32::from(prefix)),
    };
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    Address { bytes: mask.to_be_bytes() }.halves().lanes()
}

/// How an entry of a service is hashed and tracked: connections always, datagrams where the service keeps
/// their flows or their clients.
fn flags(service: &model::Service, key: HashKey, protocol: model::Protocol) -> u32 {
    let ports = key == HashKey::Flow;
    let timeout = match (&service.persistence, protocol) {
        (Some(persistence), _) => Some(persistence.timeout),
        (None, model::Protocol::Udp) => service.udp_idle.map(model::UdpIdle::get),
        (None, model::Protocol::Tcp) => None,
    };
    let idle = timeout.map_or(0, |idle| u32::try_from(idle.as_secs()).unwrap_or(u32::MAX).max(1));
    Service::flags(ports, protocol == model::Protocol::Tcp || idle > 0, idle)
}

#[cfg(test)]
#[path = "desired_test.rs"]
mod tests;
