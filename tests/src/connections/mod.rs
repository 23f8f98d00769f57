//! Thousands of open connections from one thread, with data on each of them all the time and each byte checked.
//! They show what a change does to connections that exist: nothing, or which of them it broke and how.

mod driver;
mod member;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::http::Connection;
use crate::lab::Namespace;
use crate::load::Failure;
use driver::Driver;
use member::Member;

const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// What to open, and what flows on it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many connections.
    pub count: usize,
    /// Where to, in turn.
    pub targets: Vec<SocketAddr>,
    /// Where from, in turn; each target gets those of its family.
    pub sources: Vec<IpAddr>,
    /// What is asked for, in turn: `/slow?rate=4k` is one long answer, `/1k` many short ones.
    pub paths: Vec<String>,
    /// From the end of an answer to the next request.
    pub pause: Duration,
    /// A connection that is silent for longer is broken. It also bounds connecting.
    pub timeout: Duration,
}

impl Plan {
    /// Every second connection a long download of 4 KiB a second, the others two requests of 1 KiB a second.
    pub fn new(count: usize, targets: Vec<SocketAddr>, sources: Vec<IpAddr>) -> Self {
        Self {
            count,
            targets,
            sources,
            paths: vec!["/slow?rate=4k".into(), "/1k".into()],
            pause: Duration::from_millis(500),
            timeout: Duration::from_secs(20),
        }
    }
}

/// What is known of one connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The client's end.
    pub client: SocketAddr,
    /// The service's end.
    pub target: SocketAddr,
    /// The real server that answers; empty before the first answer.
    pub server: String,
    /// The bytes of all its answers' bodies so far, each of them checked.
    pub bytes: u64,
    /// How it broke.
    pub broken: Option<Failure>,
}

/// Connections that stay open until they break or are stopped. Dropping it closes them.
#[derive(Debug)]
pub struct Connections {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    records: Mutex<Vec<Record>>,
}

impl Shared {
    /// A record is whole after each update: what a thread that panicked left is good.
    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// Opens them all in a namespace, and returns when data has come on each. An error when one cannot be
    /// opened.
    pub fn open(namespace: &Namespace, plan: &Plan) -> Result<Self> {
        raise_file_limit()?;
        let members = namespace.enter(|| open_all(plan))??;
        let records = members.iter().map(|member| Record {
            client: member.client(),
            target: member.target(),
            server: String::new(),
            bytes: 0,
            broken: None,
        });
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            records: Mutex::new(records.collect()),
        });
        let driver = Driver::new(members, plan, Arc::clone(&shared))?;
        let thread = thread::Builder::new().name("connections".into());
        let thread = thread.spawn(move || driver.run())?;
        let connections = Self { shared, thread: Some(thread) };
        connections.await_data(plan.timeout)?;
        Ok(connections)
    }

    /// Waits until more data has come on every connection that is not broken.
    pub fn await_data(&self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        let before: Vec<u64> = self.shared.records().iter().map(|record| record.bytes).collect();
        let silent = |(record, before): (&Record, &u64)| {
            (record.broken.is_none() && record.bytes <= *before).then(|| record.clone())
        };
        loop {
            let found = self.shared.records().iter().zip(&before).find_map(silent);
            let Some(record) = found else { return Ok(()) };
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                bail!("the connections' thread has ended");
            }
            if Instant::now() > deadline {
                bail!("nothing has come for {limit:?} on this connection: {record:?}");
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Every connection as it is now, in the order in which they were opened.
    pub fn records(&self) -> Vec<Record> {
        self.shared.records().clone()
    }

    /// Those that have broken.
    pub fn broken(&self) -> Vec<Record> {
        self.shared.records().iter().filter(|record| record.broken.is_some()).cloned().collect()
    }

    /// Closes them and returns what became of each.
    pub fn stop(mut self) -> Result<Vec<Record>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("they were stopped before")?;
        thread.join().map_err(|_| anyhow!("the connections' thread panicked"))??;
        Ok(self.records())
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// A process may have as many files open as the system allows it, not 1,024.
fn raise_file_limit() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("raising the limit of open files")
}

fn open_all(plan: &Plan) -> Result<Vec<Member>> {
    let sources = |target: &SocketAddr| {
        let same_family = plan.sources.iter().filter(|ip| ip.is_ipv4() == target.is_ipv4());
        same_family.copied().collect::<Vec<_>>()
    };
    let targets: Vec<_> = plan.targets.iter().map(|target| (*target, sources(target))).collect();
    (0..plan.count)
        .map(|number| {
            let (target, sources) = &targets[number % targets.len()];
            let turn = number / targets.len();
            let source = sources.get(turn % sources.len().max(1));
            let source = *source.with_context(|| format!("no source address for {target}"))?;
            // Each target gets each path.
            let path = &plan.paths[(turn + number) % plan.paths.len()];
            let connection = Connection::open(source, *target, plan.timeout)
                .with_context(|| format!("opening connection {number}: {source} to {target}"))?;
            Member::new(connection.into_stream(), path).context("a socket that was just opened")
        })
        .collect()
}
