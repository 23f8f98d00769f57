//! Handles on the maps: what the agent writes and reads, typed.

use std::{collections::BTreeSet, net::IpAddr, os::fd::AsFd as _, time::Instant};

use aya::{
    Ebpf,
    maps::{
        Array, DevMapHash, HashMap, LpmTrie, Map, MapData, PerCpuArray, PerCpuValues, lpm_trie::Key,
    },
    util::nr_cpus,
};
use lb_common::{
    abi::{
        Address, Counter, Features, FlowKey, Fragment, FragmentKey, Guard, GuardAction, GuardList,
        Halves, Load, Node, Note, NoteState, Pool, Real, Reason, RingRef, Schedule, Service,
        ServiceKey, Slot, Tunnel, Vip, map,
    },
    flow_hash::HashKeys,
    verdict::Tables,
};

use super::{DataPlaneError, fast::Fast, mmap::Words, object};
use crate::{
    model::Limits,
    plan::{OwnAddresses, SILENCE},
};

const POOL_WORDS: usize = size_of::<Pool>() / 8;
const REAL_WORDS: usize = size_of::<Real>() / 8;
const TUNNEL_WORDS: usize = size_of::<Tunnel>() / 8;
const SCHEDULE_WORDS: usize = size_of::<Schedule>() / 8;
const LOAD_WORDS: usize = size_of::<Load>() / 8;

