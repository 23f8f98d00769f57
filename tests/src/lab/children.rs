//! The processes that a process has started.

use std::fs;

use anyhow::{Context as _, Result};
use nix::unistd::Pid;
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid as RawPid, PidfdFlags, pidfd_open},
};

/// Those that it has started, and that live.
pub(super) fn children(parent: u32) -> Result<Vec<Pid>> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let ids = text.split_whitespace().map(|id| id.parse().context("a process id"));
    ids.map(|id| id.map(Pid::from_raw)).collect()
}

/// The one of them that was started with this as its first argument.
pub(super) fn child_called(parent: u32, argument: &str) -> Result<Pid> {
    let is_called = |pid: &Pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(argument.as_bytes())
    };
    let found = children(parent)?.into_iter().find(is_called);
    found.with_context(|| format!("process {parent} has no `{argument}` beneath it"))
}

/// Waits until they have ended, each by itself.
pub(super) fn await_end(pids: &[Pid]) -> Result<()> {
    for pid in pids.iter().filter_map(|pid| RawPid::from_raw(pid.as_raw())) {
        // One that cannot be opened has ended.
        if let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) {
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], None)?;
        }
    }
    Ok(())
}
