//! The maps as the decision reads them.
#![expect(
    clippy::needless_borrows_for_generic_args,
    reason = "what is not borrowed is copied to a stack that has no room for it"
)]
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::{
    bindings::BPF_ANY,
    helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns},
};
use core::ptr;
use lb_common::{
    abi::{
        Address, Features, FlowKey, Fragment, FragmentKey, Halves, Link, Load, Note, NoteState,
        Pool, Real, Reason, RingRef, Schedule, Service, ServiceKey, Vip,
    },
    flow_hash::HashKeys,
    schedule::Search,
    track::{self, FlowSet, Lately, Tracked, Way},
    verdict::{self, Tables},
};

use crate::{
    guard,
    maps::{
        self, FAST_FLOWS, FAST_SERVICES, FLOWS, FRAGMENTS, LINKS, LOADS, NEW_FLOWS, POOLS, REALS,
        RINGS, SCHEDULES, SERVICES, VIPS,
    },
    room, schedule,
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
        room::service(key)?;
        slow_service(0)
    }

    #[inline(always)]
    fn vip(&self, address: &Address) -> Option<Vip> {
        // SAFETY: as in `slow_service`.
        VIPS.get_ptr(&room::service(&ServiceKey::new(*address, 0, 0))?.address)
            .map(|vip| unsafe { *vip })
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
        let word = REALS.get_ptr(number)?.cast::<u64>();
        // SAFETY: as in `pool`; a record is one word.
        Some(Real::from_word(unsafe { ptr::read_volatile(word) }))
    }

    #[inline(always)]
    fn link(&self, number: u16) -> Option<Link> {
        let words = LINKS.get_ptr(u32::from(number))?.cast::<[u64; 2]>();
        // SAFETY: as in `pool`; a record has two words.
        Some(Link::from_words(unsafe { *words }))
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
        FLOWS.get_ptr(room::flow(key)?).map(|note| unsafe { *note })
    }

    #[inline(always)]
    fn new_flow(&self, key: &FlowKey) -> Option<Note> {
        // SAFETY: as in `flow`.
        NEW_FLOWS.get_ptr(room::flow(key)?).map(|note| unsafe { *note })
    }

    #[inline(always)]
    fn note_flow(&self, key: &FlowKey, note: &Note) {
        let Some((key, note)) = room::note(key, note) else { return };
        if let Some(known) = FLOWS.get_ptr_mut(key) {
            // SAFETY: as in `flow`. The real server of a note is never changed in place: should the entry be given
            // to another flow at this moment, that one goes on where it is, and has been seen now.
            unsafe {
                if (*known).window == note.window && (*known).real == note.real {
                    // Much cheaper than an insertion, which takes a new entry from the table's list.
                    (*known).seen = note.seen;
                    // That a client was seen again is not forgotten with its next connection.
                    let goes_on = (*known).state == NoteState::Confirmed as u8;
                    (*known).again = if goes_on { (*known).again | note.again } else { note.again };
                    (*known).state = note.state;
                    return;
                }
            }
        }
        // A table that cannot take the note leaves the flow to the next packet's decision.
        let _ = FLOWS.insert(key, note, u64::from(BPF_ANY));
    }

    #[inline(always)]
    fn note_new_flow(&self, key: &FlowKey, note: &Note) -> bool {
        room::note(key, note)
            .is_some_and(|(key, note)| NEW_FLOWS.insert(key, note, u64::from(BPF_ANY)).is_ok())
    }

    #[inline(always)]
    fn forget_flow(&self, key: &FlowKey) {
        let _ = room::flow(key).map(|key| FLOWS.remove(key));
    }

    #[inline(always)]
    fn forget_new_flow(&self, key: &FlowKey) {
        let _ = room::flow(key).map(|key| NEW_FLOWS.remove(key));
    }

    #[inline(always)]
    fn lately(&self, hash: u64) -> Option<Lately> {
        flow_set(hash)?.get(hash)
    }

    #[inline(always)]
    fn put_lately(&self, hash: u64, lately: Lately) {
        if let Some(set) = flow_set(hash) {
            set.put(hash, lately, self.ticks());
        }
    }

    #[inline(always)]
    fn forget_lately(&self, hash: u64) {
        if let Some(set) = flow_set(hash) {
            set.remove(hash);
        }
    }

    #[inline(always)]
    fn ticks(&self) -> u64 {
        if maps::features().has(Features::CLOCK) {
            return self.now().checked_div(self.tick()).unwrap_or(0);
        }
        // SAFETY: a helper without arguments; on x86-64 the verifier puts a load in its place.
        unsafe { bpf_jiffies64() }
    }

    #[inline(always)]
    fn tick(&self) -> u64 {
        maps::tick()
    }

    #[inline(always)]
    fn features(&self) -> Features {
        maps::features()
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        // SAFETY: as in `flow`.
        FRAGMENTS.get_ptr(room::fragment(key)?).map(|fragment| unsafe { *fragment })
    }

    #[inline(always)]
    fn note_fragment(&self, key: &FragmentKey, ports: u32) {
        if room::fragment(key).is_some() {
            note_ports(0, ports);
        }
    }

    #[inline(always)]
    fn ports(&self, key: &FragmentKey) -> Result<u32, Reason> {
        let known = room::fragment(key).map_or(PORTS_UNKNOWN, |_| find_ports(0));
        match known {
            PORTS_UNKNOWN => Err(Reason::Fragment),
            NOT_A_VIP => Err(Reason::PassFragment),
            #[expect(clippy::cast_possible_truncation, reason = "anything else is two ports")]
            ports => Ok(ports as u32),
        }
    }

    #[inline(always)]
    fn admit(&self, service: &Service, client: &Halves, new: bool) -> Result<(), Reason> {
        let Halves([high, low]) = *client;
        match guard::admit_packet(u32::from(service.guard), high, low, u32::from(new)) {
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
    fn track(&self, packet: Tracked) -> Way {
        if room::tracked(packet).is_none() {
            return Way::LOST;
        }
        let way = track_packet(0);
        let number = room::of(0).and_then(|room| room.tracked.wants());
        let Some(number) = number.filter(|_| maps::features().has(Features::COUNTING)) else {
            return Way(way);
        };
        let picked = schedule::pick(number);
        if let Some(room) = room::of(0) {
            room.tracked.give(picked);
        }
        Way(track_packet(0))
    }

    #[inline(always)]
    fn search(&self, search: &mut Search, reals: u32) {
        schedule::search(search, reals);
    }

    #[inline(always)]
    fn pick(&self, number: u32, _: &Pool) -> Option<u16> {
        schedule::pick(number)
    }
}

/// Where a flow stands, if it was seen lately.
#[inline(always)]
fn flow_set(hash: u64) -> Option<&'static FlowSet> {
    // SAFETY: array elements live as long as the map, and nobody writes them but by atomic stores.
    FAST_FLOWS.get_ptr(FlowSet::place(hash)).map(|set| unsafe { &*set })
}

