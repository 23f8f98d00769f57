//! Who is measured, and the servers behind them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, atomic::AtomicU32};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lb_userspace::access_log::Format;
use lb_userspace::balance::{
    Algorithm, Cell, Lane, Place, Retries, Server, Snapshot, Standing, Thread,
};
use lb_userspace::http::edit::{Forwarding, HeaderEdits, HeaderValue};
use lb_userspace::http::rules::{Condition, Routes, Rule, Verdict};
use lb_userspace::http::{Limits, Status};
use lb_userspace::model::{Backups, PathTest, RouteTest, Weight};
use lb_userspace::plan::Ramp;
use lb_userspace::proxy::settings::{
    ClientTimeouts, Http, Key, Members, Mode, Pool, PoolId, Service, Settings,
};
use lb_userspace::proxy::{Control, DataThread, Listening, LogBuffer, Memory, Shared};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::{Pid, gettid};

use super::generator::By;
use super::{PROXY_CORE, encryption};

/// A program of its own, which ends with this.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One that is measured.
pub(crate) enum Contestant {
    /// On its first address without TLS, on the second one with it.
    Program { name: &'static str, program: Program, addresses: [SocketAddr; 3] },
    /// A thread of this process.
    Engine { addresses: [SocketAddr; 3], task: Pid, control: Control },
}

impl Contestant {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Program { name, .. } => name,
            Self::Engine { .. } => "lb",
        }
    }

    /// Without TLS, and the one to be asked.
    pub(crate) fn addresses(&self, by: By) -> [SocketAddr; 2] {
        let (Self::Program { addresses, .. } | Self::Engine { addresses, .. }) = self;
        let [plain, encrypted, stream] = *addresses;
        match by {
            By::Http => [plain, plain],
            By::Tls { .. } => [plain, encrypted],
            By::Tcp => [stream, stream],
        }
    }

    /// Of its thread, so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let path = match self {
            Self::Program { program, .. } => format!("/proc/{}/schedstat", program.child.id()),
            Self::Engine { task, .. } => format!("/proc/self/task/{task}/schedstat"),
        };
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let nanos = text.split(' ').next().context("schedstat is empty")?.parse()?;
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        if let Self::Engine { control, .. } = self {
            control.stop();
        }
    }
}

