//! Requests and downloads that go on while something changes, and what must be true of them.

use std::thread;
use std::time::{Duration, Instant};

use lb_tests::download::Download;
use lb_tests::lab::Namespace;
use lb_tests::load::{self, LoadHandle, Plan, Report};

use crate::stage::{LIMIT, RETRY_PAUSE};

/// Requests that go on.
pub(crate) struct Requests(LoadHandle);

impl Requests {
    pub(crate) fn start(client: &Namespace, plan: Plan) -> Self {
        Self(load::start(client, plan).expect("the load starts"))
    }

    /// How many were answered until now.
    pub(crate) fn answered(&self) -> u64 {
        self.0.snapshot().requests()
    }

    /// Waits until so many more were answered.
    pub(crate) fn await_more(&self, requests: u64) {
        let goal = self.answered() + requests;
        let deadline = Instant::now() + LIMIT;
        while self.answered() < goal {
            assert!(Instant::now() < deadline, "requests hang: {}", self.0.snapshot().failures());
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Waits until they have gone on for so long.
    pub(crate) fn await_time(&self, time: Duration) {
        let goal = self.0.snapshot().elapsed + time;
        while self.0.snapshot().elapsed < goal {
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Ends them. None may have failed.
    pub(crate) fn stop_whole(self) -> Report {
        whole(self.stop())
    }

    /// Waits for the end that their plan has, whatever has become of them.
    pub(crate) fn stop_when_done(self) -> Report {
        self.0.join().expect("the load ends")
    }

    /// Ends them, whatever has become of them.
    pub(crate) fn stop(self) -> Report {
        self.0.stop().expect("the load ends")
    }
}

/// A report without failures.
pub(crate) fn whole(report: Report) -> Report {
    assert!(report.requests() > 0, "there were no requests");
    let failed = report.failed();
    assert_eq!(failed, 0, "of {} requests: {}", report.requests(), report.failures());
    report
}

/// Each service's requests are shared out like this, within 10 % (or, of few requests, what chance
/// allows: 5 standard deviations). Nobody else has got any.
pub(crate) fn assert_shares(report: &Report, shares: &[(&str, f64)]) {
    for (name, service) in &report.services {
        for (real, expected) in shares {
            let share = service.share(real);
            let deviation = (expected * (1.0 - expected) / service.requests() as f64).sqrt();
            assert!(
                (share - expected).abs() <= (expected * 0.1).max(5.0 * deviation),
                "{name}: {real} got {share:.3} instead of {expected:.3} of {} requests",
                service.requests()
            );
        }
        for real in service.reals.keys() {
            assert!(shares.iter().any(|(name, _)| name == real), "{name}: {real} got requests");
        }
    }
}

/// A change has come while every one of these was going on.
pub(crate) fn assert_running(downloads: &[Download]) {
    let ended = downloads.iter().filter(|download| download.ended()).count();
    assert_eq!(ended, 0, "of {} downloads: too early to tell anything", downloads.len());
}

/// Waits for the end of downloads; each must be whole.
pub(crate) fn finish(downloads: Vec<Download>) {
    for download in downloads {
        let finished = download.finish().expect("a download is whole");
        assert_eq!(finished.bytes, 10 << 20, "from {}", finished.server);
    }
}
