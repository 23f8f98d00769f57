//! Trackers: what an instance may make its priority depend on.

use std::{path::PathBuf, time::Duration};

use super::Name;
use crate::{
    model::{InterfaceName, Script, show_duration},
    vrrp::track::TrackWeight,
};

/// Something that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// How instances refer to it.
    pub name: Name,
    /// What is watched.
    pub kind: TrackerKind,
}

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackerKind {
    /// A program that is run again and again: up while it exits with 0.
    Script(TrackScript),
    /// Processes: up while enough of them live.
    Process(TrackProcess),
    /// A number in a file.
    File(TrackFile),
    /// An interface: up while it is switched on and has a carrier.
    Interface(InterfaceName),
    /// A pool of this director: up while a real server of it takes new flows.
    Pool(Name),
    /// A service of the proxy: up while the worker serves it.
    Proxy(Name),
}

impl TrackerKind {
    /// The word for it, which is its key in the file.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Script(_) => "script",
            Self::Process(_) => "process",
            Self::File(_) => "file",
            Self::Interface(_) => "interface",
            Self::Pool(_) => "pool",
            Self::Proxy(_) => "proxy",
        }
    }
}

/// A program that is run again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackScript {
    /// What is run.
    pub script: Script,
    /// Who runs it.
    pub user: String,
    /// From the start of a run to the start of the next.
    pub interval: Duration,
    /// How long a run may take.
    pub timeout: Duration,
    /// So many good runs in a row bring it up; at least 1.
    pub rise: u8,
    /// So many bad runs in a row take it down; at least 1.
    pub fall: u8,
}

impl TrackScript {
    /// Who runs scripts unless told otherwise: somebody who owns nothing.
    pub const DEFAULT_USER: &str = "nobody";
}

/// Processes of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackProcess {
    /// Its name, as `ps -C` knows it.
    pub process: String,
    /// What its command line has behind the program, from the first argument on.
    pub arguments: Vec<String>,
    /// How many of them must live; at least 1.
    pub at_least: u16,
    /// How often new ones are looked for. That one has ended is noticed at once.
    pub interval: Duration,
}

/// A number in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFile {
    /// The file.
    pub path: PathBuf,
    /// How often it is read.
    pub interval: Duration,
}

/// What an instance makes of a tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The tracker.
    pub tracker: Name,
    /// What it counts for.
    pub weight: TrackWeight,
}

/// A value of a tracker that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackError {
    /// An interval or timeout.
    #[error("`{}` is out of range: use {} to {}", show_duration(*.0), show_duration(Tracker::SHORTEST), show_duration(Tracker::LONGEST))]
    Time(Duration),
    /// How many processes.
    #[error("{0} is out of range: ask for 1 to 65535 processes")]
    AtLeast(i128),
}

impl Tracker {
    /// The shortest interval and timeout.
    pub const SHORTEST: Duration = Duration::from_millis(50);
    /// The longest interval and timeout.
    pub const LONGEST: Duration = Duration::from_hours(1);
    /// The interval of one that names none.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

    /// Checks the range of an interval or timeout.
    ///
    /// # Errors
    /// [`TrackError::Time`].
    pub fn time(time: Duration) -> Result<Duration, TrackError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&time) {
            Ok(time)
        } else {
            Err(TrackError::Time(time))
        }
    }

    /// Checks the range of a number of processes.
    ///
    /// # Errors
    /// [`TrackError::AtLeast`].
    pub fn at_least(value: i128) -> Result<u16, TrackError> {
        u16::try_from(value).ok().filter(|&count| count > 0).ok_or(TrackError::AtLeast(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for good in [Tracker::SHORTEST, Tracker::LONGEST] {
            assert_eq!(Tracker::time(good), Ok(good));
        }
        let error = Tracker::time(Duration::from_millis(49)).unwrap_err().to_string();
        assert_eq!(error, "`49ms` is out of range: use 50ms to 1h");
        assert!(Tracker::time(Tracker::LONGEST + Duration::from_millis(1)).is_err());
        assert_eq!((Tracker::at_least(1), Tracker::at_least(65_535)), (Ok(1), Ok(65_535)));
        for bad in [-1, 0, 65_536] {
            assert_eq!(Tracker::at_least(bad), Err(TrackError::AtLeast(bad)));
        }
    }
}
