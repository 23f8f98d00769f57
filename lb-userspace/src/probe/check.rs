//! One check of a real server, from the first packet to the verdict.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{
    connect::{CheckError, connect},
    converse::{Awaited, converse},
    message::Job,
    tls,
};
use crate::health::{Outcome, protocol};

/// What a check by TLS waits for at first.
pub(super) const TLS_HANDSHAKE: &str = "the end of the TLS handshake";

/// Makes the check, and says what it has found and how long it took.
pub(super) async fn check(job: &Job) -> (Outcome, Duration) {
    let started = Instant::now();
    let awaited = Awaited::default();
    let result = timeout(job.timeout, ask(job, &awaited)).await;
    let outcome = match result.unwrap_or_else(|_| Err(awaited.too_late(job.timeout))) {
        Ok(()) => Outcome::Passed,
        Err(error) if error.is_local() => Outcome::Inconclusive(error.to_string()),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    (outcome, started.elapsed())
}

/// What it waits for is put down where it can be seen by whoever gives it up.
async fn ask(job: &Job, awaited: &Awaited) -> Result<(), CheckError> {
    let mut stream = connect(job.address, job.interface.as_deref(), job.source).await?;
    let conversation = protocol::conversation(&job.kind, job.address);
    let Some(tls) = job.kind.tls() else {
        return match conversation {
            Some(conversation) => converse(&mut stream, conversation, awaited).await,
            None => Ok(()),
        };
    };
    awaited.put(TLS_HANDSHAKE);
    let mut stream = tls::handshake(stream, tls, job.address.ip()).await?;
    match conversation {
        Some(conversation) => converse(&mut stream, conversation, awaited).await,
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "check_test.rs"]
pub(super) mod tests;
