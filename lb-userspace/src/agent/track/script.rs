//! A script that is run again and again: rise and fall of its results.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::board::{Board, Finding};
use crate::{
    agent::script::{self, Command, Ended, Output, Runner},
    health::{Checker, Initial, Outcome, Settings, State},
    model::{Name, TrackScript},
    vrrp::track::Reading,
};

/// Runs it until the task is ended. `before` is what was known of it already.
pub(super) async fn watch(
    name: Name,
    script: TrackScript,
    runner: Runner,
    board: Arc<Board>,
    before: Reading,
) {
    let mut watched = Watched::new(&script, before);
    let command = command(&name, &script);
    // The first run is at once: an instance may wait for it.
    let mut due = watched.origin;
    loop {
        sleep_until(due).await;
        due = (due + script.interval).max(Instant::now());
        match runner.start(&command).await {
            Ok(mut running) => {
                let Ended { outcome, said } = running.ended().await;
                board.put(&name, watched.finding(&outcome, said));
                running.gone().await;
            }
            Err(outcome) => board.put(&name, watched.finding(&outcome, None)),
        }
    }
}

fn command(name: &Name, script: &TrackScript) -> Command {
    Command {
        script: script.script.clone(),
        user: Some(script.user.clone()),
        environment: vec![("LB_TRACKER", name.to_string())],
        timeout: script.timeout,
        output: Output::LastLine,
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
    fn finding(&mut self, outcome: &script::Outcome, said: Option<String>) -> Finding {
        let mut reason = outcome.to_string();
        let outcome =
            if outcome.succeeded() { Outcome::Passed } else { Outcome::Failed(reason.clone()) };
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
