//! One check of a real server, from the first packet to the verdict.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{
    ask::{ask, blame},
    converse::Awaited,
    message::Job,
    way::Way,
};
use crate::health::{Advice, Outcome};

/// Makes the check, and says what it has found and how long it took.
pub(super) async fn check(job: &Job) -> (Outcome, Duration) {
    let started = Instant::now();
    let awaited = Awaited::default();
    let way = Way {
        address: job.address,
        interface: job.interface.as_deref(),
        source: job.source,
        mark: job.mark,
        proxy: job.proxy,
    };
    let result = timeout(job.timeout, ask(&job.kind, &way, &awaited)).await;
    let result = result.unwrap_or_else(|_| awaited.too_late(job.timeout).map(|()| Advice::NONE));
    let outcome = match blame(&job.kind, result) {
        Ok(Advice::NONE) => Outcome::Passed,
        Ok(advice) => Outcome::Advised(advice),
        Err(error) if error.is_local() => Outcome::Inconclusive(error.to_string()),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    (outcome, started.elapsed())
}

#[cfg(test)]
#[path = "check_test.rs"]
pub(super) mod tests;
