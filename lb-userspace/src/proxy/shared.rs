//! What threads share: the counters that make limits exact, and how to wake one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tokio::sync::{Notify, mpsc};

use super::log::LogBuffer;
use super::news::News;
use crate::balance::{Cell, Thread, Threads};

/// Counters of all threads and of both generations of workers. It is mapped for as long as the process lives.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// A cell for each server, by its place.
    pub servers: &'static [Cell],
    /// A cell for each pool, by its number.
    pub pools: &'static [Cell],
    /// Errors in a row at each server, by its place.
    pub errors: &'static [AtomicU32],
}

/// What one thread has of it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The counters.
    pub memory: Memory,
    /// This thread.
    pub thread: Thread,
    /// The threads of this process, by their numbers: each waits at its own.
    pub peers: Arc<[Notify]>,
    /// Its access log.
    pub log: Arc<LogBuffer>,
    /// Who hears of servers that something is wrong with.
    pub news: Option<mpsc::Sender<News>>,
    /// That it goes on.
    pub pulse: Arc<Pulse>,
}

/// Beats for as long as a thread goes on.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU32);

impl Pulse {
    pub(super) fn beat(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Beats so far: another number each time, unless it stands still.
    #[must_use]
    pub fn beats(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

impl Shared {
    /// For the only thread of a process.
    #[must_use]
    pub fn alone(memory: Memory, thread: Thread, log: Arc<LogBuffer>) -> Self {
        let peers = (0..=thread.index()).map(|_| Notify::new()).collect();
        Self { memory, thread, peers, log, news: None, pulse: Arc::default() }
    }

    /// Those of another generation find out by themselves: they look at their queues with each tick.
    pub(super) fn wake(&self, threads: Threads) {
        for thread in threads.iter().filter(|thread| thread.lane == self.thread.lane) {
            if let Some(peer) = self.peers.get(usize::from(thread.index())) {
                peer.notify_one();
            }
        }
    }

    pub(super) async fn woken(&self) {
        match self.peers.get(usize::from(self.thread.index())) {
            Some(own) => own.notified().await,
            None => std::future::pending().await,
        }
    }
}
