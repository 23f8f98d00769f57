//! Checks of real servers: one task a server drives one [`Checker`].

mod ask;
mod connect;
mod converse;
mod datagram;
mod http2;
mod tls;
mod way;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use self::connect::CheckError;
use self::converse::Awaited;
use self::way::Way;
use crate::health::{Action, Advice, Checker, Initial, Outcome, Report, Settings, State};
use crate::model::{CheckKind, Mark, ProxyVersion};

/// A server to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The pool it belongs to.
    pub pool: String,
    /// Its name in the pool.
    pub server: String,
    /// Which of its checks this is, from 0.
    pub check: usize,
    /// How it is asked.
    pub kind: CheckKind,
    /// Where to connect.
    pub address: SocketAddr,
    /// The interface the check has to leave by; `None` leaves it to the routes.
    pub interface: Option<String>,
    /// The address to connect from; `None` leaves it to the kernel. Never a VIP: the real server
    /// holds it too, and would answer itself.
    pub source: Option<IpAddr>,
    /// The mark.
    pub mark: Option<Mark>,
    /// The header.
    pub proxy: Option<ProxyVersion>,
    /// How often, how long, how many.
    pub settings: Settings,
}

/// What the agent hears: the first result of each server, then each change of its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The pool.
    pub pool: String,
    /// The server's name in it.
    pub server: String,
    /// Which of its checks.
    pub check: usize,
    /// What holds from now on.
    pub state: State,
    /// Why, for people.
    pub reason: String,
    /// How long the check that decided it took.
    pub took: Duration,
}

/// A check: pool, server, and which of its checks.
pub type Key = (String, String, usize);

/// The checks that are going on. They end when it is dropped.
#[derive(Debug)]
pub struct Prober {
    origin: Instant,
    events: mpsc::Sender<Event>,
    watched: BTreeMap<Key, Watched>,
}

#[derive(Debug)]
struct Watched {
    target: Target,
    hurry: Arc<Notify>,
    report: watch::Receiver<Report>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Prober {
    /// A prober without targets. When `events` is full, the server whose event does not fit is
    /// not checked until it does: nothing is lost, and memory does not grow.
    #[must_use]
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        Self { origin: Instant::now(), events, watched: BTreeMap::new() }
    }

    /// The time the reports count in.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Begins to check a server. One that is checked already goes on; when something about it has
    /// changed, its state is carried over (unless it answers at another address now).
    pub fn watch(&mut self, mut target: Target) {
        let key = target.key();
        if let Some(before) = self.watched.get(&key) {
            let asked = Initial::Known(before.report.borrow().state);
            let settings = Settings { initial: before.target.settings.initial, ..target.settings };
            if (Target { settings, ..target.clone() }) == before.target {
                return;
            }
            let same_place = before.target.address == target.address;
            if same_place && before.report.borrow().checks > 0 {
                target.settings.initial = asked;
            }
        }
        let checker = Checker::new(target.settings, self.now(), jitter(&target));
        let (publish, report) = watch::channel(checker.report().clone());
        let hurry = Arc::new(Notify::new());
        let task = Task {
            target: target.clone(),
            origin: self.origin,
            checker,
            hurry: Arc::clone(&hurry),
            report: publish,
            events: self.events.clone(),
        };
        let task = tokio::spawn(task.run()).abort_handle();
        self.watched.insert(key, Watched { target, hurry, report, task });
    }

    /// Ends all checks but these.
    pub fn keep(&mut self, wanted: &BTreeSet<Key>) {
        self.watched.retain(|key, _| wanted.contains(key));
    }

    /// Makes the next checks of a server due now.
    pub fn check_now(&self, pool: &str, server: &str) {
        self.of(pool, server).for_each(|watched| watched.hurry.notify_one());
    }

    /// What is known of a server, by each of its checks.
    pub fn reports(&self, pool: &str, server: &str) -> impl Iterator<Item = (&CheckKind, Report)> {
        self.of(pool, server).map(|watched| (&watched.target.kind, watched.report.borrow().clone()))
    }

    fn of(&self, pool: &str, server: &str) -> impl Iterator<Item = &Watched> {
        let first = (pool.to_owned(), server.to_owned(), 0);
        let last = (pool.to_owned(), server.to_owned(), usize::MAX);
        self.watched.range(first..=last).map(|(_, watched)| watched)
    }
}

impl Target {
    /// Which check of which server it is.
    #[must_use]
    pub fn key(&self) -> Key {
        (self.pool.clone(), self.server.clone(), self.check)
    }
}

/// Differs from server to server, and is the same after a restart.
fn jitter(target: &Target) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&target.pool, &target.server, target.check, target.address).hash(&mut hasher);
    hasher.finish()
}

type Attempt = Pin<Box<dyn Future<Output = Result<Advice, CheckError>> + Send>>;

async fn check(target: Target, awaited: Awaited) -> Result<Advice, CheckError> {
    let way = Way {
        address: target.address,
        interface: target.interface.as_deref(),
        source: target.source,
        mark: target.mark,
        proxy: target.proxy,
    };
    ask::ask(&target.kind, &way, &awaited).await
}

struct Task {
    target: Target,
    origin: Instant,
    checker: Checker,
    hurry: Arc<Notify>,
    report: watch::Sender<Report>,
    events: mpsc::Sender<Event>,
}

impl Task {
    /// Ends when nobody takes events any more.
    async fn run(mut self) {
        let mut attempt: Option<Attempt> = None;
        let mut awaited = Awaited::default();
        let mut started = Instant::now();
        loop {
            let result = match self.checker.poll(self.origin.elapsed()) {
                Action::Start { .. } => {
                    started = Instant::now();
                    awaited = Awaited::default();
                    attempt = Some(Box::pin(check(self.target.clone(), awaited.clone())));
                    continue;
                }
                Action::GiveUp => awaited.too_late(self.target.settings.timeout).map(|()| Advice::NONE),
                Action::Wait => {
                    let deadline = self.origin + self.checker.next_deadline();
                    tokio::select! {
                        result = finished(&mut attempt) => result,
                        () = sleep_until(deadline) => continue,
                        () = self.hurry.notified() => {
                            self.checker.hurry(self.origin.elapsed());
                            continue;
                        }
                    }
                }
            };
            attempt = None;
            if self.settle(result, started.elapsed()).await.is_err() {
                return;
            }
        }
    }

    async fn settle(
        &mut self,
        result: Result<Advice, CheckError>,
        took: Duration,
    ) -> Result<(), mpsc::error::SendError<Event>> {
        let outcome = match result {
            Ok(_) => Outcome::Passed,
            Err(error) if error.is_local() => Outcome::Inconclusive(error.to_string()),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        let reason = match &outcome {
            Outcome::Passed => "answers".to_owned(),
            Outcome::Failed(reason) | Outcome::Inconclusive(reason) => reason.clone(),
        };
        let checks = self.checker.report().checks;
        let transition = self.checker.outcome(self.origin.elapsed(), outcome);
        let report = self.checker.report();
        let first = checks == 0 && report.checks == 1;
        let state = report.state;
        self.report.send_replace(report.clone());
        if transition.is_some() || first {
            let (pool, server) = (self.target.pool.clone(), self.target.server.clone());
            let check = self.target.check;
            self.events.send(Event { pool, server, check, state, reason, took }).await?;
        }
        Ok(())
    }
}

async fn finished(attempt: &mut Option<Attempt>) -> Result<Advice, CheckError> {
    match attempt {
        Some(attempt) => attempt.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "probe_test.rs"]
mod tests;
