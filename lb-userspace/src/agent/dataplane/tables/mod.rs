//! Handles on the maps: what the agent writes and reads, typed.

mod lookups;

use std::{collections::BTreeSet, net::IpAddr, os::fd::AsFd as _, time::Instant};

use aya::{
    Ebpf,
    maps::{Array, DevMapHash, HashMap, LpmTrie, Map, MapData, PerCpuArray, lpm_trie::Key},
};
use lb_common::{
    abi::{
        Address, Counter, FlowKey, Fragment, FragmentKey, Guard, GuardList, Halves, Link, Load,
        Node, Note, Pool, Real, Reason, RingRef, Schedule, Service, ServiceKey, Slot, Tunnel, Vip,
        map,
    },
    flow_hash::HashKeys,
    ring::unpack,
    verdict::Tables,
};

use super::{
    DataPlaneError,
    bpf::{Batch, Batches},
    counters::Counters,
    fast::Fast,
    fences::Fences,
    leases::Leases,
    links::LinkTable,
    mmap::Words,
    object,
    through::Through,
};
use crate::{
    model::Limits,
    plan::{NextHop, OwnAddresses, RealEntry},
};

const POOL_WORDS: usize = size_of::<Pool>() / 8;
const TUNNEL_WORDS: usize = size_of::<Tunnel>() / 8;
const SCHEDULE_WORDS: usize = size_of::<Schedule>() / 8;
const LOAD_WORDS: usize = size_of::<Load>() / 8;
/// Prefixes that are read in one call.
const PREFIXES_A_CALL: u32 = 4_096;

/// Every map of the program.
pub(super) struct Maps {
    keys: HashKeys,
    services: HashMap<MapData, ServiceKey, Service>,
    fast: Fast,
    vips: HashMap<MapData, Address, Vip>,
    pools: Words,
    rings: Words,
    reals: Words,
    links: LinkTable,
    devices: DevMapHash<MapData>,
    pub(super) counters: Counters,
    reasons: PerCpuArray<MapData, Counter>,
    flows: HashMap<MapData, FlowKey, Note>,
    new_flows: HashMap<MapData, FlowKey, Note>,
    fragments: HashMap<MapData, FragmentKey, Fragment>,
    tunnels: Words,
    schedules: Words,
    loads: Words,
    guards: Array<MapData, Guard>,
    guard_lists: LpmTrie<MapData, GuardList, u32>,
    list_batches: Batches<Key<GuardList>, u32>,
    peers: HashMap<MapData, u64, u32>,
    pub(super) fences: Fences,
    pub(super) through: Through,
    node: Array<MapData, Node>,
}

impl Maps {
    /// Takes the maps out of a loaded object.
    ///
    /// # Errors
    /// A map that is not there or not what it should be; mmap(2)'s.
    pub(super) fn take(
        ebpf: &mut Ebpf,
        limits: &Limits,
        keys: HashKeys,
    ) -> Result<Self, DataPlaneError> {
        let rings = (limits.ring_slots / lb_common::abi::SLOTS_PER_WORD) as usize;
        let pools = object::POOLS as usize * POOL_WORDS;
        let counters = limits.counters as usize * Counters::WORDS * object::cpus()? as usize;
        let mut maps = Self {
            keys,
            services: take(ebpf, map::SERVICES)?.try_into()?,
            fast: Fast::new(words(ebpf, map::FAST_SERVICES, Fast::LENGTH)?, keys, Instant::now()),
            vips: take(ebpf, map::VIPS)?.try_into()?,
            pools: words(ebpf, map::POOLS, pools)?,
            rings: words(ebpf, map::RINGS, rings)?,
            reals: words(ebpf, map::REALS, limits.reals as usize)?,
            links: LinkTable::new(words(ebpf, map::LINKS, LinkTable::LENGTH)?),
            devices: take(ebpf, map::DEVICES)?.try_into()?,
            counters: Counters::new(words(ebpf, map::COUNTERS, counters)?, limits.counters),
            reasons: take(ebpf, map::REASONS)?.try_into()?,
            flows: take(ebpf, map::FLOWS)?.try_into()?,
            new_flows: take(ebpf, map::NEW_FLOWS)?.try_into()?,
            fragments: take(ebpf, map::FRAGMENTS)?.try_into()?,
            tunnels: words(ebpf, map::TUNNELS, limits.reals as usize * TUNNEL_WORDS)?,
            schedules: words(ebpf, map::SCHEDULES, object::POOLS as usize * SCHEDULE_WORDS)?,
            loads: words(ebpf, map::LOADS, limits.reals as usize * LOAD_WORDS)?,
            guards: take(ebpf, map::GUARDS)?.try_into()?,
            list_batches: Batches::new(ebpf, map::GUARD_LISTS)?,
            guard_lists: take(ebpf, map::GUARD_LISTS)?.try_into()?,
            peers: take(ebpf, map::PEERS)?.try_into()?,
            fences: Fences {
                leases: Leases::new(words(ebpf, map::LEASES, Leases::LENGTH)?),
                vips: take(ebpf, map::FENCES)?.try_into()?,
                own_macs: take(ebpf, map::OWN_MACS)?.try_into()?,
            },
            through: Through::new(take(ebpf, map::THROUGH)?.try_into()?),
            node: take(ebpf, map::NODE)?.try_into()?,
        };
        for (key, _) in maps.services()? {
            maps.fast.want(key);
        }
        Ok(maps)
    }

