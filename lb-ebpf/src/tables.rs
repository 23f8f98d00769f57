//! The maps as the decision reads them.
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::{bindings::BPF_ANY, helpers::generated::bpf_ktime_get_ns};
use core::ptr;
use lb_common::{
    abi::{
        Address, Features, FlowKey, Fragment, FragmentKey, Halves, Load, Note, NoteState, Pool,
        Real, Reason, RingRef, Schedule, Service, ServiceKey, Vip,
    },
    flow_hash::HashKeys,
    verdict::Tables,
};

use crate::{
    guard,
    maps::{
        self, FAST_SERVICES, FLOWS, FRAGMENTS, LOADS, NEW_FLOWS, POOLS, REALS, RINGS, SCHEDULES,
        SERVICES, VIPS,
    },
    schedule,
};

/// The maps as the decision sees them.
pub(crate) struct Maps;

impl Tables for Maps {
    type Service = &'static Service;

    #[inline(always)]
    fn keys(&self) -> HashKeys {
        maps::keys()
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
        if maps::features().has(Features::CLOCK) {
            return maps::node().map_or(0, |node| node.clock);
        }
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

    #[inline(always)]
    fn features(&self) -> Features {
        maps::features()
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        // SAFETY: as in `flow`.
        FRAGMENTS.get_ptr(key).map(|fragment| unsafe { *fragment })
    }

    #[inline(always)]
    fn note_fragment(&self, key: &FragmentKey, fragment: &Fragment) {
        // Without the note, its later fragments are dropped and counted.
        let _ = FRAGMENTS.insert(key, fragment, u64::from(BPF_ANY));
    }

    #[inline(always)]
    fn admit(&self, service: &Service, client: &Halves, new: bool) -> Result<(), Reason> {
        match guard::admit(u32::from(service.guard), client, u32::from(new)) {
            guard::ADMITTED => Ok(()),
            guard::DENIED => Err(Reason::Denied),
            guard::SERVICE_RATE => Err(Reason::ServiceRate),
            _ => Err(Reason::SourceRate),
        }
    }

    #[inline(always)]
    fn schedule(&self, pool: u32) -> Option<Schedule> {
        // SAFETY: array elements live as long as the map; any mixture of old and new numbers is a schedule.
        SCHEDULES.get_ptr(pool).map(|schedule| unsafe { *schedule })
    }

    #[inline(always)]
    fn turn(&self, pool: u32) -> u64 {
        schedule::turn(pool)
    }

    #[inline(always)]
    fn load(&self, number: u32) -> Option<Load> {
        // SAFETY: as in `schedule`.
        LOADS.get_ptr(number).map(|load| unsafe { *load })
    }

    #[inline(always)]
    fn count(&self, number: u32, from: Option<NoteState>, to: Option<NoteState>) {
        schedule::count(number, from, to);
    }

    #[inline(always)]
    fn pick(&self, number: u32, pool: &Pool) -> Option<u16> {
        schedule::pick(number, pool)
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
