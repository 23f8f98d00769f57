//! The firewall mark: a number by which a service that bundles several ports is known.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

/// 1 to 4294967295.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(NonZeroU32);

/// The number is not a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mark {0} is out of range: a mark is 1 to {max}", max = u32::MAX)]
pub struct MarkError(i128);

impl Mark {
    /// Checks the range of a mark.
    pub fn new(value: impl Into<i128>) -> Result<Self, MarkError> {
        let value = value.into();
        let number = u32::try_from(value).ok().and_then(NonZeroU32::new);
        number.map(Self).ok_or(MarkError(value))
    }

    /// The mark as a number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range() {
        assert_eq!(Mark::new(80).unwrap().get(), 80);
        assert_eq!(Mark::new(u32::MAX).unwrap().to_string(), "4294967295");
        for bad in [0, -1, i128::from(u32::MAX) + 1] {
            assert_eq!(Mark::new(bad), Err(MarkError(bad)));
        }
        assert!(Mark::new(0).unwrap_err().to_string().contains("1 to 4294967295"));
    }
}
