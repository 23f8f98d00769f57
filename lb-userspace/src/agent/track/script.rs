//! A script that is run again and again: rise and fall of its results.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use super::{
    board::{Board, Finding},
    run::Run,
};
use crate::{
    health::{Checker, Initial, Outcome, Settings, State},
    model::{Name, TrackScript, show_duration},
    vrrp::track::Reading,
};

/// Runs it until the task is ended. `before` is what was known of it already.
pub(super) async fn watch(name: Name, script: TrackScript, board: Arc<Board>, before: Reading) {
    let mut watched = Watched::new(&script, before);
    // The first run is at once: an instance may wait for it.
    let mut due = watched.origin;
    loop {
        sleep_until(due).await;
        due = (due + script.interval).max(Instant::now());
        let mut run = match Run::start(&name, &script) {
            Ok(run) => run,
            Err(reason) => {
                board.put(&name, watched.finding(Err(reason), None));
                continue;
            }
        };
        match timeout(script.timeout, run.ended()).await {
            Ok(result) => board.put(&name, watched.finding(result, run.said())),
            Err(_) => {
                let reason = format!("no end within {}", show_duration(script.timeout));
                board.put(&name, watched.finding(Err(reason), run.said()));
                run.give_up().await;
            }
        }
    }
}

/// The same rules as for real servers.
struct Watched {
    origin: Instant,
    checker: Checker,
    /// Nothing is known before the first result.
    known: bool,
}

impl Watched {
    fn new(script: &TrackScript, before: Reading) -> Self {
        let initial = match before {
            Reading::Up => Initial::Known(State::Up),
            Reading::Down => Initial::Known(State::Down),
            Reading::Unknown | Reading::Number(_) => Initial::Assumed(State::Down),
        };
        let settings = Settings { rise: script.rise, fall: script.fall, initial };
        let checker = Checker::new(settings, Duration::ZERO);
        Self { origin: Instant::now(), checker, known: matches!(initial, Initial::Known(_)) }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// What follows from the result of a run.
    fn finding(&mut self, result: Result<(), String>, said: Option<String>) -> Finding {
        let (outcome, mut reason) = match result {
            Ok(()) => (Outcome::Passed, "exit code 0".to_owned()),
            Err(reason) => (Outcome::Failed(reason.clone()), reason),
        };
        self.checker.outcome(self.now(), outcome);
        let report = self.checker.report();
        self.known |= report.checks > 0;
        let (reading, needed) = match report.state {
            _ if !self.known => (Reading::Unknown, 0),
            State::Up => (Reading::Up, self.checker.settings().fall),
            State::Down => (Reading::Down, self.checker.settings().rise),
        };
        if report.contrary > 0 {
            reason += &format!(", {} of {needed} times", report.contrary);
        }
        Finding { reading, reason, said }
    }
}

#[cfg(test)]
#[path = "script_test.rs"]
mod tests;