/// What [`find_ports`] says where it knows none.
const PORTS_UNKNOWN: u64 = 1 << 32;
const NOT_A_VIP: u64 = 2 << 32;

/// A global function of the program: the ports of the fragment in the room.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn find_ports(room: u32) -> u64 {
    let Some(room) = room::of(room) else { return PORTS_UNKNOWN };
    match verdict::ports(&Maps, &room.fragment) {
        Ok(ports) => u64::from(ports),
        Err(Reason::PassFragment) => NOT_A_VIP,
        Err(_) => PORTS_UNKNOWN,
    }
}

/// A global function of the program: notes the ports of the fragment in the room.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn note_ports(room: u32, ports: u32) -> u32 {
    let fragment = Fragment { seen: Maps.now(), ports, zero: 0 };
    room::of(room).map_or(0, |room| {
        // Without the note, its later fragments are dropped and counted.
        u32::from(FRAGMENTS.insert(&room.fragment, &fragment, u64::from(BPF_ANY)).is_ok())
    })
}

/// The service of the key in the room, by the map that has them all.
#[inline(never)]
fn slow_service(room: u32) -> Option<&'static Service> {
    // SAFETY: the kernel gives an entry that is replaced to another only after this program has
    // returned, and the reference does not outlive it.
    SERVICES.get_ptr(&room::of(room)?.service).map(|service| unsafe { &*service })
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

/// A global function of the program: the verifier looks at it once, not once for every way to get here.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn track_packet(room: u32) -> u32 {
    room::of(room).map_or(Way::LOST, |room| track::track(&Maps, &room.tracked, &room.known)).0
}
