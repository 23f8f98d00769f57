//! What the maps should hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{Ipv4Net, Ipv6Net};
use lb_common::{
    abi::{Address, Features, Guard, RealState, Rule, Schedule, Service, ServiceKey, Tunnel, Vip},
    flow_hash::HashKeys,
    ring::{self, Member},
};
use serde::{Deserialize, Serialize};

use super::{Effective, Known, Numbering, PoolNumbers, Roster, marks};
use crate::{
    health::{Advice, Wish},
    model::{self, Name, RealServer, SchedulerKind, Weight},
    schedule::{Rings, turns},
};

/// What an operator has said of a real server. The later one is the stronger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

impl From<Wish> for Admin {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Ready => Self::Ready,
            Wish::Drain => Self::Drain,
            Wish::Maintenance => Self::Maintenance,
        }
    }
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
    /// The VLAN on it (802.1Q); 0: frames bear no tag.
    pub vlan: u16,
    /// Our own address on it.
    pub source_mac: [u8; 6],
    /// Its address, or its router's.
    pub destination_mac: [u8; 6],
    /// The largest packet that may go there, in bytes; 0: not known.
    pub mtu: u16,
}

/// A real server as the maps have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RealEntry {
    /// What it may be given.
    pub state: RealState,
    /// Where its frames go; `None` where that is not known, or where it is this host.
    pub hop: Option<NextHop>,
}

/// What is known of a real server at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its check says so, or it has none.
    pub healthy: bool,
    /// Where it is reached; `None` until its address was resolved for the first time.
    pub next_hop: Option<NextHop>,
    /// It is this host, or only this host's own sockets go there: no next hop is needed.
    pub local: bool,
    /// How much of its weight it has.
    pub ramp: Ramp,
    /// How much it wants, by its own word.
    pub advice: Advice,
}

impl MemberStatus {
    /// Hundredths of its weight that it has: 0 to 200, so that the largest weight still fits.
    #[must_use]
    pub fn parts(&self) -> u16 {
        let share = u32::from(self.advice.share.percent());
        let parts = share * u32::from(self.ramp.get()) / 100;
        u16::try_from(parts.max(share.min(1))).unwrap_or(100)
    }

    /// Its weight, by its own word or as configured. What is taken out by its weight stays out.
    #[must_use]
    pub fn weight(&self, server: &RealServer) -> Weight {
        self.advice.weight.filter(|_| !server.weight.is_zero()).unwrap_or(server.weight)
    }

    /// What rosters go by: the operator's word or its own, whichever is the stronger.
    #[must_use]
    pub fn known(&self, admin: Admin) -> Known {
        let reached = self.local || self.next_hop.is_some();
        let admin = admin.max(self.advice.asks().into());
        Known { admin, alive: self.healthy, reached }
    }
}

impl Default for MemberStatus {
    fn default() -> Self {
        Self { healthy: true, next_hop: None, local: false, ramp: Ramp::FULL, advice: Advice::NONE }
    }
}

/// How much of its weight a real server has that starts slowly: 1 to 100 percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ramp(u8);

impl Ramp {
    /// All of it.
    pub const FULL: Self = Self(100);

    /// `percent`, kept within 1 to 100.
    #[must_use]
    pub fn new(percent: u8) -> Self {
        Self(percent.clamp(1, 100))
    }

    /// In percent.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Addresses of this host itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    /// IPv4.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6, not a link-local one.
    pub ipv6: Option<Ipv6Addr>,
}

/// What is known of this host and its neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// This host's own addresses.
    pub own: OwnAddresses,
    /// MAC addresses of the other directors.
    pub peers: BTreeSet<[u8; 6]>,
    /// VLANs stand on an interface of the configuration: packets may come in with a tag and leave without.
    pub vlans: bool,
    /// Services with a flood on.
    pub floods: BTreeSet<Name>,
}

