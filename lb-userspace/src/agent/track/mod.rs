//! The trackers at work: one task each, beside the VRRP thread, which hears of what they find and never waits.

mod board;
mod file;
mod interface;
mod process;
mod script;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::watch, task::AbortHandle, time::timeout};
use tracing::warn;

use self::board::Board;
pub(super) use self::board::{Finding, Findings};
use crate::{
    agent::script::Runner,
    model::{Name, Tracker, TrackerKind},
    vrrp::track::Reading,
};

/// How long to wait for the first findings of those that need no run of a script.
const FIRST: Duration = Duration::from_secs(2);

/// Scripts that run at a time; the others wait for their turn.
const AT_ONCE: usize = 32;

/// All of them.
#[derive(Debug)]
pub(super) struct Trackers {
    board: Arc<Board>,
    runner: Runner,
    at_work: BTreeMap<Name, AtWork>,
}

/// One of them.
#[derive(Debug)]
struct AtWork {
    kind: TrackerKind,
    /// Pools and services of the proxy have none: the agent knows them itself.
    task: Option<AbortHandle>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Trackers {
    /// None yet.
    pub(super) fn new() -> Self {
        let (board, runner) = (Arc::new(Board::new()), Runner::new(AT_ONCE));
        Self { board, runner, at_work: BTreeMap::new() }
    }

    /// What they find.
    pub(super) fn findings(&self) -> watch::Receiver<Findings> {
        self.board.subscribe()
    }

    /// Begins those that are new, and waits for their first findings, but for those of scripts. One that has not
    /// changed goes on, one that has keeps its state until it knows better.
    pub(super) async fn begin(&mut self, trackers: &[Tracker]) {
        for tracker in trackers {
            let same = |before: &AtWork| before.kind == tracker.kind;
            if !self.at_work.get(&tracker.name).is_some_and(same) {
                // The old one ends first.
                self.at_work.remove(&tracker.name);
                self.at_work.insert(tracker.name.clone(), self.start(tracker));
            }
        }
        let prompt = |kind: &TrackerKind| {
            matches!(
                kind,
                TrackerKind::Process(_) | TrackerKind::File(_) | TrackerKind::Interface(_)
            )
        };
        let prompt = self.at_work.iter().filter(|(_, one)| prompt(&one.kind));
        let names: Vec<_> = prompt.map(|(name, _)| name.clone()).collect();
        let mut findings = self.findings();
        let all = findings.wait_for(|all| names.iter().all(|name| all.contains_key(name)));
        if !matches!(timeout(FIRST, all).await, Ok(Ok(_))) {
            warn!("some trackers have not found anything yet");
        }
    }

    /// Ends all but these.
    pub(super) fn retain(&mut self, trackers: &[Tracker]) {
        let wanted = |name: &Name| trackers.iter().any(|tracker| tracker.name == *name);
        self.at_work.retain(|name, _| wanted(name));
        self.board.retain(wanted);
    }

    /// Tells those that watch pools. `servers`: how many of a pool's real servers take new flows; `None`: there is no
    /// such pool any more, and soon nobody asks for it.
    pub(super) fn tell_pools(&self, servers: impl Fn(&Name) -> Option<usize>) {
        for (name, one) in &self.at_work {
            let TrackerKind::Pool(pool) = &one.kind else { continue };
            let Some(servers) = servers(pool) else { continue };
            let (reading, reason) = match servers {
                0 => (Reading::Down, "no real server takes new flows".to_owned()),
                1 => (Reading::Up, "1 real server".to_owned()),
                many => (Reading::Up, format!("{many} real servers")),
            };
            self.board.put(name, Finding { reading, reason, said: None });
        }
    }

    /// Tells those that watch services of the proxy.
    pub(super) fn tell_proxies(&self, is_served: impl Fn(&Name) -> bool) {
        for (name, one) in &self.at_work {
            let TrackerKind::Proxy(service) = &one.kind else { continue };
            let (reading, reason) = match is_served(service) {
                true => (Reading::Up, "the worker serves it"),
                false => (Reading::Down, "no worker serves it"),
            };
            self.board.put(name, Finding { reading, reason: reason.to_owned(), said: None });
        }
    }

    fn start(&self, Tracker { name, kind }: &Tracker) -> AtWork {
        let (name, board) = (name.clone(), Arc::clone(&self.board));
        let task = match kind.clone() {
            TrackerKind::Script(script) => {
                let before = board.reading(&name);
                let runner = self.runner.clone();
                Some(tokio::spawn(script::watch(name, script, runner, board, before)))
            }
            TrackerKind::Process(process) => {
                Some(tokio::spawn(process::watch(name, process, board)))
            }
            TrackerKind::File(file) => Some(tokio::spawn(file::watch(name, file, board))),
            TrackerKind::Interface(interface) => {
                Some(tokio::spawn(interface::watch(name, interface, board)))
            }
            TrackerKind::Pool(_) | TrackerKind::Proxy(_) => None,
        };
        AtWork { kind: kind.clone(), task: task.map(|task| task.abort_handle()) }
    }
}

#[cfg(test)]
#[path = "track_test.rs"]
mod tests;
