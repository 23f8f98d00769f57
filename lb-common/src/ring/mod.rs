//! The ring: a pool's slots, each owned by a real server; the flow hash picks the slot.
//!
//! [`look`] is what a packet does. Under the feature `user`: [`size`] chooses how many slots, [`build`]
//! gives them to the configured real servers, [`substitute`] hands on those of real servers that take no
//! new flows, [`transition`] marks what a change has moved. All of it is a pure function of its arguments,
//! so that two directors with the same view compute the same ring.

#[cfg(any(test, feature = "user"))]
mod build;
#[cfg(any(test, feature = "user"))]
mod size;
#[cfg(any(test, feature = "user"))]
mod substitute;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "user"))]
mod transition;

#[cfg(any(test, feature = "user"))]
pub use {
    build::{Member, build},
    size::{MAX_SLOTS, MIN_SLOTS, SLOTS_PER_REAL, default_size, is_prime},
    substitute::substitute,
    transition::{pack, pack_in, transition, unpack},
};

use crate::{
    abi::{Reason, RingRef, Slot},
    verdict::Tables,
};

/// The slot of `hash` among `slots`: its upper half, scaled down. Each slot owns one interval of hashes.
#[inline(always)]
#[must_use]
pub const fn slot_of(hash: u64, slots: u32) -> u32 {
    (((hash >> 32) * slots as u64) >> 32) as u32
}

/// Looks `hash` up in a ring.
///
/// # Errors
/// [`Reason::NoReal`] for a ring without slots, [`Reason::Inconsistent`] for one outside the arena.
#[inline(always)]
pub fn look<T: Tables>(tables: &T, ring: RingRef, hash: u64) -> Result<(u32, Slot), Reason> {
    if ring.slots == 0 {
        return Err(Reason::NoReal);
    }
    let slot = slot_of(hash, ring.slots);
    Ok((slot, at(tables, ring, slot).ok_or(Reason::Inconsistent)?))
}

/// A slot of a ring; `None` for a ring outside the arena.
#[inline(always)]
pub fn at<T: Tables>(tables: &T, ring: RingRef, slot: u32) -> Option<Slot> {
    Some(ring.slot_in(tables.ring_word(ring.word_of(slot))?, slot))
}
