//! The data threads and the one that writes their logs, from outside.

use std::{io, process, sync::Arc, thread};

use anyhow::{Context as _, Result};
use tokio::sync::{Notify, mpsc};

use super::{census::Census, writer};
use crate::{
    balance::{Lane, Thread},
    proxy::{Control, DataThread, LogBuffer, News, Pulse, Shared},
};

/// How often in a row a thread may be found to stand still, a sign of life apart.
const MISSING: u32 = 6;

/// The threads, before they run.
pub(super) struct Team(Vec<(DataThread, Hand, Arc<LogBuffer>)>);

/// A data thread that runs.
pub(super) struct Hand {
    pub(super) control: Control,
    pulse: Arc<Pulse>,
    /// What was heard last, and how often in a row.
    beats: u32,
    silences: u32,
}

impl Team {
    /// So many.
    pub(super) fn new(threads: u8, census: &Census, news: &mpsc::Sender<News>) -> Result<Self> {
        let peers: Arc<[Notify]> = (0..threads).map(|_| Notify::new()).collect();
        let one = |index| -> Result<_> {
            let thread = Thread::new(Lane::A, index).context("too many threads")?;
            let (log, pulse) = (Arc::new(LogBuffer::new(writer::ROOM)), Arc::default());
            let shared = Shared {
                memory: census.memory(),
                thread,
                peers: Arc::clone(&peers),
                log: Arc::clone(&log),
                news: Some(news.clone()),
                pulse: Arc::clone(&pulse),
            };
            let (data, control) = DataThread::new(shared)?;
            Ok((data, Hand { control, pulse, beats: 0, silences: 0 }, log))
        };
        (0..threads).map(one).collect::<Result<_>>().map(Self)
    }

    /// Starts them.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn start(self) -> io::Result<Vec<Hand>> {
        let (mut hands, mut logs) = (Vec::new(), Vec::new());
        for (index, (data, hand, log)) in self.0.into_iter().enumerate() {
            thread::Builder::new().name(format!("lb-data-{index}")).spawn(|| {
                let _end = EndOfProcess;
                data.run();
            })?;
            hands.push(hand);
            logs.push(log);
        }
        let write = move || writer::write_on(&logs, io::stdout());
        thread::Builder::new().name("lb-log".to_owned()).spawn(write)?;
        Ok(hands)
    }
}

impl Hand {
    /// Asked with each sign of life: on a host that stood still itself nothing is missing.
    pub(super) fn is_alive(&mut self) -> bool {
        let beats = self.pulse.beats();
        self.silences = if beats == self.beats { self.silences + 1 } else { 0 };
        self.beats = beats;
        self.silences < MISSING
    }
}

/// A worker without one of its threads is none: its connections end, and the supervisor starts another.
struct EndOfProcess;

impl Drop for EndOfProcess {
    fn drop(&mut self) {
        process::exit(1);
    }
}
