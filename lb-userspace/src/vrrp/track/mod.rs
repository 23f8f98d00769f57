//! Trackers: what the state of something else means for an instance.
//!
//! | weight | up | down | not known yet |
//! | --- | --- | --- | --- |
//! | 0 | nothing | fault | the instance waits, in fault |
//! | positive | added | nothing | nothing |
//! | negative | nothing | taken away | nothing |
//!
//! An instance that is at work already when it is given a tracker (by a reload) does not wait for it.
//!
//! A number (of a file) is multiplied by the weight and added; with weight 0 any number but 0 is a fault, and so is a
//! product below -253, which no priority could follow. The owner is immune to weights, but not to faults by weight 0.

mod weight;

pub use weight::{TrackWeight, TrackWeightError};

use std::fmt;

use super::types::Priority;

/// What a tracker has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// There was no result yet.
    #[default]
    Unknown,
    /// All is well.
    Up,
    /// It is not.
    Down,
    /// What a file says.
    Number(i32),
}

/// What a reading means for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So much is added to its priority.
    Points(i16),
    /// It must not serve.
    Fault,
    /// It must not serve before there is a result.
    Waiting,
}

impl Reading {
    /// Of an instance that gives it this weight. `owner`: the instance owns its addresses.
    #[must_use]
    pub fn share(self, weight: TrackWeight, owner: bool) -> Share {
        let weight = weight.get();
        match self {
            Self::Unknown if weight == 0 => Share::Waiting,
            Self::Down if weight == 0 => Share::Fault,
            Self::Number(number) if weight == 0 && number != 0 => Share::Fault,
            _ if owner => Share::Points(0),
            Self::Unknown => Share::Points(0),
            Self::Up => Share::Points(weight.max(0)),
            Self::Down => Share::Points(weight.min(0)),
            Self::Number(number) => product(number, weight),
        }
    }
}

fn product(number: i32, weight: i16) -> Share {
    let most = i64::from(TrackWeight::MOST);
    let points = i64::from(number) * i64::from(weight);
    if points < -most {
        return Share::Fault;
    }
    // It was just cut to what fits.
    Share::Points(i16::try_from(points.min(most)).unwrap_or_default())
}

impl Share {
    /// Of an instance that is at work: it goes on until something is known.
    #[must_use]
    pub const fn at_work(self) -> Self {
        match self {
            Self::Waiting => Self::Points(0),
            known @ (Self::Points(_) | Self::Fault) => known,
        }
    }

    /// The instance must not serve because of it.
    #[must_use]
    pub const fn forbids(self) -> bool {
        matches!(self, Self::Fault | Self::Waiting)
    }

    /// What it adds to a priority.
    #[must_use]
    pub const fn points(self) -> i16 {
        match self {
            Self::Points(points) => points,
            Self::Fault | Self::Waiting => 0,
        }
    }
}

/// The priority with every tracker's share, within 1 to 254; the owner stays the owner.
#[must_use]
pub fn effective(base: Priority, shares: impl IntoIterator<Item = Share>) -> Priority {
    let add = |sum: i16, share: Share| sum.saturating_add(share.points());
    base.adjusted(shares.into_iter().fold(0, add))
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.pad("unknown"),
            Self::Up => f.pad("up"),
            Self::Down => f.pad("down"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[cfg(test)]
#[path = "track_test.rs"]
mod tests;
