//! How many slots a ring has: a prime, so that every step of a permutation reaches every slot.

/// The smallest ring.
pub const MIN_SLOTS: u32 = 1_021;
/// The largest ring a pool may ask for.
pub const MAX_SLOTS: u32 = 262_139;
/// The largest ring that is chosen without being asked for: 128 KiB, which stay in the L2 cache.
const DEFAULT_MAX: u32 = 65_537;
/// Slots for each real server: shares are exact to 1 %.
pub const SLOTS_PER_REAL: u32 = 100;

/// The size of a pool's ring where the configuration names none.
#[must_use]
pub fn default_size(reals: usize) -> u32 {
    let wanted = u32::try_from(reals).unwrap_or(u32::MAX).saturating_mul(SLOTS_PER_REAL);
    let mut size = wanted.clamp(MIN_SLOTS, DEFAULT_MAX);
    while !is_prime(size) {
        size += 1;
    }
    size
}

/// Trial division: rings have at most 18 bits.
#[must_use]
pub const fn is_prime(n: u32) -> bool {
    if n < 4 {
        return n >= 2;
    }
    if n.is_multiple_of(2) {
        return false;
    }
    let mut divisor = 3;
    while divisor * divisor <= n {
        if n.is_multiple_of(divisor) {
            return false;
        }
        divisor += 2;
    }
    true
}

const _: () = assert!(is_prime(MIN_SLOTS) && is_prime(MAX_SLOTS) && is_prime(DEFAULT_MAX));