/// Every map of the program.
pub(super) struct Maps {
    keys: HashKeys,
    services: HashMap<MapData, ServiceKey, Service>,
    fast: Fast,
    vips: HashMap<MapData, Address, Vip>,
    pools: Words,
    rings: Words,
    reals: Words,
    devices: DevMapHash<MapData>,
    counters: PerCpuArray<MapData, Counter>,
    reasons: PerCpuArray<MapData, Counter>,
    flows: HashMap<MapData, FlowKey, Note>,
    new_flows: HashMap<MapData, FlowKey, Note>,
    fragments: HashMap<MapData, FragmentKey, Fragment>,
    tunnels: Words,
    schedules: Words,
    loads: Words,
    guards: Array<MapData, Guard>,
    guard_lists: LpmTrie<MapData, GuardList, u32>,
    peers: HashMap<MapData, u64, u32>,
    node: Array<MapData, Node>,
    cpus: usize,
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
        let reals = limits.reals as usize * REAL_WORDS;
        let mut maps = Self {
            keys,
            services: take(ebpf, map::SERVICES)?.try_into()?,
            fast: Fast::new(words(ebpf, map::FAST_SERVICES, Fast::LENGTH)?, keys, Instant::now()),
            vips: take(ebpf, map::VIPS)?.try_into()?,
            pools: words(ebpf, map::POOLS, pools)?,
            rings: words(ebpf, map::RINGS, rings)?,
            reals: words(ebpf, map::REALS, reals)?,
            devices: take(ebpf, map::DEVICES)?.try_into()?,
            counters: take(ebpf, map::COUNTERS)?.try_into()?,
            reasons: take(ebpf, map::REASONS)?.try_into()?,
            flows: take(ebpf, map::FLOWS)?.try_into()?,
            new_flows: take(ebpf, map::NEW_FLOWS)?.try_into()?,
            fragments: take(ebpf, map::FRAGMENTS)?.try_into()?,
            tunnels: words(ebpf, map::TUNNELS, limits.reals as usize * TUNNEL_WORDS)?,
            schedules: words(ebpf, map::SCHEDULES, object::POOLS as usize * SCHEDULE_WORDS)?,
            loads: words(ebpf, map::LOADS, limits.reals as usize * LOAD_WORDS)?,
            guards: take(ebpf, map::GUARDS)?.try_into()?,
            guard_lists: take(ebpf, map::GUARD_LISTS)?.try_into()?,
            peers: take(ebpf, map::PEERS)?.try_into()?,
            node: take(ebpf, map::NODE)?.try_into()?,
            cpus: nr_cpus().map_err(|(_, error)| DataPlaneError::Cpus(error))?,
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

    /// Replaces a real server word by word, in an order in which every mixture is right: the interface and
    /// the rest of the source address first, the destination last.
    pub(super) fn put_real(&self, number: u32, real: &Real) {
        let at = number as usize * REAL_WORDS;
        let words = real.words();
        for word in [2, 1, 0] {
            self.reals.set(at + word, words[word]);
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
    pub(super) fn prefixes(&self) -> impl Iterator<Item = (Key<GuardList>, u32)> {
        self.guard_lists.iter().filter_map(Result::ok)
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
    pub(super) fn put_ring(&self, offset: u32, words: impl Iterator<Item = u64>) {
        for (index, word) in (offset as usize..).zip(words) {
            self.rings.set(index, word);
        }
    }

    /// The slots of a ring.
    pub(super) fn ring(&self, ring: RingRef) -> Vec<Slot> {
        (0..ring.slots)
            .map_while(|slot| {
                let word = self.ring_word(ring.offset + slot / lb_common::abi::SLOTS_PER_WORD)?;
                Some(Slot::in_word(word, slot))
            })
            .collect()
    }

    /// Words in the arena.
    pub(super) const fn arena(&self) -> usize {
        self.rings.len()
    }

    /// All confirmed notes. They may change while they are read: what is evicted meanwhile is left out.
    pub(super) fn notes(&self) -> impl Iterator<Item = (FlowKey, Note)> {
        self.flows.iter().filter_map(Result::ok)
    }

    /// One counter, over all CPUs.
    pub(super) fn counter(&self, index: u32) -> Result<Counter, DataPlaneError> {
        Ok(sum(&self.counters.get(&index, 0)?))
    }

    /// Sets a counter to zero.
    pub(super) fn reset_counter(&mut self, index: u32) -> Result<(), DataPlaneError> {
        let zeros = PerCpuValues::try_from(vec![Counter::default(); self.cpus])
            .map_err(DataPlaneError::Cpus)?;
        Ok(self.counters.set(index, zeros, 0)?)
    }

    /// Copies a counter, CPU by CPU.
    pub(super) fn copy_counter(&mut self, from: u32, to: u32) -> Result<(), DataPlaneError> {
        let values = self.counters.get(&from, 0)?;
        Ok(self.counters.set(to, values, 0)?)
    }

    /// The counter of a reason, over all CPUs.
    pub(super) fn reason(&self, reason: Reason) -> Result<Counter, DataPlaneError> {
        Ok(sum(&self.reasons.get(&(reason as u32), 0)?))
    }
}

/// Reading alone: a decision made here (`lb trace`) leaves no note.
impl Tables for Maps {
    type Service = Service;

    fn keys(&self) -> HashKeys {
        self.keys
    }

    fn service(&self, key: &ServiceKey) -> Option<Service> {
        self.services.get(key, 0).ok()
    }

    fn vip(&self, address: &Address) -> Option<Vip> {
        self.vips.get(address, 0).ok()
    }

    fn pool(&self, number: u32) -> Option<Pool> {
        let at = number as usize * POOL_WORDS;
        let word = |index| self.pools.get(at + index).map(halves);
        let ((offset, slots), (base, base_slots), (reals, window)) = (word(0)?, word(1)?, word(2)?);
        Some(Pool {
            current: RingRef { offset, slots },
            base: RingRef { offset: base, slots: base_slots },
            reals,
            window,
            changed: self.pools.get(at + 3)?,
        })
    }

    fn ring_word(&self, index: u32) -> Option<u64> {
        self.rings.get(index as usize)
    }

    fn real(&self, number: u32) -> Option<Real> {
        let at = number as usize * REAL_WORDS;
        let word = |index| self.reals.get(at + index);
        Some(Real::from_words([word(0)?, word(1)?, word(2)?]))
    }

    fn now(&self) -> u64 {
        use nix::time::{ClockId, clock_gettime};
        // Tests say what time it is.
        if let Ok(Node { clock: clock @ 1.., .. }) = self.node.get(&0, 0) {
            return clock;
        }
        // CLOCK_MONOTONIC cannot fail on Linux; 0 would only make notes look young.
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
            let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
            seconds * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap_or(0)
        })
    }

    fn flow(&self, key: &FlowKey) -> Option<Note> {
        self.flows.get(key, 0).ok()
    }

    fn new_flow(&self, key: &FlowKey) -> Option<Note> {
        self.new_flows.get(key, 0).ok()
    }

    fn note_flow(&self, _: &FlowKey, _: &Note) {}

    fn note_new_flow(&self, _: &FlowKey, _: &Note) -> bool {
        true
    }

    fn forget_flow(&self, _: &FlowKey) {}

    fn forget_new_flow(&self, _: &FlowKey) {}

    fn features(&self) -> Features {
        // Everything: what is not configured is not found in the tables either.
        Features(u32::MAX)
    }

    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        self.fragments.get(key, 0).ok()
    }

    fn note_fragment(&self, _: &FragmentKey, _: u32) {}

    /// The lists alone: taking a token would change what packets find.
    fn admit(&self, service: &Service, client: &Halves, _: bool) -> Result<(), Reason> {
        let number = u32::from(service.guard);
        let Ok(guard) = self.guards.get(&number, 0) else { return Ok(()) };
        let address = Address::from_halves(*client);
        let look =
            |list| self.guard_lists.get(&Key::new(160, GuardList::new(list, address)), 0).ok();
        let look = |list| look(list).filter(|&said| said != SILENCE);
        let listed = if guard.has(Guard::LISTED) {
            look(number).or_else(|| look(GuardList::EVERY))
        } else {
            None
        };
        let denied = listed == Some(GuardAction::Deny as u32)
            || (listed.is_none() && guard.has(Guard::DENY));
        if denied { Err(Reason::Denied) } else { Ok(()) }
    }

    fn schedule(&self, pool: u32) -> Option<Schedule> {
        let at = pool as usize * SCHEDULE_WORDS;
        let (rule, reals) = halves(self.schedules.get(at + 1)?);
        Some(Schedule { turn: self.schedules.get(at)?, rule, reals })
    }

    fn turn(&self, pool: u32) -> u64 {
        self.schedule(pool).map_or(0, |schedule| schedule.turn)
    }

    fn load(&self, number: u32) -> Option<Load> {
        let at = number as usize * LOAD_WORDS;
        let (active, inactive) = halves(self.loads.get(at)?);
        let (weight, zero) = halves(self.loads.get(at + 1)?);
        Some(Load { active, inactive, weight, zero })
    }

    fn count(&self, _: u32, _: Option<NoteState>, _: Option<NoteState>) {}

    fn pick(&self, number: u32, pool: &Pool) -> Option<u16> {
        lb_common::schedule::pick(self, number, pool)
    }
}

fn sum(values: &PerCpuValues<Counter>) -> Counter {
    let mut sum = Counter::default();
    for value in values.iter() {
        sum += *value;
    }
    sum
}

fn ring_word(ring: RingRef) -> u64 {
    u64_of(ring.offset, ring.slots)
}

const fn u64_of(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// A MAC address as PEERS knows it: its bytes in order, the first one lowest.
const fn number_of([a, b, c, d, e, f]: [u8; 6]) -> u64 {
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
