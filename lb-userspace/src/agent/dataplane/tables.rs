//! Handles on the maps: what the agent writes and reads, typed.

use std::{os::fd::AsFd as _, time::Instant};

use aya::{
    Ebpf,
    maps::{
        Array, DevMapHash, HashMap, LpmTrie, Map, MapData, PerCpuArray, PerCpuValues, lpm_trie::Key,
    },
    util::nr_cpus,
};
use lb_common::{
    abi::{
        Address, Bucket, Counter, Features, FlowKey, Fragment, FragmentKey, Guard, GuardAction,
        GuardList, Halves, Load, Node, Note, NoteState, Pool, Real, Reason, RingRef, Schedule,
        Service, ServiceKey, Slot, Tunnel, Vip, map,
    },
    flow_hash::HashKeys,
    verdict::Tables,
};

use super::{DataPlaneError, fast::Fast, mmap::Words, object};
use crate::model::Limits;

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
        let [a, b, c, d] = reals.to_ne_bytes();
        let [e, f, g, h] = window.to_ne_bytes();
        let word = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        self.pools.set(pool as usize * POOL_WORDS + 2, word);
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

    fn note_fragment(&self, _: &FragmentKey, _: &Fragment) {}

    /// The lists alone: taking a token would change what packets find.
    fn admit(&self, service: &Service, client: &Halves, _: bool) -> Result<(), Reason> {
        let number = u32::from(service.guard);
        let Ok(guard) = self.guards.get(&number, 0) else { return Ok(()) };
        let address = Address::from_halves(*client);
        let look =
            |list| self.guard_lists.get(&Key::new(160, GuardList::new(list, address)), 0).ok();
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
    let ([a, b, c, d], [e, f, g, h]) = (ring.offset.to_ne_bytes(), ring.slots.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
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
