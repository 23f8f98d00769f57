//! What checks have found, written down for the next agent, check by check: since when, why, and how many.
//!
//! It is worth nothing without the pinned maps beside it, which end with the host: nothing is forced to the disk, and
//! times count from when the host was started.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use tracing::warn;

use super::{Key, Last, Prober, Shared};
use crate::{
    agent::files::{self, FileError},
    health::Report,
};

/// How old numbers get in the file; a change of state is written at once.
const REFRESH: Duration = Duration::from_secs(10);
/// From one time of writing to the next: of a thousand changes at once, the first and the last are written.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause is so many times as long as writing took, if that is longer.
const REST: u32 = 10;

/// What is known of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The pool.
    pub pool: String,
    /// The server's name in it.
    pub server: String,
    /// Which of its checks, from 0.
    pub check: usize,
    /// Where it goes: a server at another address is another server.
    pub address: SocketAddr,
    /// What results have come to.
    pub report: Report,
    /// The last one.
    pub last: Option<Last>,
}

impl Record {
    /// Which check of which server it is.
    #[must_use]
    pub fn key(&self) -> Key {
        (self.pool.clone(), self.server.clone(), self.check)
    }

    fn until(mut self, now: Duration) -> Self {
        if let Some(last) = &mut self.last {
            last.at = last.at.min(now);
        }
        Self { report: self.report.until(now), ..self }
    }
}

/// What an earlier agent has left in the state folder.
///
/// # Errors
/// The file cannot be read, or is none of these.
pub(in crate::agent) fn load(folder: &Path, now: Duration) -> Result<Vec<Record>, FileError> {
    let records: Vec<Record> = files::read(&file(folder))?;
    Ok(records.into_iter().map(|record| record.until(now)).collect())
}

fn file(folder: &Path) -> PathBuf {
    folder.join("checks.json")
}

/// The file.
#[derive(Debug)]
pub(super) struct Memory {
    file: PathBuf,
    /// What is in it, as the book counts it. Who writes has the lock.
    seen: Mutex<(u64, u64)>,
}

impl Memory {
    fn write(&self, shared: &Shared) -> Result<(), FileError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The book is not held while the disk is waited for.
        let news = shared.book().records(*seen);
        if let Some((records, now)) = news {
            files::write_lightly(&self.file, &records)?;
            *seen = now;
        }
        Ok(())
    }
}

impl Prober {
    /// Writes what is known into this folder from now on, until the last of these is dropped.
    pub(in crate::agent) fn remember(&self, folder: &Path) {
        let memory = Arc::new(Memory { file: file(folder), seen: Mutex::default() });
        let shared = Arc::clone(&self.shared);
        tokio::spawn(write_again_and_again(shared, Arc::clone(&memory)));
        _ = self.shared.memory.set(memory);
    }

    /// Writes it once more, now.
    pub(in crate::agent) fn write_down(&self) {
        let written = self.shared.memory.get().map(|memory| memory.write(&self.shared));
        report(written.unwrap_or(Ok(())));
    }
}

async fn write_again_and_again(shared: Arc<Shared>, memory: Arc<Memory>) {
    loop {
        // It is time at the end of this, or somebody has turned up or down.
        _ = timeout(REFRESH, shared.turned.notified()).await;
        let (book, paper) = (Arc::clone(&shared), Arc::clone(&memory));
        let begun = Instant::now();
        // Ten thousand checks are some megabytes.
        match spawn_blocking(move || paper.write(&book)).await {
            Ok(written) => report(written),
            Err(_) => return,
        }
        sleep(PAUSE.max(REST * begun.elapsed())).await;
    }
}

fn report(written: Result<(), FileError>) {
    if let Err(error) = written {
        warn!(%error, "the next agent will not know what each check has found");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Advice, Failure, Outcome, State};

    fn record(at: Duration) -> Record {
        Record {
            pool: "web".to_owned(),
            server: "a".to_owned(),
            check: 1,
            address: "192.0.2.1:80".parse().unwrap(),
            report: Report {
                state: State::Down,
                since: at,
                contrary: 1,
                checks: 70,
                failed: 7,
                failure: Some(Failure {
                    reason: "connection refused".to_owned(),
                    since: at,
                    last: at,
                    count: 3,
                    ongoing: false,
                }),
                inconclusive: None,
                advice: Advice::NONE,
            },
            last: Some(Last { outcome: Outcome::Passed, at, took: Duration::from_millis(1) }),
        }
    }

    #[test]
    fn what_is_written_is_there_for_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let seconds = Duration::from_secs;
        assert_eq!(load(folder.path(), seconds(9)).unwrap(), []);
        files::write_lightly(&file(folder.path()), &[record(seconds(7))]).unwrap();
        assert_eq!(load(folder.path(), seconds(9)).unwrap(), [record(seconds(7))]);
        let early = load(folder.path(), seconds(5)).unwrap();
        assert_eq!(early, [record(seconds(5))], "nothing has yet to happen");
        std::fs::write(file(folder.path()), "[{}]").unwrap();
        assert!(load(folder.path(), seconds(9)).unwrap_err().to_string().contains("checks.json"));
    }
}
