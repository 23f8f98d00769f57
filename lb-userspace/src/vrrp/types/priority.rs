//! How much a director wants to be master.

use std::fmt;

/// 1 to 254, or 255 for the owner. The highest becomes master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

/// The number is not a [`Priority`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "priority {0} is out of range: write 1 (wants it least) to 254, or 255 for the owner of the addresses"
)]
pub struct PriorityError(i128);

impl Priority {
    /// The owner has the VIPs as addresses of its own, and is always master while it runs.
    pub const OWNER: Self = Self(255);
    /// What RFC 9568 §5.2.4 gives to a director that is not told otherwise.
    pub const DEFAULT: Self = Self(100);
    /// The highest but the owner's.
    pub const HIGHEST: Self = Self(254);
    const MIN: i16 = 1;
    const MAX: i16 = 254;

    /// Checks the range.
    pub fn new(value: impl Into<i128>) -> Result<Self, PriorityError> {
        let value = value.into();
        match u8::try_from(value) {
            Ok(priority) if priority > 0 => Ok(Self(priority)),
            _ => Err(PriorityError(value)),
        }
    }

    /// With what trackers add or take away, kept within 1 to 254. The owner is immune to them.
    #[must_use]
    pub fn adjusted(self, by: i16) -> Self {
        if self == Self::OWNER {
            return self;
        }
        let sum = i16::from(self.0).saturating_add(by).clamp(Self::MIN, Self::MAX);
        u8::try_from(sum).map_or(self, Self)
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for Priority {
    type Error = PriorityError;

    fn try_from(value: u8) -> Result<Self, PriorityError> {
        Self::new(value)
    }
}

/// What an advertisement says in its priority field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// 0: the master gives the VIPs up.
    Leaving,
    /// The sender is master, with this priority.
    Master(Priority),
}

impl Claim {
    /// Read from the wire: every byte means something.
    #[must_use]
    pub fn from_wire(byte: u8) -> Self {
        Priority::new(byte).map_or(Self::Leaving, Self::Master)
    }

    /// As it stands on the wire.
    #[must_use]
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Leaving => 0,
            Self::Master(priority) => priority.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range() {
        assert_eq!(Priority::new(255), Ok(Priority::OWNER));
        assert_eq!(Priority::new(1).map(Priority::get), Ok(1));
        for bad in [-1, 0, 256] {
            assert_eq!(Priority::new(bad), Err(PriorityError(bad.into())));
        }
        assert!(
            Priority::try_from(0).unwrap_err().to_string().contains("1 (wants it least) to 254")
        );
    }

    #[test]
    fn trackers_cannot_make_an_owner_nor_silence_anyone() {
        let cases = [
            (100, 2, 102),
            (5, -2, 3),
            (250, 100, 254),
            (5, -9, 1),
            (1, i16::MIN, 1),
            (255, -200, 255),
        ];
        for (priority, by, expected) in cases {
            let adjusted = Priority::new(priority).unwrap().adjusted(by);
            assert_eq!(i32::from(adjusted.get()), expected, "{priority} and {by}");
        }
    }

    #[test]
    fn every_byte_on_the_wire_means_something() {
        for byte in 0..=255 {
            assert_eq!(Claim::from_wire(byte).to_wire(), byte);
        }
        assert_eq!(Claim::from_wire(0), Claim::Leaving);
        assert_eq!(Claim::from_wire(255), Claim::Master(Priority::OWNER));
    }
}
