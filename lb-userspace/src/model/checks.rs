//! The health checks of a pool: none, one or several.

use serde::{Deserialize, Serialize};

use super::Check;

/// The checks of a pool, and how many must pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    each: Vec<Check>,
    /// `None`: all of them.
    needed: Option<u8>,
}

/// A number of checks that cannot be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} checks cannot pass: the pool has {there}; use 1 to {there}")]
pub struct ChecksNeededError {
    needed: i128,
    there: usize,
}

impl Checks {
    /// The most checks of a pool.
    pub const MOST: usize = 16;

    /// All of them must pass.
    #[must_use]
    pub fn all(each: Vec<Check>) -> Self {
        Self { each, needed: None }
    }

    /// So many of them must pass.
    ///
    /// # Errors
    /// More than there are, or none.
    pub fn some(each: Vec<Check>, needed: i128) -> Result<Self, ChecksNeededError> {
        let there = each.len();
        let fits = u8::try_from(needed).ok().filter(|&n| n > 0 && usize::from(n) <= there);
        let needed = fits.ok_or(ChecksNeededError { needed, there })?;
        Ok(Self { each, needed: Some(needed) })
    }

    /// Each of them, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Check> {
        self.each.iter()
    }

    /// Nothing is checked: real servers count as alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// How many must pass.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.needed.map_or(self.each.len(), usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_must_pass() {
        let two = || vec![Check::default(); 2];
        assert_eq!(Checks::default().needed(), 0);
        assert_eq!(Checks::all(two()).needed(), 2);
        assert_eq!(Checks::some(two(), 1).unwrap().needed(), 1);
        for wrong in [0, 3, -1, 1_000] {
            let error = Checks::some(two(), wrong).unwrap_err().to_string();
            assert!(error.ends_with("the pool has 2; use 1 to 2"), "{error}");
        }
    }
}
