//! One data thread with a pool of servers.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::access_log::Format;
use crate::balance::{
    Algorithm, Cell, Lane, Place, Redispatch, Retries, Server, Snapshot, Standing, Thread,
};
use crate::http::Limits;
use crate::http::edit::{Forwarding, HeaderEdits, HeaderValue};
use crate::http::rules::Routes;
use crate::model::{Backups, Weight};
use crate::plan::Ramp;
use crate::proxy::settings::{
    ClientTimeouts, Http, Key, Members, Mode, Pool, PoolId, Service, Settings,
};
use crate::proxy::{Control, DataThread, Listening, LogBuffer, Memory, News, Shared};

/// Long enough for a loaded machine; no test waits for it.
const LONG: Duration = Duration::from_secs(30);

/// Ends with its test.
pub(in crate::proxy) struct Stage {
    pub(in crate::proxy) address: SocketAddr,
    pub(in crate::proxy) log: Arc<LogBuffer>,
    /// What it has to say.
    pub(in crate::proxy) news: mpsc::Receiver<News>,
    control: Control,
    thread: Option<JoinHandle<()>>,
}

/// A service of HTTP, in front of these servers.
pub(in crate::proxy) fn settings(servers: &[SocketAddr]) -> Settings {
    limited(servers, 0)
}

/// Each server takes so many requests at a time.
pub(in crate::proxy) fn limited(servers: &[SocketAddr], most: u32) -> Settings {
    let places = (0..).map(Place).zip(servers);
    let of = |(place, address): (Place, &SocketAddr)| Server {
        place,
        address: *address,
        weight: Weight::new(1).unwrap(),
        ramp: Ramp::FULL,
        backup: false,
        standing: Standing::Up,
        max_connections: NonZeroU32::new(most),
    };
    let all = places.clone().map(of).collect();
    let names: BTreeMap<_, Arc<str>> =
        places.map(|(place, _)| (place, format!("s{}", place.0).into())).collect();
    let http = Http {
        limits: Limits::default(),
        largest_body: u64::MAX,
        routes: Routes::new(Vec::new()),
        forwarding: Forwarding::default(),
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        host: None,
    };
    Settings {
        services: vec![Service {
            name: "web".into(),
            pool: PoolId(0),
            most_connections: 1_000,
            accepts_proxy: false,
            tls: None,
            timeouts: ClientTimeouts {
                request: LONG,
                keep_alive: LONG,
                client: LONG,
                tunnel: LONG,
            },
            mode: Mode::Http(Box::new(http)),
            log: Some(Format::httplog()),
        }],
        pools: vec![Pool {
            name: "pool".into(),
            cell: 0,
            members: Members {
                snapshot: Arc::new(Snapshot::new(all, Algorithm::RoundRobin, Backups::All)),
                names: Arc::new(names),
                down: Arc::default(),
            },
            key: Key::Source(1),
            retries: Retries { most: 1, redispatch: Redispatch::Last, connect_timeout: LONG },
            queue_timeout: LONG,
            most_waiting: 100,
            server_timeout: LONG,
            most_idle: 10,
            idle_timeout: LONG,
            sends_proxy: None,
            tls: None,
            kills: false,
            observe: None,
            host: HeaderValue::new("pool").unwrap(),
        }],
    }
}

/// Counters of a process of its own.
pub(in crate::proxy) fn memory() -> Memory {
    let cells = |count| -> &'static [Cell] {
        Box::leak((0..count).map(|_| Cell::default()).collect::<Box<[Cell]>>())
    };
    let errors = Box::leak((0..8).map(|_| AtomicU32::new(0)).collect::<Box<[AtomicU32]>>());
    Memory { servers: cells(8), pools: cells(2), errors }
}

impl Stage {
    /// In front of these servers.
    pub(in crate::proxy) fn before(servers: &[SocketAddr]) -> Self {
        Self::with(settings(servers))
    }

    pub(in crate::proxy) fn with(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(LogBuffer::new(1 << 20));
        let thread = Thread::new(Lane::A, 0).unwrap();
        let (news, heard) = mpsc::channel(16);
        let shared = Shared::alone(memory(), thread, Arc::clone(&log));
        let shared = Shared { news: Some(news), ..shared };
        let (thread, control) = DataThread::new(shared).unwrap();
        let listening = Listening { number: 1, service: 0, socket: Some(listener) };
        control.configure(Arc::new(settings), vec![listening]);
        let thread = std::thread::spawn(|| thread.run());
        Self { address, log, news: heard, control, thread: Some(thread) }
    }

    /// The lines of the log, when the engine has ended.
    pub(in crate::proxy) fn end(mut self) -> Vec<String> {
        self.control.drain();
        self.thread.take().unwrap().join().unwrap();
        let mut lines = Vec::new();
        self.log.take(&mut lines);
        String::from_utf8(lines).unwrap().lines().map(str::to_owned).collect()
    }

    pub(in crate::proxy) fn control(&self) -> &Control {
        &self.control
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.control.stop();
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
