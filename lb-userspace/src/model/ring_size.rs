//! The number of slots that a configuration may ask for a pool's ring.

use lb_common::ring::{MAX_SLOTS, MIN_SLOTS, is_prime};

/// Why a number is not the size of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingSizeError {
    /// Outside the allowed range.
    #[error("ring size {0} is out of range: it is a prime from {MIN_SLOTS} to {MAX_SLOTS}")]
    Range(i128),
    /// In range, but with divisors.
    #[error("ring size {size} is not a prime: the nearest are {below} and {above}")]
    NotPrime {
        /// The number given.
        size: u32,
        /// The next smaller prime.
        below: u32,
        /// The next larger prime.
        above: u32,
    },
}

/// Checks that a number can be the size of a ring: a prime from 1021 to 262139.
pub fn check_ring_size(value: impl Into<i128>) -> Result<u32, RingSizeError> {
    let value = value.into();
    let size = u32::try_from(value)
        .ok()
        .filter(|size| (MIN_SLOTS..=MAX_SLOTS).contains(size))
        .ok_or(RingSizeError::Range(value))?;
    if is_prime(size) {
        return Ok(size);
    }
    // Both ends of the range are primes, so there is one on either side.
    let below = (MIN_SLOTS..size).rev().find(|&n| is_prime(n)).unwrap_or(MIN_SLOTS);
    let above = (size..=MAX_SLOTS).find(|&n| is_prime(n)).unwrap_or(MAX_SLOTS);
    Err(RingSizeError::NotPrime { size, below, above })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for good in [1_021, 65_537, 262_139] {
            assert_eq!(check_ring_size(good), Ok(good));
        }
        for bad in [-1, 0, 1_020, 262_140, i128::MAX] {
            assert_eq!(check_ring_size(bad), Err(RingSizeError::Range(bad)));
        }
        assert_eq!(
            check_ring_size(65_536).unwrap_err().to_string(),
            "ring size 65536 is not a prime: the nearest are 65521 and 65537"
        );
    }
}
