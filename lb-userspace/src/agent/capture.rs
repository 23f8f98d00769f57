//! `lb capture`: the filter in the maps, the program that copies packets, and the task that carries the
//! copies to the caller. One at a time; it ends when the caller goes away.

use std::{
    io, mem,
    time::{Duration, Instant, SystemTime},
};

use aya::maps::{MapData, RingBuf};
use hyper::body::Bytes;
use lb_common::{abi::Features, verdict::Tables as _};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::timeout,
};
use tracing::{info, warn};

use super::run::Agent;
use crate::{
    api::{CaptureStart, NewCapture},
    capture::{filter, put_frame},
};

/// Chunks that wait for a caller who is slow, and the size from which on a chunk takes no more records: 4 MiB
/// together. Beyond that records are lost, and counted.
const QUEUE: usize = 64;
const CHUNK: usize = 64 * 1024;
/// How long a new caller waits for the capture before his, which may just be ending.
const ENDING: Duration = Duration::from_millis(200);

/// What a caller reads: pieces of frames.
pub(super) type Chunks = mpsc::Receiver<Bytes>;

/// A capture that goes on.
pub(super) struct Capture {
    reader: JoinHandle<()>,
}

impl Agent {
    /// Begins a capture.
    pub(super) async fn begin_capture(&mut self, asked: &NewCapture) -> Result<Chunks, String> {
        if let Some(capture) = &mut self.capture {
            if timeout(ENDING, &mut capture.reader).await.is_err() {
                return Err("a capture is going on: end that one first".to_owned());
            }
            self.end_capture();
        }
        let config = &self.director.effective.config;
        let filter = filter(asked, config, self.director.ledger.numbering())
            .map_err(|error| error.to_string())?;
        let interfaces = self.netlink.interfaces().await.map_err(|error| error.to_string())?;
        let start = CaptureStart {
            zero_nanoseconds: self.zero_of_clock(),
            interfaces: interfaces.into_iter().map(|each| (each.index, each.name)).collect(),
        };
        let start = serde_json::to_vec(&start).map_err(|error| error.to_string())?;
        let mut first = Vec::new();
        if !put_frame(&mut first, 0, &start) {
            return Err("this host has more interfaces than fit into an answer".to_owned());
        }
        let mut ring = self.director.plane.captured().map_err(|error| error.to_string())?;
        // What an earlier capture has left behind.
        while ring.next().is_some() {}
        let ring = watch(ring).map_err(|error| error.to_string())?;
        self.director.plane.capture(filter).map_err(|error| error.to_string())?;
        self.director.capturing = true;
        if let Err(error) = self.director.converge(&self.neighbours, Instant::now()) {
            let error = format!("{error:#}");
            warn!(error, "no capture begins");
            self.end_capture();
            return Err(error);
        }
        let (sender, chunks) = mpsc::channel(QUEUE);
        // There is room: nothing was sent before.
        let _ = sender.try_send(first.into());
        self.capture = Some(Capture { reader: tokio::spawn(carry(ring, sender)) });
        info!(?asked, "a capture begins");
        Ok(chunks)
    }

    /// Takes the copying out of the program again.
    pub(super) fn end_capture(&mut self) {
        if let Some(capture) = self.capture.take() {
            capture.reader.abort();
        }
        self.director.capturing = false;
        self.converge();
        if !self.director.plane.features().has(Features::CAPTURE) {
            info!("nothing is captured any more");
        }
    }

    /// The time since 1970 at which the clock of the records stood at zero, in nanoseconds.
    fn zero_of_clock(&self) -> u64 {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let zero = wall.saturating_sub(Duration::from_nanos(self.director.plane.tables().now()));
        u64::try_from(zero.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Waits for the end of a capture; for ever where there is none.
pub(super) async fn ended(capture: &mut Option<Capture>) {
    match capture {
        // One that has failed is over, too.
        Some(capture) => _ = (&mut capture.reader).await,
        None => std::future::pending().await,
    }
}

#[expect(
    deprecated,
    reason = "`register` is unsafe since a type may lie about its descriptor; RingBuf owns one \
              descriptor all its life"
)]
fn watch(ring: RingBuf<MapData>) -> io::Result<AsyncFd<RingBuf<MapData>>> {
    AsyncFd::with_interest(ring, Interest::READABLE)
}

/// Carries records to the caller until he goes away.
async fn carry(mut ring: AsyncFd<RingBuf<MapData>>, chunks: mpsc::Sender<Bytes>) {
    let mut lost = 0_u32;
    loop {
        let ready = tokio::select! {
            ready = ring.readable_mut() => ready,
            () = chunks.closed() => return,
        };
        let mut ready = match ready {
            Ok(ready) => ready,
            Err(error) => {
                warn!(%error, "the captured packets cannot be read");
                return;
            }
        };
        loop {
            let before = lost;
            let (chunk, records) = next_chunk(ready.get_inner_mut(), &mut lost);
            if records == 0 {
                break;
            }
            match chunks.try_send(chunk.into()) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => lost = before.saturating_add(records),
                Err(TrySendError::Closed(_)) => return,
            }
            // A flood must not keep the agent from its other work.
            tokio::task::yield_now().await;
        }
        ready.clear_ready();
    }
}

/// The records that wait, as frames, and how many there are; `lost` goes with the first.
fn next_chunk(ring: &mut RingBuf<MapData>, lost: &mut u32) -> (Vec<u8>, u32) {
    let (mut chunk, mut records) = (Vec::new(), 0);
    while chunk.len() < CHUNK
        && let Some(record) = ring.next()
    {
        put_frame(&mut chunk, mem::take(lost), &record);
        records += 1;
    }
    (chunk, records)
}
