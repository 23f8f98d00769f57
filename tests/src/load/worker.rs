//! One thread of a load: connections in turn, each answer checked.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use super::{Failure, Plan, Shared, Target, lock};
use crate::http::{Connection, pattern};

const MAX_BODY: usize = 1 << 20;
const REQUESTS_PER_CONNECTION: u32 = 100;

/// One thread of the load.
pub(super) struct Worker {
    number: usize,
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    sources: Vec<Vec<IpAddr>>,
}

impl Worker {
    pub(super) fn new(number: usize, plan: Arc<Plan>, shared: Arc<Shared>) -> Self {
        let sources = plan.targets.iter().map(|target| plan.sources_for(target)).collect();
        Self { number, plan, shared, sources }
    }

    pub(super) fn run(self) {
        // Threads begin at different addresses, and each target walks through all of them.
        let mut turn = self.number * 1009;
        while !self.shared.stop.load(Ordering::Relaxed) && !self.is_over() {
            let number = turn % self.plan.targets.len();
            let sources = &self.sources[number];
            let source = sources[turn / self.plan.targets.len() % sources.len()];
            self.converse(source, &self.plan.targets[number]);
            turn += 1;
        }
        lock(&self.shared.reports[self.number]).elapsed = self.shared.begin.elapsed();
    }

    /// One connection with its requests.
    fn converse(&self, source: IpAddr, target: &Target) {
        let requests = if self.plan.keep_alive { REQUESTS_PER_CONNECTION } else { 1 };
        let mut begin = Instant::now();
        let mut exchange = None;
        for _ in 0..requests {
            if self.shared.stop.load(Ordering::Relaxed) || !self.take_one() {
                return;
            }
            let outcome = match &mut exchange {
                Some(open) => Exchange::request(open, &self.plan),
                None => Exchange::open(source, target, &self.plan)
                    .and_then(|open| exchange.insert(open).request(&self.plan)),
            };
            let mut report = lock(&self.shared.reports[self.number]);
            let last = match outcome {
                Ok(answer) => {
                    report.succeeded(&target.service, &answer.real, begin.elapsed());
                    answer.last
                }
                Err(failure) => {
                    let at = self.shared.begin.elapsed().as_secs_f64();
                    let lasted = begin.elapsed();
                    let example = format!(
                        "{at:.3} s: {source} to {}: {failure} after {lasted:.1?}",
                        target.address
                    );
                    report.has_failed(&target.service, failure, example);
                    return;
                }
            };
            drop(report);
            if !self.plan.pause.is_zero() {
                thread::sleep(self.plan.pause);
            }
            if last {
                return;
            }
            begin = Instant::now();
        }
    }

    fn is_over(&self) -> bool {
        let time_is_up =
            self.plan.duration.is_some_and(|limit| self.shared.begin.elapsed() >= limit);
        let all_sent = self
            .plan
            .requests
            .is_some_and(|limit| self.shared.started.load(Ordering::Relaxed) >= limit);
        time_is_up || all_sent
    }

    /// One of the requests the plan allows, for this thread.
    fn take_one(&self) -> bool {
        let before = self.shared.started.fetch_add(1, Ordering::Relaxed);
        self.plan.requests.is_none_or(|limit| before < limit)
    }
}

/// An open connection to a target.
pub(super) struct Exchange {
    connection: Connection,
    address: SocketAddr,
}

/// A good answer.
pub(super) struct Answer {
    real: String,
    /// The server closes the connection after it.
    last: bool,
}

impl Exchange {
    pub(super) fn open(source: IpAddr, target: &Target, plan: &Plan) -> Result<Self, Failure> {
        let connection = Connection::open(source, target.address, plan.timeout)?;
        Ok(Self { connection, address: target.address })
    }

    /// One request and its answer, checked.
    pub(super) fn request(&mut self, plan: &Plan) -> Result<Answer, Failure> {
        let head = self.connection.get(self.address, &plan.path, plan.keep_alive)?;
        if head.status != 200 {
            return Err(Failure::Status(head.status));
        }
        let mut body = vec![0; head.length.min(MAX_BODY)];
        self.connection.read_body(&mut body)?;
        if !plan.keep_alive {
            self.connection.expect_end()?;
        }
        let expected = match plan.path.as_str() {
            "/" => format!("{}\n", head.server).into_bytes(),
            _ => pattern(0, body.len()),
        };
        if head.server.is_empty() || body != expected || head.length > MAX_BODY {
            return Err(Failure::WrongBody);
        }
        Ok(Answer { real: head.server, last: head.close })
    }
}
