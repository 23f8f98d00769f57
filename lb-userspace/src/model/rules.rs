//! Rules of a pool: what its real servers' health comes to for all of them together.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Pool, Weight, duration, show_duration};

/// What a pool makes of its real servers' health, beyond using those that are alive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRules {
    /// How much must be alive; `None`: whatever is will do.
    pub quorum: Option<Quorum>,
    /// What happens below it.
    pub below_quorum: BelowQuorum,
    /// Which of the backup servers take over.
    pub backups: Backups,
    /// What becomes of the flows of a real server that fails.
    pub on_down: OnDown,
    /// With fewer healthy ones, all are used.
    pub panic: Option<PanicThreshold>,
    /// When a real server that comes and goes is held down.
    pub damping: Option<Damping>,
}

/// The weight that must be alive in a pool, and how far beyond that it has to go before anything changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    needed: u32,
    /// Less than `needed`.
    hysteresis: u32,
}

/// Numbers that are no [`Quorum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// Out of range.
    #[error("`{0}` is out of range: a quorum is a weight of 1 to {most}", most = Quorum::MOST)]
    Needed(i128),
    /// It could never be lost, or it is no number of weights.
    #[error("`{found}` is out of range: with quorum = {needed} a hysteresis is 0 to {most}", most = .needed - 1)]
    Hysteresis {
        /// What was written.
        found: i128,
        /// The quorum.
        needed: u32,
    },
}

impl Quorum {
    /// More weight is in no pool.
    #[expect(clippy::cast_possible_truncation, reason = "a pool has fewer real servers")]
    pub const MOST: u32 = Pool::MAX_SERVERS as u32 * Weight::MAX.get() as u32;
    /// Anybody at all: that of a pool that names none.
    pub const ANYBODY: Self = Self { needed: 1, hysteresis: 0 };

    /// So much weight, without hysteresis.
    ///
    /// # Errors
    /// Out of range.
    pub fn new(needed: i128) -> Result<Self, QuorumError> {
        let fits = u32::try_from(needed).ok().filter(|&n| (1..=Self::MOST).contains(&n));
        let needed = fits.ok_or(QuorumError::Needed(needed))?;
        Ok(Self { needed, hysteresis: 0 })
    }

    /// The same with a hysteresis.
    ///
    /// # Errors
    /// It is as large as the quorum, or negative.
    pub fn with_hysteresis(self, hysteresis: i128) -> Result<Self, QuorumError> {
        let fits = u32::try_from(hysteresis).ok().filter(|&h| h < self.needed);
        let error = QuorumError::Hysteresis { found: hysteresis, needed: self.needed };
        Ok(Self { hysteresis: fits.ok_or(error)?, ..self })
    }

    /// The weight that must be alive.
    #[must_use]
    pub const fn needed(self) -> u32 {
        self.needed
    }

    /// How far beyond that it has to go.
    #[must_use]
    pub const fn hysteresis(self) -> u32 {
        self.hysteresis
    }

    /// Is it there, with so much weight alive? `before` says how it was; the first time there is nothing
    /// before, and the quorum alone decides.
    #[must_use]
    pub const fn holds(self, before: Option<bool>, alive: u32) -> bool {
        match before {
            None => alive >= self.needed,
            Some(true) => alive >= self.needed - self.hysteresis,
            Some(false) => alive >= self.needed + self.hysteresis,
        }
    }
}

/// What happens below the quorum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BelowQuorum {
    /// The same as when no real server is left.
    #[default]
    Close,
    /// Those that are left go on; whoever wants to know is told.
    Serve,
}

/// Which backup servers take over when no other real server is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backups {
    /// All that are alive.
    #[default]
    All,
    /// The first one that is alive, in the order of the file.
    First,
}

/// What becomes of the flows of a real server that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDown {
    /// Their next packet goes to another one.
    #[default]
    Move,
    /// They stay: it may be the check that is wrong.
    Keep,
    /// As [`Self::Move`], and those of the proxy end at once.
    Kill,
}

/// A share of a pool's real servers, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicThreshold(u8);

/// A text that is no [`PanicThreshold`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: write one from \"1%\" to \"100%\"")]
pub struct PanicThresholdError(String);

impl PanicThreshold {
    /// Are `healthy` of `all` fewer than that? Of nobody at all: no.
    #[must_use]
    pub fn exceeds(self, healthy: usize, all: usize) -> bool {
        healthy * 100 < usize::from(self.0) * all
    }
}

