//! Health of a real server: when a run of check results becomes a change of state.
//!
//! Pure: time comes in as the [`Duration`](std::time::Duration) since a start of the caller's
//! choosing, and what is to be done comes out. When checks are made is the [`Scheduler`]'s business, in the probe;
//! what their results mean is the [`Checker`]'s, in the agent.

mod advice;
mod checker;
mod damping;
mod outlier;
mod pace;
pub mod protocol;
mod report;
mod scheduler;
mod several;
#[cfg(test)]
mod simulation_test;

pub use advice::{Advice, Share, Wish};
pub use checker::Checker;
pub use damping::Damper;
pub use outlier::{Observation, OutlierAction, Outliers};
pub use pace::Pace;
pub use report::{Failure, Report};
pub use scheduler::{CheckId, Lateness, Rhythm, Scheduler};
pub use several::Several;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a check has found a real server to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

impl State {
    /// The word shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What holds before the first result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// A guess: the first result decides alone (HAProxy: `init-state up` and `down`).
    Assumed(State),
    /// Carried over from before a reload: `rise` and `fall` count in full.
    Known(State),
}

impl Initial {
    /// Carried over from what was known last, where anything was: a server that is in use is not taken out
    /// by a single failure. Of the others we hope for the best until their first result.
    #[must_use]
    pub fn carried(last: Option<State>) -> Self {
        last.map_or(Self::Assumed(State::Up), Self::Known)
    }

    /// The state itself.
    #[must_use]
    pub fn state(self) -> State {
        match self {
            Self::Assumed(state) | Self::Known(state) => state,
        }
    }
}

/// How results are counted. `rise` and `fall` of 0 count as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Passed checks in a row that bring a server up.
    pub rise: u8,
    /// Failed checks in a row that take a server down.
    pub fall: u8,
    /// What holds before the first result.
    pub initial: Initial,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The server answered.
    Passed,
    /// The server answered, and said how much it wants.
    Advised(Advice),
    /// It did not; the words say why.
    Failed(String),
    /// The check itself could not be made (no file descriptors left, interface gone, ...). It
    /// says nothing about the server, so it changes nothing but the report.
    Inconclusive(String),
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state left.
    pub from: State,
    /// The state entered.
    pub to: State,
    /// When.
    pub at: Duration,
    /// Results in a row that led to it.
    pub results: u32,
    /// Why, for people: the failure, or "answers again".
    pub reason: String,
}
