//! How late this machine is by itself: threads of real-time priority, one on each CPU, that do nothing but sleep.
//!
//! A virtual machine's CPUs stand still now and then, and no priority helps against that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use crate::arrivals::Late;

/// Above lb's.
const PRIORITY: u8 = 60;

/// Watches until it is stopped.
pub(crate) struct Witness {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<Vec<Duration>>>>,
}

impl Witness {
    /// On so many CPUs; each thread wants to wake this often.
    pub(crate) fn start(cpus: usize, every: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let watch = |cpu| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                settle(cpu)?;
                let mut late = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let begin = Instant::now();
                    thread::sleep(every);
                    late.push(begin.elapsed().saturating_sub(every));
                }
                Ok(late)
            })
        };
        let threads = (0..cpus).map(watch).collect();
        Self { stop, threads }
    }

    /// What all of them have seen.
    pub(crate) fn stop(self) -> Result<Late> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in self.threads {
            all.extend(thread.join().map_err(|_| anyhow!("a witness has panicked"))??);
        }
        Ok(Late::of(all))
    }
}

fn settle(cpu: usize) -> Result<()> {
    let mut own = CpuSet::new();
    own.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &own).context("staying on one CPU")?;
    let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let priority = PRIORITY.try_into().map_err(anyhow::Error::msg::<String>)?;
    set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        fifo,
    )
    .map_err(|error| anyhow!("no real-time priority is allowed here: {error:?}"))
}
