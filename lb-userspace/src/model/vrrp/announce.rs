//! How a new master tells the network where its VIPs are: gratuitous ARP, unsolicited neighbour advertisements.

use std::time::Duration;

use crate::{model::show_duration, vrrp::machine::Settings};

/// How often, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announce {
    /// Announcements of each VIP at a time; at least 1.
    pub repeat: u8,
    /// From becoming master to the second time.
    pub again_after: Duration,
    /// Once ever so often after that; `None`: not any more.
    pub refresh: Option<Duration>,
}

/// A value that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// The announcements at a time.
    #[error("{0} is out of range: announce each VIP 1 to {max} times", max = Announce::MOST)]
    Repeat(i128),
    /// The time between them.
    #[error("`{}` is out of range: use {} to {}", show_duration(*.0), show_duration(Announce::SHORTEST), show_duration(Announce::LONGEST))]
    Time(Duration),
}

impl Announce {
    /// The most announcements at a time.
    pub const MOST: u8 = 100;
    /// The shortest time to the next ones.
    pub const SHORTEST: Duration = Duration::from_millis(100);
    /// The longest time to the next ones.
    pub const LONGEST: Duration = Duration::from_hours(24);

    /// Checks the range of a number of announcements.
    pub fn repeat(value: impl Into<i128>) -> Result<u8, AnnounceError> {
        let value = value.into();
        match u8::try_from(value) {
            Ok(count @ 1..=Self::MOST) => Ok(count),
            _ => Err(AnnounceError::Repeat(value)),
        }
    }

    /// Checks the range of a time between announcements.
    pub fn time(time: Duration) -> Result<Duration, AnnounceError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&time) {
            Ok(time)
        } else {
            Err(AnnounceError::Time(time))
        }
    }
}

/// As keepalived does.
impl Default for Announce {
    fn default() -> Self {
        Self { repeat: 5, again_after: Settings::ANNOUNCE_AGAIN, refresh: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(Announce::repeat(1), Ok(1));
        assert_eq!(Announce::repeat(100), Ok(100));
        for bad in [-1, 0, 101, 256] {
            assert_eq!(Announce::repeat(bad), Err(AnnounceError::Repeat(bad.into())));
        }
        for good in [Announce::SHORTEST, Announce::LONGEST] {
            assert_eq!(Announce::time(good), Ok(good));
        }
        for bad in [Duration::from_millis(99), Announce::LONGEST + Duration::from_millis(1)] {
            let error = Announce::time(bad).unwrap_err().to_string();
            assert!(error.contains("use 100ms to 24h"), "{error}");
        }
    }
}
