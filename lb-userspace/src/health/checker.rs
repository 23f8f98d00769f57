//! The rise/fall machine of one real server.
//!
//! ```text
//!            `fall` failures in a row
//!        ┌──────────────────────────────┐
//!   ┌────┴───┐                      ┌───▼────┐
//!   │   Up   │                      │  Down  │
//!   └────▲───┘                      └───┬────┘
//!        └──────────────────────────────┘
//!            `rise` passes in a row
//! ```
//! A result that agrees with the state starts the count again, so a server that fails every other
//! check never changes state (as in HAProxy and keepalived). An assumed first state is different:
//! the first result replaces it at once.

use std::time::Duration;

use super::{Advice, Failure, Initial, Outcome, Report, Settings, State, Transition};

/// The checker of one real server.
#[derive(Clone, Debug)]
pub struct Checker {
    settings: Settings,
    undecided: bool,
    report: Report,
}

impl Checker {
    /// A checker that has no result yet.
    #[must_use]
    pub fn new(settings: Settings, now: Duration) -> Self {
        Self {
            settings,
            undecided: matches!(settings.initial, Initial::Assumed(_)),
            report: Report {
                state: settings.initial.state(),
                since: now,
                contrary: 0,
                checks: 0,
                failed: 0,
                failure: None,
                inconclusive: None,
                advice: Advice::NONE,
            },
        }
    }

    /// One that goes on from what another has found.
    #[must_use]
    pub fn resume(settings: Settings, report: Report) -> Self {
        Self { settings, undecided: false, report }
    }

    /// Other settings from now on, but for what held before the first result. What is known stays; a run of results
    /// that speak against it begins anew where they differ.
    pub fn change(&mut self, settings: Settings) {
        let settings = Settings { initial: self.settings.initial, ..settings };
        if settings != self.settings {
            self.settings = settings;
            self.report.contrary = 0;
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is known so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Takes the result of a check.
    pub fn outcome(&mut self, now: Duration, outcome: Outcome) -> Option<Transition> {
        match outcome {
            Outcome::Passed => self.report.advice = Advice::NONE,
            Outcome::Advised(advice) => self.report.advice = advice,
            Outcome::Failed(_) | Outcome::Inconclusive(_) => {}
        }
        let (seen, reason) = match outcome {
            Outcome::Inconclusive(reason) => {
                self.report.inconclusive = Some(reason);
                return None;
            }
            Outcome::Passed | Outcome::Advised(_) => (State::Up, "answers".to_owned()),
            Outcome::Failed(reason) => (State::Down, reason),
        };
        self.report.inconclusive = None;
        self.report.checks += 1;
        self.report.failed += u64::from(seen == State::Down);
        self.remember(now, seen, &reason);
        self.decide(now, seen, reason)
    }

    /// One more failed check is the last, if it is up: requests have said that it is not well.
    pub fn condemn(&mut self) {
        if self.report.state == State::Up {
            let all_but_one = u32::from(self.settings.fall.saturating_sub(1));
            self.report.contrary = self.report.contrary.max(all_but_one);
        }
    }

    fn remember(&mut self, now: Duration, seen: State, reason: &str) {
        match (&mut self.report.failure, seen) {
            (Some(failure), State::Up) => failure.ongoing = false,
            (None, State::Up) => {}
            (Some(failure), State::Down) if failure.ongoing => {
                reason.clone_into(&mut failure.reason);
                failure.last = now;
                failure.count = failure.count.saturating_add(1);
            }
            (failure, State::Down) => {
                *failure = Some(Failure {
                    reason: reason.to_owned(),
                    since: now,
                    last: now,
                    count: 1,
                    ongoing: true,
                });
            }
        }
    }

    fn decide(&mut self, now: Duration, seen: State, reason: String) -> Option<Transition> {
        let first = std::mem::take(&mut self.undecided);
        if seen == self.report.state {
            self.report.contrary = 0;
            return None;
        }
        self.report.contrary += 1;
        let needed = match seen {
            State::Up => self.settings.rise,
            State::Down => self.settings.fall,
        };
        if !first && self.report.contrary < u32::from(needed.max(1)) {
            return None;
        }
        let transition = Transition {
            from: self.report.state,
            to: seen,
            at: now,
            results: self.report.contrary,
            reason,
        };
        self.report.state = seen;
        self.report.since = now;
        self.report.contrary = 0;
        Some(transition)
    }
}

#[cfg(test)]
#[path = "checker_test.rs"]
mod tests;