impl std::str::FromStr for PanicThreshold {
    type Err = PanicThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').filter(|digits| !digits.starts_with('+'));
        let percent = number.and_then(|digits| digits.parse().ok());
        let percent = percent.filter(|percent| (1..=100).contains(percent));
        percent.map(Self).ok_or_else(|| PanicThresholdError(text.escape_debug().to_string()))
    }
}

impl fmt::Display for PanicThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// When a real server that comes and goes is held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damping {
    /// With more changes of its state than this ...
    pub changes: u8,
    /// ... within this time ...
    #[serde(with = "duration::text")]
    pub within: Duration,
    /// ... it is held down until its state has not changed for so long.
    #[serde(with = "duration::text")]
    pub hold: Duration,
}

/// Values that are no [`Damping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DampingError {
    /// One change is a failure, not a flap.
    #[error("`{0}` is out of range: `changes` is 2 to {most}", most = Damping::MOST_CHANGES)]
    Changes(i128),
    /// A time.
    #[error("`{}` is out of range: it is {} to {}", show_duration(*.0), show_duration(Damping::TIMES[0]),
        show_duration(Damping::TIMES[1]))]
    Time(Duration),
}

impl Damping {
    /// More are not remembered.
    pub const MOST_CHANGES: u8 = 100;
    const TIMES: [Duration; 2] = [Duration::from_secs(1), Duration::from_hours(24)];

    /// Checks the range of [`Self::changes`].
    ///
    /// # Errors
    /// Out of range.
    pub fn changes(number: i128) -> Result<u8, DampingError> {
        let fits = u8::try_from(number).ok().filter(|n| (2..=Self::MOST_CHANGES).contains(n));
        fits.ok_or(DampingError::Changes(number))
    }

    /// Checks the range of [`Self::within`] and [`Self::hold`].
    ///
    /// # Errors
    /// Out of range.
    pub fn time(time: Duration) -> Result<Duration, DampingError> {
        let [least, most] = Self::TIMES;
        if (least..=most).contains(&time) { Ok(time) } else { Err(DampingError::Time(time)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorums() {
        for wrong in [0, -1, i128::from(Quorum::MOST) + 1] {
            assert_eq!(Quorum::new(wrong), Err(QuorumError::Needed(wrong)));
        }
        let three = Quorum::new(3).unwrap();
        for wrong in [3, -1] {
            let error = three.with_hysteresis(wrong).unwrap_err().to_string();
            assert!(error.ends_with("with quorum = 3 a hysteresis is 0 to 2"), "{error}");
        }
        assert_eq!(Quorum::new(1).unwrap(), Quorum::ANYBODY);
        let quorum = three.with_hysteresis(1).unwrap();
        for (alive, first, up, down) in [
            (0, false, false, false),
            (1, false, false, false),
            (2, false, true, false),
            (3, true, true, false),
            (4, true, true, true),
        ] {
            let found = [None, Some(true), Some(false)].map(|before| quorum.holds(before, alive));
            assert_eq!(found, [first, up, down], "{alive} alive");
        }
    }

    #[test]
    fn panic_thresholds() {
        let forty: PanicThreshold = "40%".parse().unwrap();
        for (healthy, all, expected) in
            [(0, 5, true), (1, 5, true), (2, 5, false), (5, 5, false), (0, 0, false)]
        {
            assert_eq!(forty.exceeds(healthy, all), expected, "{healthy} of {all}");
        }
        for wrong in ["", "%", "40", "0%", "101%", "+4%", "4 %", "-1%"] {
            let error = wrong.parse::<PanicThreshold>().unwrap_err().to_string();
            assert!(error.ends_with("write one from \"1%\" to \"100%\""), "{error}");
        }
    }

    #[test]
    fn dampings() {
        assert_eq!(Damping::changes(6), Ok(6));
        for wrong in [1, 101, -1] {
            assert_eq!(Damping::changes(wrong), Err(DampingError::Changes(wrong)));
        }
        let second = Duration::from_secs(1);
        assert_eq!(Damping::time(second), Ok(second));
        assert_eq!(
            Damping::time(second / 2).unwrap_err().to_string(),
            "`500ms` is out of range: it is 1s to 24h"
        );
    }
}
