//! The time between two advertisements. Units exist here only; everything else has a [`Duration`].

use std::{fmt, time::Duration};

use super::Version;
use crate::model::show_duration;

/// The interval of version 2: whole seconds, 1 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u8);

/// The interval of version 3: hundredths of a second, 0.01 s to 40.95 s (12 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Centiseconds(u16);

/// The interval in the units of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdvertInterval {
    /// Version 2.
    V2(Seconds),
    /// Version 3.
    V3(Centiseconds),
}

/// The time cannot be an interval of that version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvertIntervalError {
    /// Version 2 has whole seconds.
    #[error(
        "an advertisement interval of {} does not fit VRRPv2: write whole seconds from 1s to 255s, or use version 3",
        show_duration(*.0)
    )]
    V2(Duration),
    /// Version 3 has 12 bits of centiseconds.
    #[error(
        "an advertisement interval of {} does not fit VRRPv3: write a multiple of 10ms from 10ms to 40950ms",
        show_duration(*.0)
    )]
    V3(Duration),
}

const CENTISECOND: Duration = Duration::from_millis(10);

impl Seconds {
    /// From the wire: `None` for 0.
    pub(in crate::vrrp) const fn from_wire(seconds: u8) -> Option<Self> {
        if seconds == 0 { None } else { Some(Self(seconds)) }
    }

    pub(in crate::vrrp) const fn to_wire(self) -> u8 {
        self.0
    }
}

impl Centiseconds {
    const MAX: u16 = 0xfff;

    /// From the wire: `None` for 0. The four bits above are reserved, and ignored (RFC 9568 §5.2.6).
    pub(in crate::vrrp) const fn from_wire(field: u16) -> Option<Self> {
        match field & Self::MAX {
            0 => None,
            centiseconds => Some(Self(centiseconds)),
        }
    }

    pub(in crate::vrrp) const fn to_wire(self) -> u16 {
        self.0
    }
}

impl TryFrom<Duration> for Seconds {
    type Error = AdvertIntervalError;

    fn try_from(time: Duration) -> Result<Self, AdvertIntervalError> {
        let error = AdvertIntervalError::V2(time);
        let seconds = u8::try_from(time.as_secs()).map_err(|_| error)?;
        if time.subsec_nanos() == 0 { Self::from_wire(seconds).ok_or(error) } else { Err(error) }
    }
}

impl TryFrom<Duration> for Centiseconds {
    type Error = AdvertIntervalError;

    fn try_from(time: Duration) -> Result<Self, AdvertIntervalError> {
        let error = AdvertIntervalError::V3(time);
        let count = time.as_nanos() / CENTISECOND.as_nanos();
        let whole = time.as_nanos().is_multiple_of(CENTISECOND.as_nanos());
        match u16::try_from(count) {
            Ok(count @ 1..=Self::MAX) if whole => Ok(Self(count)),
            _ => Err(error),
        }
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.0.into())
    }
}

impl From<Centiseconds> for Duration {
    fn from(centiseconds: Centiseconds) -> Self {
        CENTISECOND * u32::from(centiseconds.0)
    }
}

impl AdvertInterval {
    /// The time, in the units of a version.
    pub fn new(version: Version, time: Duration) -> Result<Self, AdvertIntervalError> {
        match version {
            Version::V2 => Seconds::try_from(time).map(Self::V2),
            Version::V3 => Centiseconds::try_from(time).map(Self::V3),
        }
    }

    /// As a time.
    #[must_use]
    pub fn duration(self) -> Duration {
        match self {
            Self::V2(seconds) => seconds.into(),
            Self::V3(centiseconds) => centiseconds.into(),
        }
    }

    /// The version it belongs to.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::V2(_) => Version::V2,
            Self::V3(_) => Version::V3,
        }
    }
}

impl fmt::Display for AdvertInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_duration(self.duration()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_both_versions() {
        let cases = [
            (Version::V2, 1_000, true),
            (Version::V2, 255_000, true),
            (Version::V2, 0, false),
            (Version::V2, 1_500, false),
            (Version::V2, 256_000, false),
            (Version::V3, 10, true),
            (Version::V3, 1_000, true),
            (Version::V3, 40_950, true),
            (Version::V3, 0, false),
            (Version::V3, 15, false),
            (Version::V3, 40_960, false),
        ];
        for (version, milliseconds, fits) in cases {
            let time = Duration::from_millis(milliseconds);
            let interval = AdvertInterval::new(version, time);
            assert_eq!(interval.is_ok(), fits, "{version} {milliseconds} ms");
            assert!(interval.is_err() || interval.map(AdvertInterval::duration) == Ok(time));
        }
        assert!(AdvertInterval::new(Version::V3, Duration::MAX).is_err());
        assert!(AdvertInterval::new(Version::V3, Duration::from_nanos(10_000_001)).is_err());
    }

    #[test]
    fn errors_say_what_to_write() {
        let error = AdvertInterval::new(Version::V2, Duration::from_millis(100)).unwrap_err();
        let words = error.to_string();
        assert!(words.contains("100ms") && words.contains("use version 3"), "{words}");
    }

    #[test]
    fn reserved_bits_are_no_part_of_the_interval() {
        assert_eq!(Centiseconds::from_wire(0xf064), Some(Centiseconds(100)));
        assert_eq!(Centiseconds::from_wire(0xf000), None);
        assert_eq!(Seconds::from_wire(0), None);
    }
}
