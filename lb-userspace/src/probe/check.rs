//! One check of a real server, from the first packet to the verdict.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{
    ask::{ask, blame},
    connect::CheckError,
    converse::Awaited,
    message::Job,
    opener::Opener,
    recorder::Recorder,
    through,
    way::Way,
};
use crate::{
    health::{Advice, Outcome},
    model::VipPath,
};

/// Makes the check, and says what it has found and how long it took.
pub(super) async fn check(
    job: &Job,
    opener: &dyn Opener,
    recorder: &Recorder,
) -> (Outcome, Duration) {
    let started = Instant::now();
    let deadline = started + job.timeout;
    let result = if job.vips.is_empty() {
        ask_once(job, None, deadline, (opener, recorder)).await
    } else {
        through::check(job, deadline, (opener, recorder)).await
    };
    let outcome = match blame(&job.kind, result) {
        Ok(Advice::NONE) => Outcome::Passed,
        Ok(advice) => Outcome::Advised(advice),
        Err(error) if error.is_local() => Outcome::Inconclusive(error.to_string()),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    (outcome, started.elapsed())
}

/// Asks through a VIP, or at the own address.
pub(super) async fn ask_once(
    job: &Job,
    path: Option<VipPath>,
    deadline: Instant,
    (opener, recorder): (&dyn Opener, &Recorder),
) -> Result<Advice, CheckError> {
    let (awaited, way) = (Awaited::new(recorder), Way::new(job, path, opener, recorder));
    let result = timeout_at(deadline, ask(&job.kind, &way, &awaited)).await;
    result.unwrap_or_else(|_| awaited.too_late(job.timeout).map(|()| Advice::NONE))
}

#[cfg(test)]
#[path = "check_test.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "hostile_test.rs"]
mod hostile_tests;
