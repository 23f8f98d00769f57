//! The probe's loop: begins each check when it is due, and passes on what it has found.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    check::check,
    message::{Finding, Job, Order, TestId},
    opener::Opener,
    recorder::Recorder,
};
use crate::health::{CheckId, Outcome, Scheduler};

/// Tests under way at a time, besides the checks.
const TESTS: usize = 16;

/// Obeys until nobody gives orders, or nobody listens, any more. When `findings` is full nothing new is begun until
/// it is not: nothing is lost, and memory does not grow. No more than `most` checks are under way at a time.
pub async fn run(
    orders: mpsc::Receiver<Order>,
    findings: mpsc::Sender<Finding>,
    most: usize,
    opener: Arc<dyn Opener>,
) {
    let check = |job: Arc<Job>, recorder: Recorder| {
        let opener = Arc::clone(&opener);
        async move { check(&job, &*opener, &recorder).await }
    };
    run_by(orders, findings, most, check).await;
}

/// The same with another way to make a check.
pub async fn run_by<F>(
    mut orders: mpsc::Receiver<Order>,
    findings: mpsc::Sender<Finding>,
    most: usize,
    check: impl Fn(Arc<Job>, Recorder) -> F,
) where
    F: Future<Output = (Outcome, Duration)> + Send + 'static,
{
    let mut probe = Probe::new(most);
    loop {
        probe.begin_due(&check);
        let due = probe.scheduler.next_deadline().map(|due| probe.origin + due);
        let finding = tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Test(id, job)) => probe.test(id, job, &check),
                Some(order) => {
                    probe.obey(order);
                    continue;
                }
                None => return,
            },
            Some(ended) = probe.attempts.join_next() => probe.ended(ended),
            // Nobody is told of one that broke down: whoever waits for it gives up.
            Some(tested) = probe.tests.join_next() => tested.ok(),
            () = until(due) => None,
        };
        if let Some(finding) = finding
            && findings.send(finding).await.is_err()
        {
            return;
        }
    }
}

struct Probe {
    origin: Instant,
    scheduler: Scheduler,
    jobs: HashMap<CheckId, Arc<Job>>,
    attempts: JoinSet<(CheckId, Outcome, Duration)>,
    running: HashMap<CheckId, AbortHandle>,
    tests: JoinSet<Finding>,
}

impl Probe {
    fn new(most: usize) -> Self {
        Self {
            origin: Instant::now(),
            scheduler: Scheduler::new(most),
            jobs: HashMap::new(),
            attempts: JoinSet::new(),
            running: HashMap::new(),
            tests: JoinSet::new(),
        }
    }

    fn obey(&mut self, order: Order) {
        let now = self.origin.elapsed();
        match order {
            Order::Start(id, job) => {
                self.forget(id);
                self.scheduler.add(id, job.rhythm(), now);
                self.jobs.insert(id, Arc::from(job));
            }
            Order::Stop(id) => self.forget(id),
            Order::Hurry(id) => self.scheduler.hurry(id, now),
            Order::Pace(id, interval) => self.scheduler.pace(id, interval, now),
            Order::Test(..) => {}
        }
    }

    /// Makes a check beside the others, which takes no place of theirs. Too many at a time are refused.
    fn test<F>(
        &mut self,
        id: TestId,
        job: Box<Job>,
        check: impl Fn(Arc<Job>, Recorder) -> F,
    ) -> Option<Finding>
    where
        F: Future<Output = (Outcome, Duration)> + Send + 'static,
    {
        if self.tests.len() >= TESTS {
            let outcome = Outcome::Inconclusive("too many tests are under way".to_owned());
            let (took, steps) = (Duration::ZERO, Vec::new());
            return Some(Finding::Tested { id, outcome, took, steps });
        }
        let recorder = Recorder::keeping();
        let made = check(Arc::from(job), recorder.clone());
        self.tests.spawn(async move {
            let (outcome, took) = made.await;
            Finding::Tested { id, outcome, took, steps: recorder.steps() }
        });
        None
    }

    fn forget(&mut self, id: CheckId) {
        self.jobs.remove(&id);
        self.scheduler.remove(id);
        if let Some(attempt) = self.running.remove(&id) {
            attempt.abort();
        }
    }

    fn begin_due<F>(&mut self, check: impl Fn(Arc<Job>, Recorder) -> F)
    where
        F: Future<Output = (Outcome, Duration)> + Send + 'static,
    {
        while let Some(id) = self.scheduler.begin(self.origin.elapsed()) {
            let Some(job) = self.jobs.get(&id).map(Arc::clone) else { continue };
            let attempt = check(job, Recorder::default());
            let attempt = async move {
                let (outcome, took) = attempt.await;
                (id, outcome, took)
            };
            self.running.insert(id, self.attempts.spawn(attempt));
        }
    }

    /// Nothing is said of one that was stopped.
    fn ended(&mut self, ended: Result<(CheckId, Outcome, Duration), JoinError>) -> Option<Finding> {
        let (id, outcome, took) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                let mut running = self.running.iter();
                let (id, _) = running.find(|(_, attempt)| attempt.id() == error.id())?;
                let words = "the check itself broke down: see the probe's log";
                (*id, Outcome::Inconclusive(words.to_owned()), Duration::ZERO)
            }
        };
        self.running.remove(&id)?;
        self.scheduler.finished(id, self.origin.elapsed());
        Some(Finding::Result { id, outcome, took })
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "run_test.rs"]
mod tests;
