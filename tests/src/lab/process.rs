//! A process of the lab: writes to a log file, ends when it is dropped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::children::children;
use super::namespace::Namespace;

const LOG_TAIL_LINES: usize = 20;
const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// Processes that are stopped; dropping this has them go on.
#[derive(Debug)]
pub struct Frozen(Vec<Pid>);

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may have been killed.
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

/// A running process; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a command in a namespace, with its output appended to `log`.
    pub fn spawn(namespace: &Namespace, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let name = command.get_program().to_string_lossy().into_owned();
        Ok(Self { child: namespace.spawn(command)?, name, log: log.to_owned() })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The status it ended with, or `None` while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL, and wait.
    pub fn kill9(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// SIGTERM, and wait; an error when it is still there after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait(limit).context("after SIGTERM")
    }

    /// Waits until it ends by itself; an error when it is still there after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!(
                    "{} still runs after {limit:?}; its log ends:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Stops it and all that it has started, until what this returns is dropped.
    pub fn freeze(&self) -> Result<Frozen> {
        let mut frozen = Frozen(vec![Pid::from_raw(self.child.id().cast_signed())]);
        let mut next = 0;
        // Those that are stopped start nobody who would be missed here.
        while let Some(pid) = frozen.0.get(next).copied() {
            kill(pid, Signal::SIGSTOP).with_context(|| format!("stopping {}", self.name))?;
            frozen.0.extend(children(pid.as_raw().cast_unsigned())?);
            next += 1;
        }
        Ok(frozen)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal)
            .with_context(|| format!("sending {signal} to {}", self.name))
    }

    /// Tries again until `ready` is true; an error when the process ends or the time is up before.
    pub fn wait_ready(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + limit;
        while !ready() {
            if let Some(status) = self.ended()? {
                bail!("{} ended early, {status}; its log ends:\n{}", self.name, self.log_tail());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} is not ready after {limit:?}; its log ends:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            thread::sleep(RETRY_PAUSE);
        }
        Ok(())
    }

    /// The last lines of its output.
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }

    /// Lets it run on without us.
    pub(super) fn leave_running(self) {
        std::mem::forget(self);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell either way.
        let _ = self.kill9();
    }
}
