//! Flood mode: from when to when new connections leave no notes.

use serde::{Deserialize, Serialize};

use super::{Rate, RateError};

/// New connections a second of a service at which flood mode begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flood {
    /// Above this, no notes are made: the hash alone decides.
    pub above: u32,
    /// Below this, they are made again; 1 at least, and less than `above`.
    pub below: u32,
}

/// Why two numbers are not a [`Flood`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloodError {
    /// No rate.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// Nothing is below it.
    #[error("`1/s` is out of range: flood mode begins above 2/s or more")]
    TooLow,
    /// It would end before it begins.
    #[error("flood mode begins above {above}/s, so it cannot end below {below}/s: write less")]
    Order {
        /// Where it begins.
        above: u32,
        /// Where it would end.
        below: u32,
    },
}

impl Flood {
    /// Reads where flood mode begins; it ends at half of that.
    pub fn above(text: &str) -> Result<Self, FloodError> {
        match Rate::parse_per_second(text)? {
            1 => Err(FloodError::TooLow),
            above => Ok(Self { above, below: above / 2 }),
        }
    }

    /// The same, with another end.
    pub fn with_below(self, below: u32) -> Result<Self, FloodError> {
        if below < self.above {
            Ok(Self { below, ..self })
        } else {
            Err(FloodError::Order { above: self.above, below })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end() {
        let flood = Flood::above("50000/s").unwrap();
        assert_eq!(flood, Flood { above: 50_000, below: 25_000 });
        assert_eq!(flood.with_below(1).unwrap().below, 1);
        for below in [50_000, 50_001] {
            let error = flood.with_below(below).unwrap_err().to_string();
            assert!(error.contains("begins above 50000/s"), "{error}");
        }
        assert_eq!(Flood::above("1/s"), Err(FloodError::TooLow));
        assert_eq!(Flood::above("2/s").unwrap().below, 1);
        assert!(Flood::above("100/m").is_err());
    }
}