/// Everything that the maps depend on.
pub struct Inputs<'a> {
    /// Configuration and operator's word.
    pub effective: &'a Effective,
    /// The numbers.
    pub numbering: &'a Numbering,
    /// The cluster's secret.
    pub keys: &'a HashKeys,
    /// What else is known.
    pub surroundings: &'a Surroundings,
    /// What is known of each real server, by pool and address.
    pub status: &'a dyn Fn(&Name, IpAddr) -> MemberStatus,
    /// Pools that are below their quorum, and say that nobody goes on then.
    pub closed: &'a BTreeSet<Name>,
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
    /// Its scheduler counts: flows are noted at all times.
    pub counting: bool,
}

/// What the maps should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Pools with their rings.
    pub pools: Vec<PoolPlan>,
    /// Who of each pool gets new flows.
    pub rosters: BTreeMap<Name, Roster>,
    /// Real servers by number. Retired ones are not among them: they stay as they are.
    pub reals: BTreeMap<u32, RealEntry>,
    /// Service entries.
    pub services: BTreeMap<ServiceKey, Service>,
    /// VIPs.
    pub vips: BTreeMap<Address, Vip>,
    /// Interfaces that real servers are behind.
    pub devices: BTreeSet<u32>,
    /// Tunnels, by real server.
    pub tunnels: BTreeMap<u32, Tunnel>,
    /// Schedules that count, by pool; whose turn it is is not among what is wanted.
    pub schedules: BTreeMap<u32, Schedule>,
    /// Weights of the real servers of such pools.
    pub weights: BTreeMap<u32, u32>,
    /// Guards, without the state of their buckets.
    pub guards: BTreeMap<u16, Guard>,
    /// MAC addresses of the other directors.
    pub peers: BTreeSet<[u8; 6]>,
    /// What ICMP errors come from.
    pub own: OwnAddresses,
    /// What of the program all of this needs.
    pub features: Features,
}

/// Computes what the maps should hold. `rings` remembers rings from call to call.
#[must_use]
pub fn desired(inputs: &Inputs<'_>, rings: &mut Rings) -> Desired {
    let mut desired = Desired::default();
    let config = &inputs.effective.config;
    for pool in &config.pools {
        let roster = roster(pool, inputs);
        if let Some(numbers) = inputs.numbering.pools.get(&pool.name) {
            desired.add_pool(pool, numbers, &roster, inputs, rings);
        }
        desired.rosters.insert(pool.name.clone(), roster);
    }
    if let Some(numbers) = inputs.numbering.pools.get(&Name::of_proxy()) {
        desired.add_proxy(numbers);
    }
    for service in &config.services {
        desired.add_service(service, inputs);
    }
    desired.peers.clone_from(&inputs.surroundings.peers);
    desired.own = inputs.surroundings.own;
    let here = desired.reals.values().any(|real| real.state.has(RealState::LOCAL));
    let tagged = desired.reals.values().any(|real| real.hop.is_some_and(|hop| hop.vlan != 0));
    desired.features = features(config)
        .with_if(Features::PEERS, !desired.peers.is_empty())
        .with_if(Features::LOCAL, here)
        .with_if(Features::MARKS, marks::any(config, |pool, at| (inputs.status)(pool, at).local))
        .with_if(Features::VLANS, inputs.surroundings.vlans || tagged);
    desired
}

/// What of the program a configuration needs, whatever is found out about its hosts.
#[must_use]
pub fn features(config: &model::Config) -> Features {
    let tunnel = |service: &model::Service| service.mode == model::Mode::Tunnel;
    Features::default()
        .with_if(Features::GUARD, config.services.iter().any(|service| service.guard.is_some()))
        .with_if(Features::COUNTING, config.pools.iter().any(|pool| pool.scheduler.counts()))
        .with_if(Features::TUNNEL, config.services.iter().any(tunnel))
        .with_if(Features::UNPACK, !config.node.decapsulate.is_empty())
        .with_if(Features::MARKS, marks::any(config, |_, _| false))
        .with_if(Features::FENCE, !config.vrrp.is_empty())
}

