//! How a run of a script went.

use std::{fmt, io, os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

use nix::sys::signal::Signal;

use super::Unsafe;
use crate::model::show_duration;

/// A run that is over.
#[derive(Debug)]
pub struct Ended {
    /// How it went.
    pub outcome: Outcome,
    /// The last line that it has said, if that was asked for.
    pub said: Option<String>,
}

/// How a run went.
#[derive(Debug)]
pub enum Outcome {
    /// It ended of its own, with this code.
    Exited(i32),
    /// A signal of this number ended it.
    Killed(i32),
    /// It took longer than it may.
    TimedOut(Duration),
    /// It must not be run.
    Refused(Unsafe),
    /// It could not be started, or its end could not be found out.
    NotRun(io::Error),
}

impl Outcome {
    /// Did it do what it was to do?
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self, Self::Exited(0))
    }
}

impl From<io::Result<ExitStatus>> for Outcome {
    fn from(ended: io::Result<ExitStatus>) -> Self {
        match ended.map(|status| (status.code(), status.signal())) {
            Ok((Some(code), _)) => Self::Exited(code),
            Ok((None, Some(signal))) => Self::Killed(signal),
            Ok((None, None)) => Self::NotRun(io::Error::other("it ended without a reason")),
            Err(error) => Self::NotRun(error),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Killed(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
            Self::TimedOut(limit) => write!(f, "no end within {}", show_duration(*limit)),
            Self::Refused(reason) => write!(f, "not run: {reason}"),
            Self::NotRun(error) => write!(f, "cannot be started: {error}"),
        }
    }
}