/// This thread, and what it starts, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Servers with files of 1 KiB and 1 MiB.
pub(crate) fn nginx(folder: &Path) -> Result<Program> {
    let address = free()?;
    for (name, size) in [("1k", 1 << 10), ("1m", 1 << 20)] {
        fs::write(folder.join(name), vec![b'x'; size])?;
    }
    let path = folder.display();
    let configuration = format!(
        "daemon off; master_process off; error_log {path}/nginx.log; pid {path}/nginx.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
         open_file_cache max=8; server {{ listen {address} backlog=4096; root {path}; }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    start(Command::new("nginx").arg("-p").arg(folder).arg("-c").arg(&file), address)
}

/// With the same rule, limits, timeouts and log as the engine: both write lines into memory, which costs least. `tuned`:
/// for large bodies.
pub(crate) fn haproxy(folder: &Path, server: SocketAddr, tuned: bool) -> Result<Contestant> {
    let addresses = [free()?, free()?, free()?];
    let [address, tls, stream] = addresses;
    let bundle = encryption::bundle(folder);
    let bundle = bundle.display();
    let (buffers, splice) = if tuned {
        (" tune.bufsize 131072\n", " option splice-request\n option splice-response\n")
    } else {
        ("", "")
    };
    let rule = " http-request deny if { path_beg /internal }\n";
    let configuration = format!(
        "global\n nbthread 1\n maxconn 4000\n log ring@lines local0\n{buffers}\
         ring lines\n format rfc3164\n maxlen 1200\n size 1048576\n\
         defaults\n mode http\n log global\n option httplog\n http-reuse always\n timeout connect 5s\n\
         \x20timeout client 60s\n timeout server 60s\n timeout http-request 10s\n timeout http-keep-alive 10s\n\
         {splice}\
         listen web\n bind {address}\n{rule} server s0 {server}\n\
         listen encrypted\n bind {tls} ssl crt {bundle}\n{rule} server s0 {server}\n\
         listen stream\n mode tcp\n option tcplog\n bind {stream}\n server s0 {server}\n"
    );
    let name = if tuned { "HAProxy*" } else { "HAProxy" };
    let file = folder.join(format!("{name}.cfg"));
    fs::write(&file, configuration)?;
    let mut command = Command::new("haproxy");
    command.args(["-q", "-db", "-f"]).arg(&file);
    Ok(Contestant::Program { name, program: start_pinned(&command, address)?, addresses })
}

/// As a proxy, with the same again.
pub(crate) fn nginx_proxy(folder: &Path, server: SocketAddr) -> Result<Contestant> {
    let addresses = [free()?, free()?, free()?];
    let [address, tls, _] = addresses;
    let bundle = encryption::bundle(folder);
    let (path, bundle) = (folder.display(), bundle.display());
    let common = "location /internal { deny all; }\n\
         location / { proxy_pass http://servers; proxy_http_version 1.1; proxy_set_header Connection \"\"; }";
    let configuration = format!(
        "daemon off; master_process off; error_log {path}/proxy.log; pid {path}/proxy.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log /dev/null combined buffer=64k; keepalive_requests 1000000000;\n\
         proxy_temp_path {path}/proxy; upstream servers {{ server {server}; keepalive 256; keepalive_requests 1000000000; }}\n\
         server {{ listen {address} backlog=4096; {common} }}\n\
         server {{ listen {tls} ssl backlog=4096; ssl_certificate {bundle}; ssl_certificate_key {bundle};\n\
         ssl_session_cache shared:s:10m; ssl_protocols TLSv1.2 TLSv1.3; {common} }} }}\n"
    );
    let file = folder.join("proxy.conf");
    fs::write(&file, configuration)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(&file);
    Ok(Contestant::Program { name: "nginx", program: start_pinned(&command, address)?, addresses })
}

fn start_pinned(command: &Command, address: SocketAddr) -> Result<Program> {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", &PROXY_CORE.to_string()]).arg(command.get_program());
    start(pinned.args(command.get_args()), address)
}

/// This program's, on a thread of this process.
pub(crate) fn engine(folder: &Path, server: SocketAddr) -> Result<Contestant> {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let listeners = [bind()?, bind()?, bind()?];
    let [plain, tls, stream] = &listeners;
    let addresses = [plain.local_addr()?, tls.local_addr()?, stream.local_addr()?];
    let settings = settings(folder, server)?;
    let cells = || -> &'static [Cell] { Box::leak(Box::new([Cell::default()])) };
    let errors = Box::leak((0..8).map(|_| AtomicU32::new(0)).collect::<Box<[AtomicU32]>>());
    let memory = Memory { servers: cells(), pools: cells(), errors };
    let log = Arc::new(LogBuffer::new(64 << 20));
    let thread = Thread::new(Lane::A, 0).context("no thread")?;
    let shared = Shared::alone(memory, thread, Arc::clone(&log));
    let (data_thread, control) = DataThread::new(shared)?;
    let listening = (0..).zip(listeners).map(|(number, socket)| Listening {
        number,
        service: number as usize,
        socket: Some(socket),
    });
    control.configure(Arc::new(settings), listening.collect());
    let (tell, task) = channel();
    std::thread::spawn(move || -> Result<()> {
        pin(PROXY_CORE)?;
        tell.send(gettid())?;
        data_thread.run();
        Ok(())
    });
    std::thread::spawn(move || {
        let mut lines = Vec::new();
        loop {
            std::thread::sleep(Duration::from_millis(100));
            log.take(&mut lines);
        }
    });
    Ok(Contestant::Engine { addresses, task: task.recv()?, control })
}

/// What nobody may ask for.
fn internal() -> Result<Condition> {
    Ok(Condition::of(&[RouteTest::Path(vec![PathTest::Prefix("/internal".to_owned())])])?)
}

fn settings(folder: &Path, server: SocketAddr) -> Result<Settings> {
    let place = Place(0);
    let server = Server {
        place,
        address: server,
        weight: Weight::new(1)?,
        ramp: Ramp::FULL,
        backup: false,
        standing: Standing::Up,
        max_connections: None,
    };
    let http = Http {
        limits: Limits::default(),
        largest_body: u64::MAX,
        routes: Routes::new(vec![Rule {
            when: internal()?,
            then: Verdict::Deny(Status::FORBIDDEN),
        }]),
        forwarding: Forwarding::default(),
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        host: None,
    };
    let service = Service {
        name: "web".into(),
        pool: PoolId(0),
        most_connections: 10_000,
        accepts_proxy: false,
        tls: None,
        timeouts: ClientTimeouts::default(),
        mode: Mode::Http(Box::new(http)),
        log: Some(Format::httplog()),
    };
    let pool = Pool {
        name: "web".into(),
        cell: 0,
        members: Members {
            snapshot: Arc::new(Snapshot::new(vec![server], Algorithm::RoundRobin, Backups::All)),
            names: Arc::new(BTreeMap::from([(place, "s0".into())])),
            down: Arc::default(),
        },
        key: Key::Source(0),
        retries: Retries::default(),
        queue_timeout: Duration::from_secs(30),
        most_waiting: 1_000,
        server_timeout: Duration::from_secs(60),
        most_idle: 100,
        idle_timeout: Duration::from_secs(5),
        sends_proxy: None,
        tls: None,
        kills: false,
        observe: None,
        host: HeaderValue::new("bench")?,
    };
    let encrypted = Service { tls: Some(encryption::tls(folder)?), ..service.clone() };
    let stream = Service { mode: Mode::Tcp, log: Some(Format::tcplog()), ..service.clone() };
    Ok(Settings { services: vec![service, encrypted, stream], pools: vec![pool] })
}

/// A port that nobody uses.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until it listens.
fn start(command: &mut Command, address: SocketAddr) -> Result<Program> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let child = child.with_context(|| format!("{command:?}"))?;
    let mut program = Program { child, address };
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(program.child.try_wait()?.is_none(), "{command:?} has ended");
        ensure!(began.elapsed() < Duration::from_secs(10), "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(program)
}
