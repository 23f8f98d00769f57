//! The maps, and how the decision reads them. Sizes here are placeholders: the agent sets them when it
//! creates the maps (`[limits]` in the configuration).
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::{
    bindings::{BPF_ANY, BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    btf_maps::{Array, DevMapHash, HashMap, LruHashMap, PerCpuArray},
    helpers::generated::bpf_ktime_get_ns,
    macros::btf_map,
};
use core::ptr;
use lb_common::{
    abi::{
        self, Address, Counter, FastService, FlowKey, Note, Pool, Real, Reason, RingRef, Service,
        ServiceKey, Slots, Vip,
    },
    flow_hash::HashKeys,
    verdict::Tables,
};

const MMAPABLE: usize = BPF_F_MMAPABLE as usize;
const NO_PREALLOC: usize = BPF_F_NO_PREALLOC as usize;

#[btf_map]
static SERVICES: HashMap<ServiceKey, Service, 4096> = HashMap::new();
#[btf_map]
static FAST_SERVICES: Array<FastService, { abi::FAST_SERVICES as usize }, MMAPABLE> = Array::new();
#[btf_map]
static VIPS: HashMap<Address, Vip, 4096, NO_PREALLOC> = HashMap::new();
#[btf_map]
static POOLS: Array<Pool, 1024, MMAPABLE> = Array::new();
#[btf_map]
static RINGS: Array<Slots, 4096, MMAPABLE> = Array::new();
#[btf_map]
static REALS: Array<Real, 1024, MMAPABLE> = Array::new();
#[btf_map]
pub(crate) static DEVICES: DevMapHash<64> = DevMapHash::new();
#[btf_map]
static COUNTERS: PerCpuArray<Counter, 1024> = PerCpuArray::new();
#[btf_map]
static REASONS: PerCpuArray<Counter, { Reason::ALL.len() }> = PerCpuArray::new();
#[btf_map]
static FLOWS: LruHashMap<FlowKey, Note, 1024> = LruHashMap::new();
#[btf_map]
static NEW_FLOWS: LruHashMap<FlowKey, Note, 1024> = LruHashMap::new();

/// Set by the agent before the program is loaded.
#[unsafe(no_mangle)]
static HASH_KEYS: HashKeys = HashKeys { multipliers: [1; 3] };

/// This CPU's counter of a real server of a service.
#[inline(always)]
pub(crate) fn counter(index: u32) -> Option<*mut Counter> {
    COUNTERS.get_ptr_mut(index)
}

/// This CPU's counter of a reason.
#[inline(always)]
pub(crate) fn reason(reason: Reason) -> Option<*mut Counter> {
    REASONS.get_ptr_mut(reason as u32)
}

/// Adds a packet to a counter.
#[inline(always)]
pub(crate) fn count(counter: Option<*mut Counter>, bytes: usize) {
    if let Some(counter) = counter {
        // SAFETY: this CPU's own element, which lives as long as the map; XDP runs on it one at a time.
        unsafe {
            (*counter).packets += 1;
            (*counter).bytes += bytes as u64;
        }
    }
}

/// The maps as the decision sees them.
pub(crate) struct Maps;

impl Tables for Maps {
    type Service = &'static Service;

    #[inline(always)]
    fn keys(&self) -> HashKeys {
        // SAFETY: a static of this program. Volatile, because its value is not the one compiled in.
        unsafe { ptr::read_volatile(&raw const HASH_KEYS) }
    }

    #[inline(always)]
    fn service(&self, key: &ServiceKey) -> Option<&'static Service> {
        if let Some(service) = fast_service(key, self.keys().fast_place(key)) {
            return Some(service);
        }
        // SAFETY: the kernel gives an entry that is replaced to another only after this program has
        // returned, and the reference does not outlive it.
        SERVICES.get_ptr(key).map(|service| unsafe { &*service })
    }

    #[inline(always)]
    fn vip(&self, address: &Address) -> Option<Vip> {
        // SAFETY: as above.
        VIPS.get_ptr(address).map(|vip| unsafe { *vip })
    }

    #[inline(always)]
    fn pool(&self, number: u32) -> Option<Pool> {
        let pool = POOLS.get_ptr(number)?;
        // SAFETY: array elements live as long as the map. The agent stores single words meanwhile: each
        // is loaded once and whole.
        unsafe {
            Some(Pool {
                current: word(&raw const (*pool).current),
                base: word(&raw const (*pool).base),
                reals: ptr::read_volatile(&raw const (*pool).reals),
                window: ptr::read_volatile(&raw const (*pool).window),
                changed: ptr::read_volatile(&raw const (*pool).changed),
            })
        }
    }

    #[inline(always)]
    fn ring_word(&self, index: u32) -> Option<u64> {
        // SAFETY: as in `pool`.
        RINGS.get_ptr(index).map(|word| unsafe { ptr::read_volatile(word.cast()) })
    }

    #[inline(always)]
    fn real(&self, number: u32) -> Option<Real> {
        let words = REALS.get_ptr(number)?.cast::<u64>();
        // SAFETY: as in `pool`; a record has four words.
        unsafe {
            Some(Real::from_words([
                ptr::read_volatile(words),
                ptr::read_volatile(words.add(1)),
                ptr::read_volatile(words.add(2)),
            ]))
        }
    }

    #[inline(always)]
    fn now(&self) -> u64 {
        // SAFETY: a helper without arguments.
        unsafe { bpf_ktime_get_ns() }
    }

    #[inline(always)]
    fn flow(&self, key: &FlowKey) -> Option<Note> {
        // SAFETY: an evicted note may be reused while it is read; a torn note sends one packet of an
        // evicted flow to a real server of the same pool.
        FLOWS.get_ptr(key).map(|note| unsafe { *note })
    }

    #[inline(always)]
    fn new_flow(&self, key: &FlowKey) -> Option<Note> {
        // SAFETY: as in `flow`.
        NEW_FLOWS.get_ptr(key).map(|note| unsafe { *note })
    }

    #[inline(always)]
    fn note_flow(&self, key: &FlowKey, note: &Note) {
        // A table that cannot take the note leaves the flow to the next packet's decision.
        let _ = FLOWS.insert(key, note, u64::from(BPF_ANY));
    }

    #[inline(always)]
    fn note_new_flow(&self, key: &FlowKey, note: &Note) -> bool {
        NEW_FLOWS.insert(key, note, u64::from(BPF_ANY)).is_ok()
    }

    #[inline(always)]
    fn forget_flow(&self, key: &FlowKey) {
        let _ = FLOWS.remove(key);
    }

    #[inline(always)]
    fn forget_new_flow(&self, key: &FlowKey) {
        let _ = NEW_FLOWS.remove(key);
    }
}

/// The service of `key`, where it is at `place`.
#[inline(always)]
fn fast_service(key: &ServiceKey, place: u32) -> Option<&'static Service> {
    let entry = FAST_SERVICES.get_ptr(place)?;
    // SAFETY: array elements live as long as the map. The agent clears `used` and lets the entry rest
    // before it writes it again, so a packet that has seen `used` reads one service to the end.
    let (used, found) = unsafe { (ptr::read_volatile(&raw const (*entry).used), &*entry) };
    let same = found.key.address.halves() == key.address.halves()
        && found.key.port == key.port
        && found.key.protocol == key.protocol;
    if used == 1 && same { Some(&found.service) } else { None }
}

/// Loads a ring reference in one piece.
///
/// # Safety
/// `at` points to a live element of a map.
#[inline(always)]
unsafe fn word(at: *const RingRef) -> RingRef {
    // SAFETY: `RingRef` is one word, aligned like one (asserted in lb-common).
    let bytes = unsafe { ptr::read_volatile(at.cast::<u64>()) }.to_ne_bytes();
    let [a, b, c, d, e, f, g, h] = bytes;
    RingRef { offset: u32::from_ne_bytes([a, b, c, d]), slots: u32::from_ne_bytes([e, f, g, h]) }
}
