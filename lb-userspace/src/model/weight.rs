//! The weight of a real server: its share of new connections, compared with the others'.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 0 to 256. A server of weight 0 gets no new connections; those it has go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

/// The number is not a [`Weight`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("weight {0} is out of range: a weight is 0 (no new connections) to {max}", max = Weight::MAX)]
pub struct WeightError(i128);

impl Weight {
    /// No new connections.
    pub const ZERO: Self = Self(0);
    /// The largest weight.
    pub const MAX: Self = Self(256);

    /// Checks the range of a weight.
    pub fn new(value: impl Into<i128>) -> Result<Self, WeightError> {
        let value = value.into();
        match u16::try_from(value) {
            Ok(weight) if weight <= Self::MAX.0 => Ok(Self(weight)),
            _ => Err(WeightError(value)),
        }
    }

    /// The weight as a number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Does the server get no new connections?
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Default for Weight {
    /// One share.
    fn default() -> Self {
        Self(1)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Weight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number: i64 = text.parse().map_err(|_| {
            format!("`{text}` is not a weight: write a number from 0 to {}", Self::MAX)
        })?;
        Self::new(number).map_err(|error| error.to_string())
    }
}

impl TryFrom<u16> for Weight {
    type Error = WeightError;

    fn try_from(value: u16) -> Result<Self, WeightError> {
        Self::new(value)
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range() {
        assert_eq!(Weight::new(0), Ok(Weight::ZERO));
        assert_eq!(Weight::new(256), Ok(Weight::MAX));
        assert_eq!(Weight::default().get(), 1);
        for bad in [-1, 257, i128::MAX] {
            assert_eq!(Weight::new(bad), Err(WeightError(bad)));
        }
        assert_eq!(
            Weight::new(257).unwrap_err().to_string(),
            "weight 257 is out of range: a weight is 0 (no new connections) to 256"
        );
    }

    #[test]
    fn text() {
        assert_eq!("12".parse(), Ok(Weight(12)));
        assert!("x".parse::<Weight>().unwrap_err().contains("0 to 256"));
        assert!("300".parse::<Weight>().unwrap_err().contains("0 (no new connections) to 256"));
    }
}
