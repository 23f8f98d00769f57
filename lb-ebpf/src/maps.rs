//! The maps, and how the decision reads them. Sizes here are placeholders: the agent sets them when it
//! creates the maps (`[limits]` in the configuration).
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    btf_maps::{Array, DevMapHash, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf},
    helpers::generated::bpf_get_smp_processor_id,
    macros::btf_map,
};
use core::ptr;
use lb_common::{
    abi::{
        self, Address, Bucket, Counter, FastService, Features, FenceKey, FlowKey, Fragment,
        FragmentKey, Guard, GuardList, Lease, Link, Load, Node, Note, Pool, Real, Reason, Schedule,
        Service, ServiceKey, Slots, SourceKey, ThroughKey, Tunnel, Turn, Vip,
    },
    flow_hash::HashKeys,
    track::{FLOW_SETS, FlowSet, Room},
};

const MMAPABLE: usize = BPF_F_MMAPABLE as usize;
const NO_PREALLOC: usize = BPF_F_NO_PREALLOC as usize;

#[btf_map]
pub(crate) static SERVICES: HashMap<ServiceKey, Service, 4096> = HashMap::new();
#[btf_map]
pub(crate) static FAST_SERVICES: Array<FastService, { abi::FAST_SERVICES as usize }, MMAPABLE> =
    Array::new();
#[btf_map]
pub(crate) static VIPS: HashMap<Address, Vip, 4096, NO_PREALLOC> = HashMap::new();
#[btf_map]
pub(crate) static POOLS: Array<Pool, 1024, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static RINGS: Array<Slots, 4096, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static REALS: Array<Real, 1024, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static LINKS: Array<Link, { abi::LINKS as usize }, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static DEVICES: DevMapHash<64> = DevMapHash::new();
#[btf_map]
static COUNTERS: Array<Counter, 1024, MMAPABLE> = Array::new();
#[btf_map]
static REASONS: PerCpuArray<Counter, { Reason::ALL.len() }> = PerCpuArray::new();
#[btf_map]
pub(crate) static FLOWS: LruHashMap<FlowKey, Note, 1024> = LruHashMap::new();
#[btf_map]
pub(crate) static NEW_FLOWS: LruHashMap<FlowKey, Note, 1024> = LruHashMap::new();
#[btf_map]
pub(crate) static FAST_FLOWS: Array<FlowSet, { FLOW_SETS as usize }> = Array::new();

#[btf_map]
pub(crate) static FRAGMENTS: LruHashMap<FragmentKey, Fragment, 1024> = LruHashMap::new();
#[btf_map]
pub(crate) static TUNNELS: Array<Tunnel, 1024, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static SCHEDULES: Array<Schedule, 1024, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static LOADS: Array<Load, 1024, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static GUARDS: Array<Guard, 64> = Array::new();
#[btf_map]
pub(crate) static GUARD_LISTS: LpmTrie<GuardList, u32, 1024> = LpmTrie::new();
#[btf_map]
pub(crate) static GUARD_SOURCES: LruHashMap<SourceKey, Bucket, 1024> = LruHashMap::new();
#[btf_map]
pub(crate) static PEERS: HashMap<u64, u32, { abi::PEERS as usize }, NO_PREALLOC> = HashMap::new();
#[btf_map]
pub(crate) static LEASES: Array<Lease, { abi::LEASES as usize }, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static FENCES: HashMap<FenceKey, u32, { abi::FENCES as usize }, NO_PREALLOC> =
    HashMap::new();
#[btf_map]
pub(crate) static OWN_MACS: HashMap<u64, u32, { abi::OWN_MACS as usize }, NO_PREALLOC> =
    HashMap::new();
#[btf_map]
static THROUGH: HashMap<ThroughKey, Turn, { abi::THROUGH as usize }, NO_PREALLOC> = HashMap::new();
#[btf_map]
static NODE: Array<Node, 1> = Array::new();
#[btf_map]
pub(crate) static ANSWERS: PerCpuArray<Bucket, 1> = PerCpuArray::new();
#[btf_map]
pub(crate) static CAPTURE: RingBuf<(), 4096> = RingBuf::new();
#[btf_map]
pub(crate) static CAPTURE_ROOM: PerCpuArray<[u8; abi::CAPTURE_ROOM], 1> = PerCpuArray::new();

