//! How long it takes to the next check, by what the last ones have found (HAProxy: `inter`, `downinter`, `fastinter`).

use std::time::Duration;

use super::{Report, State};

/// From the start of one check to the start of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// While the server is up.
    pub up: Duration,
    /// While it is down.
    pub down: Duration,
    /// While results speak against what holds, but not enough of them; `None`: as without them.
    pub changing: Option<Duration>,
}

impl Pace {
    /// The same at all times.
    #[must_use]
    pub const fn steady(interval: Duration) -> Self {
        Self { up: interval, down: interval, changing: None }
    }

    /// The interval after such results.
    #[must_use]
    pub fn after(&self, report: &Report) -> Duration {
        let usual = match report.state {
            State::Up => self.up,
            State::Down => self.down,
        };
        self.changing.filter(|_| report.contrary > 0).unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Checker, Initial, Outcome, Settings};

    #[test]
    fn up_between_and_down() {
        let second = Duration::from_secs(1);
        let pace = Pace { up: 2 * second, down: 10 * second, changing: Some(second / 2) };
        let settings = Settings { rise: 2, fall: 2, initial: Initial::Known(State::Up) };
        let mut checker = Checker::new(settings, Duration::ZERO);
        let mut after = |outcome| {
            checker.outcome(Duration::ZERO, outcome);
            pace.after(checker.report())
        };
        let bad = || Outcome::Failed("refused".to_owned());
        assert_eq!(after(Outcome::Passed), 2 * second);
        assert_eq!(after(bad()), second / 2, "one of two");
        assert_eq!(after(Outcome::Passed), 2 * second, "nothing has come of it");
        assert_eq!([after(bad()), after(bad())], [second / 2, 10 * second]);
        assert_eq!([after(Outcome::Passed), after(Outcome::Passed)], [second / 2, 2 * second]);
        let steady = Pace::steady(second);
        assert_eq!(steady.after(checker.report()), second);
    }
}
