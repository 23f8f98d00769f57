//! Checks that somebody has asked for, and who waits for what they find.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::{Maker, TestError, Tested};
use crate::probe::{Job, Order, TestId};

/// The most that wait at a time.
const MOST: usize = 16;

/// The tests under way.
#[derive(Debug, Default)]
pub(super) struct Tests {
    last: TestId,
    /// Those that nobody has been told of yet.
    new: Vec<(TestId, Job)>,
    waiting: BTreeMap<TestId, oneshot::Sender<Tested>>,
}

impl Tests {
    /// One more, and where its answer will be.
    pub(super) fn ask(
        &mut self,
        job: Job,
    ) -> Result<(TestId, oneshot::Receiver<Tested>), TestError> {
        if self.waiting.len() >= MOST {
            return Err(TestError::TooMany);
        }
        let (answer, received) = oneshot::channel();
        self.last = TestId(self.last.0 + 1);
        self.new.push((self.last, job));
        self.waiting.insert(self.last, answer);
        Ok((self.last, received))
    }

    /// What one is to be told.
    pub(super) fn orders(&mut self, maker: Maker) -> Vec<Order> {
        let mine = self.new.extract_if(.., |(_, job)| maker.makes(job));
        mine.map(|(id, job)| Order::Test(id, Box::new(job))).collect()
    }

    /// A test is over. Nobody may wait for it any more.
    pub(super) fn note(&mut self, id: TestId, tested: Tested) {
        if let Some(answer) = self.waiting.remove(&id) {
            // Whoever asked may have gone.
            _ = answer.send(tested);
        }
    }

    /// Nobody waits for it any more.
    pub(super) fn forget(&mut self, id: TestId) {
        self.waiting.remove(&id);
        self.new.retain(|(new, _)| *new != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::prober::book::tests::target,
        health::Outcome,
        model::{CheckKind, FileCheck},
    };

    #[test]
    fn each_is_told_once_and_waited_for_once() {
        let mut tests = Tests::default();
        let job = target("a", 0).job;
        let file = FileCheck { file: "/x".into(), expect: None, dynamic: false };
        let here = Job { kind: CheckKind::File(file), ..job.clone() };
        let (first, mut answer) = tests.ask(job.clone()).expect("room");
        let (second, _answer) = tests.ask(here.clone()).expect("room");
        assert_eq!(tests.orders(Maker::Agent), [Order::Test(second, Box::new(here))]);
        assert_eq!(tests.orders(Maker::Agent), []);
        assert_eq!(tests.orders(Maker::Probe), [Order::Test(first, Box::new(job))]);
        let tested =
            Tested { outcome: Outcome::Passed, took: std::time::Duration::ZERO, steps: Vec::new() };
        tests.note(first, tested.clone());
        tests.note(first, tested.clone());
        tests.note(TestId(99), tested.clone());
        assert_eq!(answer.try_recv(), Ok(tested));
    }

    #[test]
    fn so_many_at_a_time() {
        let mut tests = Tests::default();
        let answers: Vec<_> = (0..MOST).map(|_| tests.ask(target("a", 0).job)).collect();
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(tests.ask(target("a", 0).job).err(), Some(TestError::TooMany));
        tests.forget(TestId(3));
        assert!(tests.ask(target("a", 0).job).is_ok());
        assert_eq!(tests.orders(Maker::Probe).len(), MOST, "nobody waits for the third");
    }
}