    /// All service entries.
    pub(super) fn services(&self) -> Result<Vec<(ServiceKey, Service)>, DataPlaneError> {
        Ok(self.services.iter().collect::<Result<_, _>>()?)
    }

    /// All VIPs.
    pub(super) fn vips(&self) -> Result<Vec<(Address, Vip)>, DataPlaneError> {
        Ok(self.vips.iter().collect::<Result<_, _>>()?)
    }

    /// Writes a service entry.
    pub(super) fn put_service(
        &mut self,
        key: ServiceKey,
        value: Service,
        now: Instant,
    ) -> Result<(), DataPlaneError> {
        self.fast.invalidate(&key, now);
        self.services.insert(key, value, 0)?;
        self.fast.want(key);
        Ok(())
    }

    /// Writes the one-line entries that wait, as far as they may be written.
    pub(super) fn fill_fast(&mut self, now: Instant) {
        let services = &self.services;
        self.fast.fill(now, |key| services.get(key, 0).ok());
    }

    /// When [`Maps::fill_fast`] has something to do again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.fast.next_deadline()
    }

    /// Removes a service entry.
    pub(super) fn remove_service(
        &mut self,
        key: ServiceKey,
        now: Instant,
    ) -> Result<(), DataPlaneError> {
        self.fast.invalidate(&key, now);
        Ok(self.services.remove(&key)?)
    }

    /// Writes a VIP.
    pub(super) fn put_vip(&mut self, address: Address, vip: Vip) -> Result<(), DataPlaneError> {
        Ok(self.vips.insert(address, vip, 0)?)
    }

    /// Removes a VIP.
    pub(super) fn remove_vip(&mut self, address: Address) -> Result<(), DataPlaneError> {
        Ok(self.vips.remove(&address)?)
    }

    /// Makes an interface a target of redirects.
    pub(super) fn put_device(&mut self, interface: u32) -> Result<(), DataPlaneError> {
        Ok(self.devices.insert(interface, interface, None, 0)?)
    }

    /// Replaces a real server.
    ///
    /// # Errors
    /// [`DataPlaneError::Links`]: its interface has no place.
    pub(super) fn put_real(&self, number: u32, entry: &RealEntry) -> Result<(), DataPlaneError> {
        let now = Instant::now();
        let link = entry.hop.map_or(Some(0), |hop| self.links.number_of(&hop, &self.reals, now));
        let link = link.ok_or(DataPlaneError::Links)?;
        let mac = entry.hop.map_or([0; 6], |hop| hop.destination_mac);
        self.set_real(number, Real::new(mac, entry.state, link).word(), now);
        Ok(())
    }

    /// A real server, with where its frames go.
    pub(super) fn real_entry(&self, number: u32) -> Option<RealEntry> {
        let real = self.real(number)?;
        let Link { source_mac, mtu, interface, vlan, .. } = self.links.get(real.link());
        let destination_mac = real.destination_mac;
        let hop = NextHop { interface, vlan, source_mac, destination_mac, mtu };
        Some(RealEntry { state: real.state(), hop: (real.link() != 0).then_some(hop) })
    }

    /// Copies a real server to another number.
    pub(super) fn copy_real(&self, from: u32, to: u32) {
        if let Some(word) = self.reals.get(from as usize) {
            self.set_real(to, word, Instant::now());
        }
    }

    /// Replaces the record of a real server; the link that it leaves rests from then on.
    fn set_real(&self, number: u32, word: u64, now: Instant) {
        let old = self.reals.get(number as usize);
        self.reals.set(number as usize, word);
        if let Some(old) = old {
            self.links.moved(Real::from_word(old).link(), Real::from_word(word).link(), now);
        }
    }

    /// Writes the numbers of a pool that do not change while packets read it: before its first ring.
    pub(super) fn put_pool_reals(&self, pool: u32, reals: u32, window: u32) {
        self.pools.set(pool as usize * POOL_WORDS + 2, u64_of(reals, window));
    }

    /// Notes that the pool's ring is being replaced.
    pub(super) fn put_pool_changed(&self, pool: u32) {
        self.pools.set(pool as usize * POOL_WORDS + 3, self.now());
    }

    /// Publishes the ring that new flows follow.
    pub(super) fn publish_current(&self, pool: u32, ring: RingRef) {
        self.pools.set(pool as usize * POOL_WORDS, ring_word(ring));
    }

    /// Publishes the ring that older flows follow.
    pub(super) fn publish_base(&self, pool: u32, ring: RingRef) {
        self.pools.set(pool as usize * POOL_WORDS + 1, ring_word(ring));
    }

    /// Writes the tunnel to a real server.
    pub(super) fn put_tunnel(&self, number: u32, tunnel: &Tunnel) {
        let at = number as usize * TUNNEL_WORDS;
        let [local, remote] = [tunnel.local.halves().0, tunnel.remote.halves().0];
        let [a, b] = tunnel.port.to_ne_bytes();
        let [c, d] = tunnel.mtu.to_ne_bytes();
        let [g, h] = tunnel.v6.to_ne_bytes();
        let last = u64::from_ne_bytes([a, b, c, d, 0, 0, g, h]);
        let words = remote.into_iter().chain(local).chain(tunnel.spread).chain([last]);
        for (index, word) in words.enumerate() {
            self.tunnels.set(at + index, word);
        }
    }

    /// The tunnel to a real server.
    pub(super) fn tunnel(&self, number: u32) -> Option<Tunnel> {
        let at = number as usize * TUNNEL_WORDS;
        let word = |index| self.tunnels.get(at + index);
        let [a, b, c, d, _, _, g, h] = word(6)?.to_ne_bytes();
        Some(Tunnel {
            remote: Address::from_halves(Halves([word(0)?, word(1)?])),
            local: Address::from_halves(Halves([word(2)?, word(3)?])),
            spread: [word(4)?, word(5)?],
            port: u16::from_ne_bytes([a, b]),
            mtu: u16::from_ne_bytes([c, d]),
            zero2: 0,
            v6: u16::from_ne_bytes([g, h]),
            zero: 0,
        })
    }

    /// Writes the weight of a real server; its connections stay.
    pub(super) fn put_weight(&self, number: u32, weight: u32) {
        self.loads.set(number as usize * LOAD_WORDS + 1, u64_of(weight, 0));
    }

    /// Writes the connections of a real server; its weight stays.
    pub(super) fn put_load(&self, number: u32, active: u32, inactive: u32) {
        self.loads.set(number as usize * LOAD_WORDS, u64_of(active, inactive));
    }

    /// Copies weight and connections.
    pub(super) fn copy_load(&self, from: u32, to: u32) {
        for word in 0..LOAD_WORDS {
            if let Some(value) = self.loads.get(from as usize * LOAD_WORDS + word) {
                self.loads.set(to as usize * LOAD_WORDS + word, value);
            }
        }
    }

    /// Writes how a pool gives out connections; whose turn it is stays.
    pub(super) fn put_schedule(&self, pool: u32, schedule: &Schedule) {
        let word = u64_of(schedule.rule, schedule.reals);
        self.schedules.set(pool as usize * SCHEDULE_WORDS + 1, word);
    }

    /// A guard.
    pub(super) fn guard(&self, number: u16) -> Option<Guard> {
        self.guards.get(&u32::from(number), 0).ok()
    }

    /// Writes a guard.
    pub(super) fn put_guard(&mut self, number: u16, guard: Guard) -> Result<(), DataPlaneError> {
        Ok(self.guards.set(u32::from(number), guard, 0)?)
    }

    /// The other directors.
    pub(super) fn peers(&self) -> Result<BTreeSet<[u8; 6]>, DataPlaneError> {
        let peers: Vec<u64> = self.peers.keys().collect::<Result<_, _>>()?;
        Ok(peers.into_iter().map(mac_of).collect())
    }

    /// Replaces the other directors.
    pub(super) fn set_peers(&mut self, peers: &BTreeSet<[u8; 6]>) -> Result<(), DataPlaneError> {
        for old in self.peers()?.difference(peers) {
            self.peers.remove(&number_of(*old))?;
        }
        for peer in peers {
            self.peers.insert(number_of(*peer), 1, 0)?;
        }
        Ok(())
    }

    /// What ICMP errors come from.
    pub(super) fn own(&self) -> Result<OwnAddresses, DataPlaneError> {
        let node = self.node.get(&0, 0)?;
        let (ipv4, ipv6) = (node.ipv4.to_ip(), node.ipv6.to_ip());
        Ok(OwnAddresses {
            ipv4: if let IpAddr::V4(address) = ipv4 { Some(address) } else { None },
            ipv6: match ipv6 {
                IpAddr::V6(address) if !address.is_unspecified() => Some(address),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            },
        })
    }

    /// Writes what ICMP errors come from.
    pub(super) fn set_own(&mut self, own: &OwnAddresses) -> Result<(), DataPlaneError> {
        let none = Address { bytes: [0; 16] };
        let ipv4 = own.ipv4.map_or(none, Address::from);
        let ipv6 = own.ipv6.map_or(none, Address::from);
        self.change_node(|node| Node { ipv4, ipv6, ..node })
    }

    /// Changes the entry of the director itself.
    pub(super) fn change_node(
        &mut self,
        change: impl FnOnce(Node) -> Node,
    ) -> Result<(), DataPlaneError> {
        let node = self.node.get(&0, 0)?;
        Ok(self.node.set(0, change(node), 0)?)
    }

    /// All prefixes of guard lists: list, prefix as the trie counts it, value.
    pub(super) fn prefixes(&self) -> Result<Vec<(Key<GuardList>, u32)>, DataPlaneError> {
        let Batch { keys, values } = self.list_batches.all(PREFIXES_A_CALL)?;
        Ok(keys.into_iter().zip(values).collect())
    }

    /// Writes a prefix of a list.
    pub(super) fn put_prefix(
        &mut self,
        key: &Key<GuardList>,
        value: u32,
    ) -> Result<(), DataPlaneError> {
        Ok(self.guard_lists.insert(key, value, 0)?)
    }

    /// Removes a prefix of a list.
    pub(super) fn remove_prefix(&mut self, key: &Key<GuardList>) -> Result<(), DataPlaneError> {
        Ok(self.guard_lists.remove(key)?)
    }

    /// All unconfirmed notes.
    pub(super) fn new_notes(&self) -> impl Iterator<Item = (FlowKey, Note)> {
        self.new_flows.iter().filter_map(Result::ok)
    }

    /// Writes ring words into a region.
    pub(super) fn put_ring(&self, offset: u32, words: &[u64]) {
        for (index, word) in (offset as usize..).zip(words) {
            self.rings.set(index, *word);
        }
    }

    /// The slots of a ring.
    pub(super) fn ring(&self, ring: RingRef) -> Vec<Slot> {
        let first = ring.first_word() as usize;
        let words = first..first + ring.words() as usize;
        unpack(ring, words.map_while(|index| self.rings.get(index))).collect()
    }

    /// Words in the arena.
    pub(super) const fn arena(&self) -> usize {
        self.rings.len()
    }

    /// All confirmed notes. They may change while they are read: what is evicted meanwhile is left out.
    pub(super) fn notes(&self) -> impl Iterator<Item = (FlowKey, Note)> {
        self.flows.iter().filter_map(Result::ok)
    }

    /// The counter of a reason, over all CPUs.
    pub(super) fn reason(&self, reason: Reason) -> Result<Counter, DataPlaneError> {
        let mut sum = Counter::default();
        for value in self.reasons.get(&(reason as u32), 0)?.iter() {
            sum += *value;
        }
        Ok(sum)
    }
}

fn ring_word(ring: RingRef) -> u64 {
    u64_of(ring.offset, ring.slots)
}

const fn u64_of(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// A MAC address as PEERS knows it: its bytes in order, the first one lowest.
pub(super) const fn number_of([a, b, c, d, e, f]: [u8; 6]) -> u64 {
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
}

const fn mac_of(number: u64) -> [u8; 6] {
    let [a, b, c, d, e, f, _, _] = number.to_le_bytes();
    [a, b, c, d, e, f]
}

fn halves(word: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = word.to_ne_bytes();
    (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]))
}

fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, DataPlaneError> {
    ebpf.take_map(name).ok_or(DataPlaneError::Missing(name))
}

/// Maps an array into memory. The handle may go: the mapping keeps the map alive.
fn words(ebpf: &mut Ebpf, name: &'static str, length: usize) -> Result<Words, DataPlaneError> {
    match take(ebpf, name)? {
        Map::Array(data) => Words::map(data.fd().as_fd(), length)
            .map_err(|error| DataPlaneError::Mmap { name, error }),
        _ => Err(DataPlaneError::Missing(name)),
    }
}