/// Who of a pool gets new flows.
fn roster(pool: &model::Pool, inputs: &Inputs<'_>) -> Roster {
    let closed = inputs.closed.contains(&pool.name);
    Roster::of(pool, closed, |server| known(pool, server, inputs))
}

fn known(pool: &model::Pool, server: &RealServer, inputs: &Inputs<'_>) -> Known {
    let status = (inputs.status)(&pool.name, server.address);
    status.known(inputs.effective.admin(&pool.name, &server.name))
}

impl Desired {
    fn add_pool(
        &mut self,
        pool: &model::Pool,
        numbers: &PoolNumbers,
        roster: &Roster,
        inputs: &Inputs<'_>,
        rings: &mut Rings,
    ) {
        let mut members = Vec::with_capacity(pool.servers.len());
        let mut open = BTreeSet::new();
        let status = |server: &RealServer| (inputs.status)(&pool.name, server.address);
        // While one of them starts slowly, or wants a part of its weight, weights are counted in hundredths.
        let parted = pool.everyone().any(|server| status(server).parts() != 100);
        for server in pool.everyone() {
            let Some(&number) = numbers.members.get(&server.address) else { continue };
            let (status, known) = (status(server), known(pool, server, inputs));
            let parts = if parted { status.parts() } else { 1 };
            let weight = status.weight(server).get() * parts;
            let member = Member { number, address: server.address.into(), weight };
            let sorry = pool.is_sorry(server);
            let is_open = if sorry { known.is_ready() } else { roster.is_open(server) };
            if is_open {
                open.insert(number);
            }
            if let Some(hop) = status.next_hop {
                self.devices.insert(hop.interface);
            }
            let entry = numbers.reals.start + u32::from(number);
            self.reals.insert(entry, real(&status, roster.keeps_flows(pool, known), is_open));
            self.add_tunnel(pool, entry, &member, inputs);
            members.push((member, sorry || roster.has_slots(server)));
        }
        // The sorry server is the last one; it has no part while anybody else is there.
        let sorry =
            pool.sorry.as_ref().and_then(|_| members.pop()).map(|(member, _)| member.number);
        let slots = pool.ring_slots();
        let others = roster.has_anybody();
        let within: Vec<_> =
            members.iter().filter(|(_, within)| *within).map(|(member, _)| *member).collect();
        let ring = match (sorry.filter(|sorry| !others && open.contains(sorry)), pool.scheduler) {
            (Some(sorry), _) => vec![sorry; slots as usize],
            (None, SchedulerKind::Rr) => turns(&within, |_| 1, &open),
            (None, SchedulerKind::Wrr) => turns(&within, |member| member.weight, &open),
            (None, _) => rings.ring(&pool.name, &within, slots, |number| open.contains(&number)),
        };
        let members: Vec<_> = members.into_iter().map(|(member, _)| member).collect();
        let (name, number, reals) = (pool.name.clone(), numbers.number, numbers.reals.start);
        let highest = members.iter().map(|member| u32::from(member.number) + 1).max().unwrap_or(0);
        // With nobody but the sorry server left, everyone is sent there by the ring.
        let schedule = rule(pool.scheduler).map(|rule| Schedule {
            turn: 0,
            rule: if others { rule as u32 } else { Rule::Turn as u32 },
            reals: highest.clamp(1, Schedule::MOST_REALS),
        });
        if let Some(schedule) = schedule {
            self.schedules.insert(number, schedule);
            // Numbers in between may be those of who has left, or of the sorry server: they get nothing.
            self.weights.extend((0..highest).map(|number| (reals + number, 0)));
            let weight = |m: &Member| (reals + u32::from(m.number), u32::from(m.weight));
            self.weights.extend(members.iter().map(weight));
        }
        self.pools.push(PoolPlan { name, number, reals, ring, counting: schedule.is_some() });
    }

    /// Services of the proxy: their packets go on to this host, after their guard.
    fn add_proxy(&mut self, numbers: &PoolNumbers) {
        for number in numbers.members.values() {
            let here = MemberStatus { local: true, ..MemberStatus::default() };
            self.reals.insert(numbers.reals.start + u32::from(*number), real(&here, true, true));
            let ring = vec![*number; ring::default_size(1) as usize];
            let (name, reals) = (Name::of_proxy(), numbers.reals.start);
            let counting = false;
            self.pools.push(PoolPlan { name, number: numbers.number, reals, ring, counting });
        }
    }

