//! The agent's side of health checks: tells the probe what to check, and decides what its results mean.

mod asked;
mod book;
mod memory;

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{Instant, timeout},
};

pub(super) use self::memory::load;
use self::{
    asked::Tests,
    book::{Book, Told},
    memory::Memory,
};
pub use self::{
    book::{Known, Last},
    memory::Record,
};
use super::clock;
use crate::{
    health::{Advice, Outcome, Pace, Report, Settings, State},
    probe::{Finding, Job, Order, Step},
};

/// A check of a real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The pool it belongs to.
    pub pool: String,
    /// Its name in the pool.
    pub server: String,
    /// Which of its checks this is, from 0.
    pub check: usize,
    /// How it is asked, and how often.
    pub job: Job,
    /// How results are counted.
    pub settings: Settings,
    /// How often it is asked, by what was found.
    pub pace: Pace,
    /// What an earlier agent has found, where that holds.
    pub left: Option<Record>,
}

impl Target {
    /// Which check of which server it is.
    #[must_use]
    pub fn key(&self) -> Key {
        (self.pool.clone(), self.server.clone(), self.check)
    }

    /// A place in the interval that differs from check to check, and is the same after a restart.
    #[must_use]
    pub fn place(pool: &str, server: &str, check: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        (pool, server, check).hash(&mut hasher);
        hasher.finish()
    }
}

/// What the agent hears: the first result of each check, then each change of its state or its advice.
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
    /// How much the server wants.
    pub advice: Advice,
    /// Why, for people.
    pub reason: String,
    /// How long the check that decided it took.
    pub took: Duration,
}

/// What a test has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The verdict.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

/// Why nothing came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// Others are not over.
    #[error("too many tests are under way: try again")]
    TooMany,
    /// There is no probe, or it is too busy.
    #[error("the probe did not answer within {0:?}")]
    NoAnswer(Duration),
}

/// What the probe may take for a test besides the time of the check.
const TEST_MARGIN: Duration = Duration::from_secs(2);

/// A check: pool, server, and which of its checks.
pub type Key = (String, String, usize);

/// A probe's ears and mouth.
#[derive(Debug)]
pub struct Connection {
    /// What it is told.
    pub orders: mpsc::Sender<Order>,
    /// What it says.
    pub findings: mpsc::Receiver<Finding>,
}

/// The checks. What they have found stays as it is while there is no probe; the next one is told about all of them.
#[derive(Clone, Debug)]
pub struct Prober {
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
    /// The conversations with the probe, and with who makes the checks that stay on this host.
    conversations: Arc<Mutex<[JoinSet<()>; 2]>>,
}

/// Who makes a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// The probe.
    Probe,
    /// The agent itself.
    Agent,
}

impl Maker {
    fn makes(self, job: &Job) -> bool {
        job.kind.is_here() == (self == Self::Agent)
    }
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    book: Mutex<Book>,
    tests: Mutex<Tests>,
    /// A check has another state than before.
    turned: Notify,
    memory: OnceLock<Arc<Memory>>,
    /// There is something to tell each of them.
    changed: [Notify; 2],
}

impl Shared {
    /// There is something to tell.
    fn tell(&self) {
        self.changed.iter().for_each(Notify::notify_one);
    }

    fn tests(&self) -> MutexGuard<'_, Tests> {
        self.tests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prober {
    /// Without targets. When `events` is full no result is taken until it is not: nothing is lost, and memory does
    /// not grow.
    #[must_use]
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        let changed = [Notify::new(), Notify::new()];
        let (book, tests) = (Mutex::default(), Mutex::default());
        let (origin, turned, memory) = (clock::boot().into(), Notify::new(), OnceLock::new());
        let shared = Arc::new(Shared { origin, book, tests, turned, memory, changed });
        Self { shared, events, conversations: Arc::default() }
    }

    /// Speaks with this probe from now on, and with no other.
    pub fn connect(&self, connection: Connection) {
        self.converse(Maker::Probe, connection);
    }

    /// The same for the checks that the agent makes by itself.
    pub fn connect_here(&self, connection: Connection) {
        self.converse(Maker::Agent, connection);
    }

