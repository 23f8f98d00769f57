//! Ctrl-C as an event that a program can wait for, so that it ends by its own way and cleans up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};

/// Was the program asked to end (SIGINT, SIGTERM or SIGHUP)?
#[derive(Debug)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    events: Receiver<()>,
}

impl Interrupt {
    /// Catches the signals from now on. Call it first: threads that exist already are not covered.
    pub fn catch() -> Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        signals.thread_block().context("blocking SIGINT")?;
        let flag = Arc::new(AtomicBool::new(false));
        let (sender, events) = channel();
        let raised = Arc::clone(&flag);
        thread::Builder::new().name("signals".into()).spawn(move || {
            while signals.wait().is_ok() {
                raised.store(true, Ordering::Relaxed);
                if sender.send(()).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { flag, events })
    }

    /// Has it been raised?
    pub fn raised(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Waits so long at most; true when it has been raised.
    pub fn wait(&self, limit: Duration) -> bool {
        if self.raised() {
            return true;
        }
        match self.events.recv_timeout(limit) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.raised(),
        }
    }
}
