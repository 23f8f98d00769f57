//! The guard of a service: lists, then rates.
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::{bindings::BPF_ANY, btf_maps::lpm_trie::Key};
use lb_common::{
    abi::{Address, Bucket, Guard, GuardAction, GuardList, Halves, SourceKey},
    verdict::Tables as _,
};

use crate::{
    maps::{GUARD_LISTS, GUARD_SOURCES, GUARDS},
    tables::Maps,
};

/// The packet comes in.
pub(crate) const ADMITTED: u32 = 0;
/// The client is on a deny list, or on no allow list.
pub(crate) const DENIED: u32 = 1;
/// Too many new connections for the service.
pub(crate) const SERVICE_RATE: u32 = 2;
/// Too many new connections from its source.
pub(crate) const SOURCE_RATE: u32 = 3;

/// Asks the guard `number` about a packet of the client with these halves of an address; `new` is 1 where it
/// begins a connection. A global function of the program: the verifier looks at it once.
#[inline(never)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn admit_packet(number: u32, high: u64, low: u64, new: u32) -> u32 {
    let client = &Halves([high, low]);
    let Some(at) = GUARDS.get_ptr_mut(number) else { return ADMITTED };
    // SAFETY: array elements live as long as the map; any mixture of old and new numbers is a guard.
    let guard = unsafe { *at };
    let mut listed = 0;
    if guard.has(Guard::LISTED) {
        let address = Address::from_halves(*client);
        listed = look(number, address);
        if listed == 0 {
            listed = look(GuardList::EVERY, address);
        }
    }
    if listed == GuardAction::Deny as u32 || (listed == 0 && guard.has(Guard::DENY)) {
        return DENIED;
    }
    if new == 0 {
        return ADMITTED;
    }
    let now = Maps.now();
    // The source first: what it may not do must not use up what the service takes.
    if guard.source_interval != 0 && listed == 0 && !source(number, &guard, client, now) {
        return SOURCE_RATE;
    }
    if guard.interval == 0 {
        return ADMITTED;
    }
    match guard.bucket.take(now, guard.interval, guard.tolerance) {
        Some(bucket) => {
            // SAFETY: as above; the bucket is one word.
            unsafe { (*at).bucket = bucket };
            ADMITTED
        }
        None => SERVICE_RATE,
    }
}

/// What a list says of an address; 0 for nothing.
#[inline(always)]
pub(crate) fn look(list: u32, address: Address) -> u32 {
    let key = Key::new(GuardList::LIST_BITS + 128, GuardList::new(list, address));
    GUARD_LISTS.get(&key).copied().unwrap_or(0)
}

/// Takes a token of the client's source.
#[inline(always)]
fn source(number: u32, guard: &Guard, client: &Halves, now: u64) -> bool {
    let Halves([high, low]) = *client;
    let mask = guard.source_mask;
    let masked = Halves([high & u64::from_le(mask[0]), low & u64::from_le(mask[1])]);
    let key = SourceKey { guard: number, source: Address::from_halves(masked) };
    // SAFETY: an evicted bucket may be reused while it is read; the worst is one connection more or less.
    let bucket = GUARD_SOURCES.get_ptr(key).map_or(Bucket::default(), |bucket| unsafe { *bucket });
    match bucket.take(now, guard.source_interval, guard.source_tolerance) {
        Some(next) => {
            let _ = GUARD_SOURCES.insert(key, next, u64::from(BPF_ANY));
            true
        }
        None => false,
    }
}
