//! What is known about a checked server, for `lb status` and for the next agent: since when, why, how many.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Advice, State};

/// A snapshot of one checker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What holds now.
    pub state: State,
    /// Since when.
    pub since: Duration,
    /// Results in a row that speak against `state`; `rise` or `fall` of them change it.
    pub contrary: u32,
    /// Conclusive results so far.
    pub checks: u64,
    /// Those of them that were bad.
    pub failed: u64,
    /// The failures in a row that are going on, or the last such run when the server is well.
    pub failure: Option<Failure>,
    /// Why the last check could not be made at all; gone with the next conclusive one.
    pub inconclusive: Option<String>,
    /// What the last check that passed has heard of how much the server wants.
    pub advice: Advice,
}

impl Report {
    /// The same, with nothing in it that has yet to happen: the words of somebody else.
    #[must_use]
    pub fn until(mut self, now: Duration) -> Self {
        self.since = self.since.min(now);
        if let Some(failure) = &mut self.failure {
            failure.since = failure.since.min(now);
            failure.last = failure.last.min(now);
        }
        self
    }
}

/// A run of failed checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The words of the latest one.
    pub reason: String,
    /// When the first of the run failed.
    pub since: Duration,
    /// When the latest of the run failed.
    pub last: Duration,
    /// How many failed in a row.
    pub count: u32,
    /// No check has passed since.
    pub ongoing: bool,
}
