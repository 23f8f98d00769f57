//! When a check is made: how often, how exactly, and what holds before the first one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::duration;

/// What differs from one check after each interval; nothing, unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPace {
    /// The interval of a server that is down; `None`: as of one that is up.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "duration::optional_text")]
    pub interval_down: Option<Duration>,
    /// The interval while results speak against the state, but not enough of them; `None`: as without them.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "duration::optional_text")]
    pub interval_changing: Option<Duration>,
    /// How far the time between two checks may be from the interval.
    #[serde(default, skip_serializing_if = "Jitter::is_none")]
    pub jitter: Jitter,
    /// The first checks are made within this time; `None`: at once, but for what keeps them apart.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "duration::optional_text")]
    pub warm_up: Option<Duration>,
    /// What holds of a server that nothing is known of, before its first check.
    #[serde(default, skip_serializing_if = "CheckStart::is_up")]
    pub start: CheckStart,
    /// What becomes of it while other directors have the VIPs.
    #[serde(default, skip_serializing_if = "WhileBackup::is_check")]
    pub while_backup: WhileBackup,
}

/// Is it made while every VIP that its pool serves is VRRP's, and on another director?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhileBackup {
    /// Yes: at a takeover all is known.
    #[default]
    Check,
    /// No: what was known stays (keepalived: `ha_suspend`).
    Suspend,
}

impl WhileBackup {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
    fn is_check(&self) -> bool {
        *self == Self::Check
    }
}

/// What holds before the first check; that one decides alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStart {
    /// Hope for the best.
    #[default]
    Up,
    /// No traffic before a check has passed (keepalived: `alpha`).
    Down,
}

impl CheckStart {
    // Serde gives references.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "see above")]
    fn is_up(&self) -> bool {
        *self == Self::Up
    }
}

/// Per cent of the interval, up or down (HAProxy: `spread-checks`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Jitter(u8);

/// A jitter that would leave no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of range: use 0 to 50 (per cent of the interval)")]
pub struct JitterError(i128);

impl Jitter {
    /// None: every check keeps its place in the interval.
    pub const NONE: Self = Self(0);

    /// Per cent, at most 50.
    ///
    /// # Errors
    /// More, or less than nothing.
    pub fn new(percent: impl Into<i128>) -> Result<Self, JitterError> {
        let percent = percent.into();
        let fits = u8::try_from(percent).ok().filter(|&percent| percent <= 50);
        fits.map(Self).ok_or(JitterError(percent))
    }

    /// That part of an interval.
    #[must_use]
    pub fn of(self, interval: Duration) -> Duration {
        interval * u32::from(self.0) / 100
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
    fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

impl TryFrom<u8> for Jitter {
    type Error = JitterError;

    fn try_from(percent: u8) -> Result<Self, JitterError> {
        Self::new(percent)
    }
}

impl From<Jitter> for u8 {
    fn from(jitter: Jitter) -> Self {
        jitter.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_interval() {
        assert_eq!(Jitter::new(50).unwrap().of(Duration::from_secs(2)), Duration::from_secs(1));
        assert_eq!(Jitter::NONE.of(Duration::from_secs(2)), Duration::ZERO);
        assert!(Jitter::new(51).unwrap_err().to_string().starts_with("51 is out of range"));
        assert!(Jitter::new(-1).is_err());
        assert!(serde_json::from_str::<Jitter>("51").is_err(), "nobody gets around the range");
    }
}
