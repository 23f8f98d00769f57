//! What is known of a process that the supervisor starts for the agent.

use std::time::Instant;

use crate::{api::ProcessStatus, ipc::Ending};

/// A kind of process; `W` says what it is to be.
#[derive(Debug)]
pub(super) struct Helper<W> {
    wanted: Option<W>,
    process: Option<Process>,
    /// It says nothing, and will not be asked again.
    pub(super) is_gone: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pid: u32,
    since: Instant,
    before: u32,
    ended: Option<Ending>,
}

impl<W> Default for Helper<W> {
    fn default() -> Self {
        Self { wanted: None, process: None, is_gone: false }
    }
}

impl<W: Copy + PartialEq> Helper<W> {
    /// Says what it is to be; true where that is news.
    pub(super) fn want(&mut self, what: W) -> bool {
        self.wanted.replace(what) != Some(what)
    }

    /// There is a new one.
    pub(super) const fn meet(&mut self, process: Process) {
        self.process = Some(process);
        self.is_gone = false;
    }

    pub(super) fn status(&self) -> Option<ProcessStatus> {
        let Process { pid, since, before, ended } = self.process?;
        Some(ProcessStatus {
            pid,
            running: !self.is_gone,
            uptime_seconds: since.elapsed().as_secs(),
            restarts: before,
            last_end: ended.map(|ended| ended.to_string()),
        })
    }
}

impl Process {
    pub(super) fn new(pid: u32, before: u32, ended: Option<Ending>) -> Self {
        Self { pid, since: Instant::now(), before, ended }
    }
}
