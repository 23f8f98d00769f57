//! A download that lasts: one connection, every byte checked. It shows whether a change breaks
//! connections that exist.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::http::{Connection, pattern};
use crate::lab::Namespace;

const BLOCK: usize = 16 << 10;

/// A download under way. Dropping it breaks it off.
#[derive(Debug)]
pub struct Download {
    /// The real server that sends it.
    pub server: String,
    received: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Finished>>>,
}

/// A download that came to its end, unbroken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finished {
    /// The real server that sent it.
    pub server: String,
    /// The bytes of the body.
    pub bytes: usize,
    /// From connecting to the last byte.
    pub time: Duration,
}

impl Download {
    /// Begins a download in a namespace and returns when the first part of the answer is here.
    ///
    /// `path` is `/10m`, or `/slow?rate=1m` for the same bytes at so many a second. A silence of
    /// `timeout` breaks it.
    pub fn start(
        namespace: &Namespace,
        source: IpAddr,
        target: SocketAddr,
        path: &str,
        timeout: Duration,
    ) -> Result<Self> {
        let begin = Instant::now();
        let what = format!("downloading {path} from {target} at {source}");
        let mut connection = namespace
            .enter(|| Connection::open(source, target, timeout))?
            .with_context(|| format!("{what}: connecting"))?;
        let head = connection.get(target, path, false).with_context(|| what.clone())?;
        ensure!(head.status == 200, "{what}: status {}", head.status);
        ensure!(!head.server.is_empty(), "{what}: no real server's name in the answer");
        let received = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            connection,
            length: head.length,
            received: Arc::clone(&received),
            stop: Arc::clone(&stop),
        };
        let server = head.server.clone();
        let thread = thread::Builder::new().name("download".into()).spawn(move || {
            let bytes = reader.run().with_context(|| format!("{what}, served by {server}"))?;
            Ok(Finished { server, bytes, time: begin.elapsed() })
        })?;
        Ok(Self { server: head.server, received, stop, thread: Some(thread) })
    }

    /// The bytes so far.
    pub fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Has it ended, whole or broken?
    pub fn ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end; an error tells how and where it broke.
    pub fn finish(mut self) -> Result<Finished> {
        let thread = self.thread.take().context("the download has ended before")?;
        thread.join().map_err(|_| anyhow!("the download's thread panicked"))?
    }

    /// Breaks it off and says whether it was whole until now.
    pub fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let received = Arc::clone(&self.received);
        match self.finish() {
            Err(error) if !error.root_cause().is::<Stopped>() => Err(error),
            _ => Ok(received.load(Ordering::Relaxed)),
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.stop.store(self.thread.is_some(), Ordering::Relaxed);
    }
}

/// It was stopped by its owner.
#[derive(Debug)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

struct Reader {
    connection: Connection,
    length: usize,
    received: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Reader {
    fn run(mut self) -> Result<usize> {
        let mut block = vec![0; BLOCK];
        let mut at = 0;
        while at < self.length {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Stopped.into());
            }
            let size = BLOCK.min(self.length - at);
            let part = &mut block[..size];
            self.connection
                .read_body(part)
                .with_context(|| format!("broken after {at} of {} bytes", self.length))?;
            if *part != pattern(at, size) {
                bail!("wrong bytes between {at} and {}", at + size);
            }
            at += size;
            self.received.store(at, Ordering::Relaxed);
        }
        self.connection.expect_end().context("after the last byte")?;
        Ok(at)
    }
}
