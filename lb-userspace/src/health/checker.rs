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

use super::{Failure, Initial, Outcome, Report, Settings, State, Transition};

/// The first check waits at most this long, however long the interval: a director that has just
/// started should know its servers soon, but not open a thousand connections in one instant.
const FIRST_CHECK_WITHIN: Duration = Duration::from_millis(250);

/// What the shell has to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until [`Checker::next_deadline`] or the outcome of the running check.
    Wait,
    /// Start a check; it is over at the time given.
    Start {
        /// When the checker will ask to give it up.
        deadline: Duration,
    },
    /// Abandon the running check, then report its outcome as failed.
    GiveUp,
}

/// The checker of one real server.
#[derive(Clone, Debug)]
pub struct Checker {
    settings: Settings,
    /// The server's own share of the interval: keeps the checks of many servers apart.
    phase: Duration,
    progress: Progress,
    undecided: bool,
    report: Report,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    Idle { next: Duration },
    Running { started: Duration, deadline: Duration },
}

impl Checker {
    /// A checker whose first check is due shortly after `now`. `jitter` spreads checks over time:
    /// any number that differs between servers, such as a hash of the name.
    #[must_use]
    pub fn new(settings: Settings, now: Duration, jitter: u64) -> Self {
        let first = share(settings.interval.min(FIRST_CHECK_WITHIN), jitter);
        Self {
            settings,
            phase: share(settings.interval, jitter),
            progress: Progress::Idle { next: now + first },
            undecided: matches!(settings.initial, Initial::Assumed(_)),
            report: Report {
                state: settings.initial.state(),
                since: now,
                contrary: 0,
                checks: 0,
                failure: None,
                inconclusive: None,
            },
        }
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is known so far.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// When [`Checker::poll`] will next have something to say.
    #[must_use]
    pub fn next_deadline(&self) -> Duration {
        match self.progress {
            Progress::Idle { next } => next,
            Progress::Running { deadline, .. } => deadline,
        }
    }

    /// What to do at `now`.
    pub fn poll(&mut self, now: Duration) -> Action {
        match self.progress {
            Progress::Idle { next } if now >= next => {
                let deadline = now + self.settings.timeout;
                self.progress = Progress::Running { started: now, deadline };
                Action::Start { deadline }
            }
            Progress::Running { deadline, .. } if now >= deadline => Action::GiveUp,
            Progress::Idle { .. } | Progress::Running { .. } => Action::Wait,
        }
    }

    /// Makes the next check due at once: something else cast a doubt on the server.
    pub fn hurry(&mut self, now: Duration) {
        if let Progress::Idle { next } = &mut self.progress {
            *next = now.min(*next);
        }
    }

    /// Takes the result of the running check. A result nobody waits for is ignored.
    pub fn outcome(&mut self, now: Duration, outcome: Outcome) -> Option<Transition> {
        let Progress::Running { started, .. } = self.progress else {
            return None;
        };
        self.progress = Progress::Idle { next: self.after(started).max(now) };
        let (seen, reason) = match outcome {
            Outcome::Inconclusive(reason) => {
                self.report.inconclusive = Some(reason);
                return None;
            }
            Outcome::Passed => (State::Up, "answers".to_owned()),
            Outcome::Failed(reason) => (State::Down, reason),
        };
        self.report.inconclusive = None;
        self.report.checks += 1;
        self.remember(now, seen, &reason);
        self.decide(now, seen, reason)
    }

    /// The start of the check that follows one started at `started`. The second check moves the
    /// server to its own place in the interval; all later ones keep it.
    fn after(&self, started: Duration) -> Duration {
        if self.report.checks == 0 {
            started + self.settings.interval / 2 + self.phase
        } else {
            started + self.settings.interval
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

/// `whole` times `jitter` / 2^64.
fn share(whole: Duration, jitter: u64) -> Duration {
    let nanoseconds = (whole.as_nanos() * u128::from(jitter)) >> u64::BITS;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "checker_test.rs"]
mod tests;
