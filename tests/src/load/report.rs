//! What the requests met: counts by service and real server, and failures with their reasons.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use super::latency::Latency;

const MAX_EXAMPLES: usize = 10;

/// Why a request failed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Failure {
    /// The connection was refused.
    Refused,
    /// The connection was reset.
    Reset,
    /// Nothing happened within the time allowed.
    Timeout,
    /// The connection ended before the answer did.
    Truncated,
    /// There is no way to the address.
    Unreachable,
    /// The answer has another status than 200.
    Status(u16),
    /// The body, or the name of the real server, is not what it should be.
    WrongBody,
    /// Something else.
    Other(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Self::Refused,
            Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => Self::Reset,
            Kind::TimedOut | Kind::WouldBlock => Self::Timeout,
            Kind::UnexpectedEof => Self::Truncated,
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::Unreachable,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::Reset => f.write_str("reset"),
            Self::Timeout => f.write_str("timeout"),
            Self::Truncated => f.write_str("truncated"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::WrongBody => f.write_str("wrong body"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Everything since the load began.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By service, as the plan names it.
    pub services: BTreeMap<String, ServiceReport>,
    /// How long it has lasted.
    pub elapsed: Duration,
    /// The first few failures in full, each with time, source and target.
    pub examples: Vec<String>,
}

/// The requests to one service.
#[derive(Clone, Debug, Default)]
pub struct ServiceReport {
    /// Successful requests by real server.
    pub reals: BTreeMap<String, u64>,
    /// Failed requests by reason.
    pub failures: BTreeMap<Failure, u64>,
    /// How long the successful ones took, connecting included.
    pub latency: Latency,
}

impl ServiceReport {
    /// Successful requests.
    pub fn requests(&self) -> u64 {
        self.reals.values().sum()
    }

    /// Failed requests.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// A real server's part of the successful requests, 0 to 1.
    pub fn share(&self, real: &str) -> f64 {
        let count = self.reals.get(real).copied().unwrap_or(0);
        count as f64 / self.requests().max(1) as f64
    }

    fn add(&mut self, other: &Self) {
        for (real, count) in &other.reals {
            *self.reals.entry(real.clone()).or_default() += count;
        }
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
        self.latency.add(&other.latency);
    }
}

impl Report {
    /// Successful requests.
    pub fn requests(&self) -> u64 {
        self.services.values().map(ServiceReport::requests).sum()
    }

    /// Failed requests.
    pub fn failed(&self) -> u64 {
        self.services.values().map(ServiceReport::failed).sum()
    }

    /// Successful requests to any service by real server.
    pub fn reals(&self) -> BTreeMap<String, u64> {
        let mut total = ServiceReport::default();
        self.services.values().for_each(|service| total.add(service));
        total.reals
    }

    /// The latency of all services together.
    pub fn latency(&self) -> Latency {
        let mut total = Latency::default();
        self.services.values().for_each(|service| total.add(&service.latency));
        total
    }

    /// The failures in a line or more for a person; empty when there are none.
    pub fn failures(&self) -> String {
        let counts = self.services.iter().flat_map(|(name, service)| {
            service.failures.iter().map(move |(why, count)| format!("{name}: {count} {why}\n"))
        });
        counts.chain(self.examples.iter().map(|example| format!("  {example}\n"))).collect()
    }

    pub(super) fn succeeded(&mut self, service: &str, real: &str, time: Duration) {
        let entry = self.services.entry(service.to_owned()).or_default();
        *entry.reals.entry(real.to_owned()).or_default() += 1;
        entry.latency.record(time);
    }

    pub(super) fn has_failed(&mut self, service: &str, failure: Failure, example: String) {
        let entry = self.services.entry(service.to_owned()).or_default();
        *entry.failures.entry(failure).or_default() += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (name, service) in &other.services {
            self.services.entry(name.clone()).or_default().add(service);
        }
        self.elapsed = self.elapsed.max(other.elapsed);
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.iter().take(room).cloned());
    }
}
