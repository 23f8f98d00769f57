//! Slots whose real server takes no new flows are lent to others, slot by slot.

use crate::{abi::NO_REAL, flow_hash::split_mix};

/// Draws before a slot gives up on finding a real server by chance: with one in a hundred left, one slot in
/// 30,000.
const DRAWS: u64 = 1_024;

/// The ring with every slot of an unavailable real server lent to an available one.
///
/// A slot asks other slots of the *configured* ring, in an order of its own, and takes the first owner that
/// is available. So lenders share by weight, a slot whose owner is available never changes, and two
/// directors with different views differ only in slots that one of them sees differently.
#[must_use]
pub fn substitute(ring: &[u16], available: impl Fn(u16) -> bool) -> Vec<u16> {
    // Asked once a real server, not once a slot.
    let highest = ring.iter().copied().filter(|&number| number != NO_REAL).max();
    let open: Vec<_> = (0..=highest.unwrap_or(0)).map(available).collect();
    let open = |number: u16| open.get(usize::from(number)).is_some_and(|open| *open);
    let lenders: Vec<u16> = ring.iter().copied().filter(|&number| open(number)).collect();
    if lenders.len() == ring.len() {
        return ring.to_vec();
    }
    if lenders.is_empty() {
        return vec![NO_REAL; ring.len()];
    }
    let borrow = |slot: u64| {
        (0..DRAWS)
            .map(|draw| ring[pick(slot, draw, ring.len())])
            .find(|&number| open(number))
            .unwrap_or_else(|| lenders[pick(slot, DRAWS, lenders.len())])
    };
    (0_u64..)
        .zip(ring)
        .map(|(slot, &number)| if open(number) { number } else { borrow(slot) })
        .collect()
}

/// The `draw`th number of a slot, below `range`.
fn pick(slot: u64, draw: u64, range: usize) -> usize {
    let hash = split_mix((slot << 16 | draw).wrapping_add(0x9e37_79b9_7f4a_7c15)) >> 32;
    ((hash * range as u64) >> 32) as usize
}