    fn converse(&self, maker: Maker, Connection { orders, findings }: Connection) {
        let (talker, listener) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let mut all = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        let conversation = &mut all[maker as usize];
        conversation.abort_all();
        conversation.spawn(talk(talker, maker, orders));
        conversation.spawn(listen(listener, findings, self.events.clone()));
    }

    /// The time the reports count in: since the host was started.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.shared.origin.elapsed()
    }

    /// Begins to check a server. A check that goes on already goes on; when something about it has changed, what is
    /// known is kept (unless the server answers at another address now).
    pub fn watch(&self, target: Target) {
        self.shared.book().watch(target, self.now());
        self.shared.tell();
    }

    /// Ends all checks but these.
    pub fn keep(&self, wanted: &BTreeSet<Key>) {
        self.shared.book().keep(wanted);
        self.shared.tell();
    }

    /// Makes no checks but others than these, by pool and number; what is known of them stays.
    pub fn suspend(&self, suspended: BTreeSet<(String, usize)>) {
        self.shared.book().suspend(suspended);
        self.shared.tell();
    }

    /// Makes the next checks of a server due now.
    pub fn check_now(&self, pool: &str, server: &str) {
        self.shared.book().hurry(pool, server);
        self.shared.tell();
    }

    /// Counts a failed check of a server, for each of its checks that are made again and again. What that changes is the
    /// caller's to hear.
    pub fn fail(&self, pool: &str, server: &str, reason: &str) -> Vec<Event> {
        let events = self.shared.book().fail(pool, server, reason, self.now());
        if !events.is_empty() {
            self.shared.turned.notify_one();
        }
        self.shared.tell();
        events
    }

    /// One more failed check of a server is the last, of each that says that it is up.
    pub fn condemn(&self, pool: &str, server: &str) {
        self.shared.book().condemn(pool, server);
    }

    /// Makes a check once, beside those that are made again and again, and changes nothing by it.
    pub fn test(&self, job: Job) -> impl Future<Output = Result<Tested, TestError>> + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            let limit = job.timeout + TEST_MARGIN;
            let (id, answer) = shared.tests().ask(job)?;
            shared.tell();
            let answer = timeout(limit, answer).await;
            shared.tests().forget(id);
            answer.ok().and_then(Result::ok).ok_or(TestError::NoAnswer(limit))
        }
    }

    /// All that is known of the checks of a server.
    #[must_use]
    pub fn known(&self, pool: &str, server: &str) -> Vec<Known> {
        self.shared.book().known(pool, server)
    }

    /// What is known of a server, by each of its checks.
    #[must_use]
    pub fn reports(&self, pool: &str, server: &str) -> Vec<(Job, Report)> {
        self.shared.book().reports(pool, server)
    }
}

/// Keeps one of them in line with the book, until it is gone.
async fn talk(shared: Arc<Shared>, maker: Maker, orders: mpsc::Sender<Order>) {
    let mut told = Told::default();
    loop {
        let mut news = shared.book().orders(maker, &mut told);
        news.extend(shared.tests().orders(maker));
        for order in news {
            if orders.send(order).await.is_err() {
                return;
            }
        }
        shared.changed[maker as usize].notified().await;
    }
}

/// Takes note of what a probe says, until it is gone.
async fn listen(
    shared: Arc<Shared>,
    mut findings: mpsc::Receiver<Finding>,
    events: mpsc::Sender<Event>,
) {
    while let Some(finding) = findings.recv().await {
        let finding = match finding {
            Finding::Tested { id, outcome, took, steps } => {
                shared.tests().note(id, Tested { outcome, took, steps });
                continue;
            }
            result @ Finding::Result { .. } => result,
        };
        let event = {
            let mut book = shared.book();
            let event = book.note(finding, shared.origin.elapsed());
            if book.take_news() {
                shared.tell();
            }
            event
        };
        if event.is_some() {
            shared.turned.notify_one();
        }
        if let Some(event) = event
            && events.send(event).await.is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
#[path = "prober_test.rs"]
mod tests;