#[btf_map]
pub(crate) static ROOM: PerCpuArray<Room, 1> = PerCpuArray::new();

/// Set by the agent before the program is loaded.
#[unsafe(no_mangle)]
static HASH_KEYS: HashKeys = HashKeys { multipliers: [1; 3] };
/// Set by the agent before the program is loaded: what is not set, the verifier removes.
#[unsafe(no_mangle)]
static FEATURES: Features = Features(0);
/// Set by the agent before the program is loaded: how many counters each CPU has.
#[unsafe(no_mangle)]
static COUNTERS_A_CPU: u32 = 0;
/// Set by the agent before the program is loaded: nanoseconds of a tick of the kernel's clock.
#[unsafe(no_mangle)]
static TICK: u64 = 1;

/// The cluster's secret.
#[inline(always)]
pub(crate) fn keys() -> HashKeys {
    // SAFETY: a static of this program. Volatile, because its value is not the one compiled in.
    unsafe { ptr::read_volatile(&raw const HASH_KEYS) }
}

/// What is in use.
#[inline(always)]
pub(crate) fn features() -> Features {
    // SAFETY: as in `keys`.
    Features(unsafe { ptr::read_volatile((&raw const FEATURES).cast()) })
}

/// Nanoseconds of a tick of the kernel's clock.
#[inline(always)]
pub(crate) fn tick() -> u64 {
    // SAFETY: as in `keys`.
    unsafe { ptr::read_volatile(&raw const TICK) }
}

/// The tunnel to a real server.
#[inline(always)]
pub(crate) fn tunnel(entry: u32) -> Option<&'static Tunnel> {
    // SAFETY: array elements live as long as the map, and are not changed while packets use them.
    TUNNELS.get_ptr(entry).map(|tunnel| unsafe { &*tunnel })
}

/// What becomes of a packet of a check through a VIP.
#[inline(always)]
pub(crate) fn turn(key: &ThroughKey) -> Option<&'static Turn> {
    // SAFETY: an element is not reused before the programs that run have ended, and never changed.
    THROUGH.get_ptr(*key).map(|turn| unsafe { &*turn })
}

/// True for the MAC address of another director.
#[inline(always)]
pub(crate) fn is_peer(mac: u64) -> bool {
    PEERS.get_ptr(mac).is_some()
}

/// The director itself.
#[inline(always)]
pub(crate) fn node() -> Option<&'static Node> {
    // SAFETY: array elements live as long as the map; the agent replaces plain numbers in it.
    NODE.get_ptr(0).map(|node| unsafe { &*node })
}

/// This CPU's counter of a real server of a service. Each CPU has a part of one plain array: a per-CPU array
/// costs one more load, and the agent could not read it without a system call for each counter.
#[inline(always)]
pub(crate) fn counter(index: u32) -> Option<*mut Counter> {
    // SAFETY: a helper without arguments; a static of this program, as in `keys`.
    let (cpu, each) =
        unsafe { (bpf_get_smp_processor_id(), ptr::read_volatile(&raw const COUNTERS_A_CPU)) };
    COUNTERS.get_ptr_mut(cpu.wrapping_mul(each).wrapping_add(index))
}

/// This CPU's counter of a reason.
#[inline(always)]
pub(crate) fn reason(reason: Reason) -> Option<*mut Counter> {
    REASONS.get_ptr_mut(reason as u32)
}

/// Adds a packet to a counter; `new` where it begins a connection.
#[inline(always)]
pub(crate) fn count(counter: Option<*mut Counter>, bytes: usize, new: bool) {
    if let Some(counter) = counter {
        // SAFETY: this CPU's own element, which lives as long as the map; XDP runs on it one at a time.
        unsafe {
            (*counter).packets += 1;
            (*counter).bytes += bytes as u64;
            if new {
                (*counter).connections += 1;
            }
        }
    }
}
