//! What a tracker counts for.

use std::fmt;

/// -253 to 253. Zero: what it says is all or nothing; positive: added while it is up; negative: taken away while
/// it is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackWeight(i16);

/// The number is not a [`TrackWeight`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "weight {0} is out of range: write 1 to 253 to add it while the tracker is up, -1 to -253 to take it away \
     while it is down, or 0 to stop serving while it is down"
)]
pub struct TrackWeightError(i128);

impl TrackWeight {
    /// Down is a fault.
    pub const ZERO: Self = Self(0);
    /// Every number of a file counts as it is.
    pub const ONE: Self = Self(1);
    /// The most, either way: between the highest priority and the lowest.
    pub const MOST: i16 = 253;

    /// Checks the range.
    ///
    /// # Errors
    /// It is below -253 or above 253.
    pub fn new(value: impl Into<i128>) -> Result<Self, TrackWeightError> {
        let value = value.into();
        let within = |weight: &i16| weight.abs_diff(0) <= Self::MOST.unsigned_abs();
        i16::try_from(value).ok().filter(within).map(Self).ok_or(TrackWeightError(value))
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> i16 {
        self.0
    }
}

impl fmt::Display for TrackWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range() {
        for good in [-253, 0, 253] {
            assert_eq!(TrackWeight::new(good).map(TrackWeight::get), Ok(good));
        }
        for bad in [-254, 254, 70_000] {
            let error = TrackWeight::new(bad).unwrap_err();
            assert!(error.to_string().starts_with(&format!("weight {bad} is out of range")));
        }
    }
}
