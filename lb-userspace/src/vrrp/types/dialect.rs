//! What the directors of one virtual router have to agree on before they understand each other.

use std::fmt;

use super::{AdvertInterval, Authentication, Centiseconds, Seconds};

/// The version of VRRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 3768: IPv4 only.
    V2,
    /// RFC 9568: IPv4 and IPv6.
    V3,
}

/// The number is not a [`Version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no VRRP version {0}: write 2 (IPv4 only) or 3")]
pub struct VersionError(i128);

impl Version {
    /// Checks that there is such a version.
    pub fn new(number: impl Into<i128>) -> Result<Self, VersionError> {
        match number.into() {
            2 => Ok(Self::V2),
            3 => Ok(Self::V3),
            other => Err(VersionError(other)),
        }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VRRPv{}", self.get())
    }
}

/// What the checksum of version 3 covers over IPv4. Over IPv6 there is always a pseudo-header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChecksumKind {
    /// With a pseudo-header of the IP addresses: what keepalived and FRR send unless told otherwise.
    #[default]
    PseudoHeader,
    /// The message alone: RFC 9568 §5.2.8.
    MessageOnly,
}

/// A version with what only it has. Both ends need the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 3768.
    V2 {
        /// Must be equal on all directors: others' advertisements are dropped.
        interval: Seconds,
        /// In every advertisement.
        authentication: Authentication,
    },
    /// RFC 9568.
    V3 {
        /// The own interval as master; a backup adopts its master's.
        interval: Centiseconds,
        /// Over IPv4.
        checksum: ChecksumKind,
    },
}

impl Dialect {
    /// The version it belongs to.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self {
            Self::V2 { .. } => Version::V2,
            Self::V3 { .. } => Version::V3,
        }
    }

    /// The interval of the own advertisements.
    #[must_use]
    pub const fn interval(&self) -> AdvertInterval {
        match self {
            Self::V2 { interval, .. } => AdvertInterval::V2(*interval),
            Self::V3 { interval, .. } => AdvertInterval::V3(*interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for number in 0..=15 {
            let version = Version::new(number);
            assert_eq!(version.map(Version::get).ok(), [2, 3].contains(&number).then_some(number));
        }
        assert!(Version::new(4).unwrap_err().to_string().contains("2 (IPv4 only) or 3"));
        assert_eq!(Version::V3.to_string(), "VRRPv3");
    }
}
