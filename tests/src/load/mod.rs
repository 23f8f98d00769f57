//! Requests from many client addresses, each answer checked, until told to stop.

mod latency;
mod report;
mod worker;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use latency::Latency;
pub use report::{Failure, Report, ServiceReport};

use crate::lab::Namespace;
use worker::{Exchange, Worker};

const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Where requests go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The name the report uses.
    pub service: String,
    /// Address and port.
    pub address: SocketAddr,
}

impl Target {
    /// A target of that name.
    pub fn new(service: &str, address: impl Into<SocketAddr>) -> Self {
        Self { service: service.to_owned(), address: address.into() }
    }
}

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to, in turn.
    pub targets: Vec<Target>,
    /// Where from, in turn; each target gets those of its family.
    pub sources: Vec<IpAddr>,
    /// `/`, or a file of the web servers of at most 1 MiB.
    pub path: String,
    /// How many threads.
    pub threads: u32,
    /// Up to 100 requests on a connection instead of one.
    pub keep_alive: bool,
    /// The limit for connecting, and for each read.
    pub timeout: Duration,
    /// A pause after each request of a thread: zero for as many as possible.
    pub pause: Duration,
    /// Stop after so long.
    pub duration: Option<Duration>,
    /// Stop after so many requests, failed ones included.
    pub requests: Option<u64>,
}

impl Plan {
    /// New connections from two threads, as fast as they go, until stopped.
    pub fn new(targets: Vec<Target>, sources: Vec<IpAddr>) -> Self {
        Self {
            targets,
            sources,
            path: "/".into(),
            threads: 2,
            keep_alive: false,
            timeout: Duration::from_secs(5),
            pause: Duration::ZERO,
            duration: None,
            requests: None,
        }
    }

    fn sources_for(&self, target: &Target) -> Vec<IpAddr> {
        let family = target.address.is_ipv4();
        self.sources.iter().copied().filter(|source| source.is_ipv4() == family).collect()
    }
}

/// A load that runs. Dropping it stops it.
#[derive(Debug)]
pub struct LoadHandle {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    started: AtomicU64,
    /// One a thread: they are never in each other's way.
    reports: Vec<Mutex<Report>>,
    begin: Instant,
}

/// Starts the load in a namespace.
pub fn start(namespace: &Namespace, plan: Plan) -> Result<LoadHandle> {
    for target in &plan.targets {
        if plan.sources_for(target).is_empty() {
            bail!("no source address of the family of {}", target.address);
        }
    }
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        started: AtomicU64::new(0),
        reports: (0..plan.threads.max(1)).map(|_| Mutex::default()).collect(),
        begin: Instant::now(),
    });
    let plan = Arc::new(plan);
    let mut handle = LoadHandle { shared: Arc::clone(&shared), threads: Vec::new() };
    for number in 0..shared.reports.len() {
        let worker = Worker::new(number, Arc::clone(&plan), Arc::clone(&shared));
        // Threads started inside stay inside.
        let thread = namespace.enter(|| {
            thread::Builder::new().name(format!("load{number}")).spawn(move || worker.run())
        })?;
        handle.threads.push(thread.context("starting a thread")?);
    }
    Ok(handle)
}

/// Runs the load to the end its plan sets.
pub fn run(namespace: &Namespace, plan: Plan) -> Result<Report> {
    if plan.duration.is_none() && plan.requests.is_none() {
        bail!("this load has no end: set a duration or a number of requests");
    }
    start(namespace, plan)?.join()
}

/// Asks each target until it has answered once; these requests are not counted anywhere.
pub fn wait_answering(namespace: &Namespace, plan: &Plan, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    for target in &plan.targets {
        let source = plan.sources_for(target).first().copied();
        let source = source.with_context(|| format!("no source address for {}", target.address))?;
        let ask = || Exchange::open(source, target, plan).and_then(|mut open| open.request(plan));
        while let Err(failure) = namespace.enter(ask)? {
            if Instant::now() > deadline {
                bail!(
                    "{} ({}) does not answer after {limit:?}: {failure}",
                    target.service,
                    target.address
                );
            }
            thread::sleep(RETRY_PAUSE);
        }
    }
    Ok(())
}

impl LoadHandle {
    /// The report so far.
    pub fn snapshot(&self) -> Report {
        let mut total = Report::default();
        self.shared.reports.iter().for_each(|report| total.add(&lock(report)));
        if !self.finished() {
            total.elapsed = self.shared.begin.elapsed();
        }
        total
    }

    /// Has it come to its end?
    pub fn finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Lets requests under way end, and returns the report.
    pub fn stop(self) -> Result<Report> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Waits for the end the plan sets.
    pub fn join(mut self) -> Result<Report> {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                bail!("a load thread panicked");
            }
        }
        Ok(self.snapshot())
    }
}

impl Drop for LoadHandle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

/// A report is whole after each update: one left by a thread that panicked is good.
fn lock(report: &Mutex<Report>) -> MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}
