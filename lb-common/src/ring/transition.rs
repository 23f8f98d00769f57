//! What a change moves: the slots that have to be tracked until the window closes.

use crate::abi::{NO_REAL, RingRef, Slot, SlotWidth};

/// Marks the slots of `next` in which flows may be at different real servers.
///
/// A slot is tracked where `base`, the ring from before the window, names another real server for any of
/// its hashes, and where the ring that is in force now (`present`) tracks any of them: flows that began
/// since the window opened may be at any real server that the slot has had meanwhile. Rings may differ in
/// size.
#[must_use]
pub fn transition(base: &[u16], present: &[Slot], next: &[u16]) -> Vec<Slot> {
    (0_u32..)
        .zip(next)
        .map(|(slot, &real)| {
            // Where nobody served, there are no flows to look after.
            let moved = |&before: &u16| before != real && before != NO_REAL;
            let moved = shared(base, slot, next.len()).iter().any(moved);
            let tracked = shared(present, slot, next.len()).iter().any(|before| before.tracked());
            Slot::new(real, moved || tracked)
        })
        .collect()
}

/// The slots of `other` that have hashes in common with slot `slot` of a ring of `slots`. A ring without
/// slots has none in common with anything: nothing was served, so nothing can have moved.
fn shared<T>(other: &[T], slot: u32, slots: usize) -> &[T] {
    if other.len() == slots {
        return &other[slot as usize..=slot as usize];
    }
    let (slots, others) = (slots as u64, other.len() as u64);
    // Slot s owns the upper halves h with s <= h * slots / 2^32 < s + 1.
    let first = (u64::from(slot) << 32).div_ceil(slots);
    let last = ((u64::from(slot) + 1) << 32).div_ceil(slots) - 1;
    let scale = |hash: u64| ((hash * others) >> 32) as usize;
    if other.is_empty() { other } else { &other[scale(first)..=scale(last)] }
}

/// Slots as the words of the arena, of the smallest width that they fit. What is left of the last word belongs to
/// nobody.
#[must_use]
pub fn pack(slots: &[Slot]) -> (SlotWidth, Vec<u64>) {
    SlotWidth::ALL
        .into_iter()
        .find_map(|width| Some((width, pack_in(slots, width)?)))
        .unwrap_or((SlotWidth::Sixteen, Vec::new()))
}

/// The same with slots of that width; `None` where they do not fit.
#[must_use]
pub fn pack_in(slots: &[Slot], width: SlotWidth) -> Option<Vec<u64>> {
    let slots: Vec<_> = slots.iter().map(|slot| slot.narrow(width)).collect::<Option<_>>()?;
    Some(words(&slots, width))
}

/// The slots of a ring whose words begin at the first of `words`: what [`pack`] was given.
pub fn unpack(ring: RingRef, words: impl Iterator<Item = u64>) -> impl Iterator<Item = Slot> {
    let slots = move |word| (0..ring.width().in_word()).map(move |slot| ring.slot_in(word, slot));
    words.flat_map(slots).take(ring.slots as usize)
}

/// So many slots in each word, the first one lowest.
fn words(slots: &[u64], width: SlotWidth) -> Vec<u64> {
    let lanes = || (0_u32..).map(|lane| lane * width.bits());
    let word = |chunk: &[u64]| lanes().zip(chunk).fold(0, |word, (lane, slot)| word | slot << lane);
    slots.chunks(width.in_word() as usize).map(word).collect()
}