    /// The tunnel to a real server, where its pool has one.
    fn add_tunnel(
        &mut self,
        pool: &model::Pool,
        number: u32,
        member: &Member,
        inputs: &Inputs<'_>,
    ) {
        let config = &inputs.effective.config;
        let tunnelled = |service: &model::Service| service.mode == model::Mode::Tunnel;
        if config.services_of(pool).any(tunnelled) {
            let hop = self.reals.get(&number).and_then(|real| real.hop);
            let mtu = hop.map_or(0, |hop| hop.mtu);
            let (node, own) = (&config.node, &inputs.surroundings.own);
            let tunnel = tunnel(&pool.tunnel, member.address.to_ip(), mtu, node, own);
            self.tunnels.insert(number, tunnel);
        }
    }
}

/// The rule of a scheduler that counts.
const fn rule(scheduler: SchedulerKind) -> Option<Rule> {
    match scheduler {
        SchedulerKind::Maglev | SchedulerKind::Source | SchedulerKind::Sh | SchedulerKind::Mh => {
            None
        }
        SchedulerKind::Rr | SchedulerKind::Wrr => Some(Rule::Turn),
        SchedulerKind::Lc => Some(Rule::Least),
        SchedulerKind::Wlc => Some(Rule::WeightedLeast),
        SchedulerKind::Sed => Some(Rule::ShortestDelay),
        SchedulerKind::Nq => Some(Rule::NeverQueue),
    }
}

/// The outer header for a real server behind an interface that takes packets of `mtu` bytes.
#[must_use]
pub fn tunnel(
    tunnel: &model::Tunnel,
    remote: IpAddr,
    mtu: u16,
    node: &model::Node,
    own: &OwnAddresses,
) -> Tunnel {
    let (local, spread) = match remote {
        IpAddr::V4(_) => {
            let own = own.ipv4.map(Ipv4Net::from);
            let net = node.tunnel_source.or(own);
            let net = net.unwrap_or_else(|| Ipv4Addr::UNSPECIFIED.into());
            (Address::from(net.network()), Address::from(net.hostmask()).halves().0)
        }
        IpAddr::V6(_) => {
            let own = own.ipv6.map(Ipv6Net::from);
            let net = node.tunnel_source6.or(own);
            let net = net.unwrap_or_else(|| Ipv6Addr::UNSPECIFIED.into());
            (Address::from(net.network()), Address::from(net.hostmask()).halves().0)
        }
    };
    // A mapped IPv4 mask has bits of its own in front, which the address has too.
    let spread = if remote.is_ipv4() { [0, spread[1] & low_half()] } else { spread };
    let port = match tunnel.kind {
        model::TunnelKind::Ip => 0,
        model::TunnelKind::Gue { port } => port,
    };
    let outer = Tunnel { port, v6: u16::from(remote.is_ipv6()), ..Tunnel::default() };
    let inside = tunnel.mtu.unwrap_or(mtu).saturating_sub(outer.overhead());
    Tunnel { remote: remote.into(), local, spread, mtu: inside, ..outer }
}

/// The last four bytes of an address.
const fn low_half() -> u64 {
    u64::from_ne_bytes([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
}

fn real(status: &MemberStatus, usable: bool, open: bool) -> RealEntry {
    let mut state = if usable { RealState::USABLE } else { RealState::default() };
    state = if open { state.with(RealState::OPEN) } else { state };
    if status.local {
        state = state.with(RealState::RESOLVED).with(RealState::LOCAL);
        return RealEntry { state, hop: None };
    }
    let hop = status.next_hop.inspect(|_| state = state.with(RealState::RESOLVED));
    RealEntry { state, hop }
}

#[cfg(test)]
#[path = "desired_test.rs"]
mod tests;
