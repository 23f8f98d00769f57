//! Services of the proxy: requests that go through the worker, and what becomes of them when one of the processes dies,
//! or another configuration comes.

use std::fs;
use std::time::{Duration, Instant};

use lb_tests::http::Connection;
use lb_tests::lab::{Topology, VIP4};
use lb_tests::load::{Plan, Target};
use lb_userspace::api::Status;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::requests::Requests;
use crate::stage::{LIMIT, RETRY_PAUSE, Stage, server, service};

pub(crate) const HTTP: u16 = 8080;
const TCP: u16 = 8081;

/// A pool of the proxy, and a service of each mode.
const SERVICES: &str = r#"
[[pool]]
name = "app"
check = { type = "tcp", interval = "500ms", timeout = "500ms", rise = 1, fall = 2 }
servers = [
  { name = "real1", address = "10.8.8.51:80" },
  { name = "real2", address = "10.8.8.52:80" },
]

[[service]]
name = "shop"
address = "10.8.8.40"
ports = ["tcp/8080"]
mode = "http"
pool = "app"

[[service]]
name = "raw"
address = "10.8.8.40"
ports = ["tcp/8081"]
mode = "tcp"
pool = "app"
"#;

pub(crate) fn proxying() -> Stage {
    proxying_with("")
}

fn proxying_with(more: &str) -> Stage {
    let stage = Stage::up_with(Topology::default(), |config| {
        config.more = format!("{SERVICES}{more}");
    });
    until_served(&stage, 0);
    stage
}

/// The worker, with so many before it.
pub(crate) fn until_served(stage: &Stage, restarts: u32) -> Pid {
    let is_there = |status: &Status| {
        status.worker.as_ref().is_some_and(|worker| worker.running && worker.restarts >= restarts)
    };
    stage.until("the worker is there", is_there);
    stage.director.worker().expect("it runs")
}

pub(crate) fn requests(stage: &Stage, ports: &[u16], keep_alive: bool) -> Requests {
    let targets = ports.iter().map(|port| Target::new("proxy", (VIP4, *port))).collect();
    stage.requests_of(Plan { targets, keep_alive, ..stage.plan() })
}

#[test]
fn requests_go_through() {
    let stage = proxying();
    for keep_alive in [false, true] {
        let requests = requests(&stage, &[HTTP, TCP], keep_alive);
        requests.await_more(400);
        let report = requests.stop_whole();
        assert_eq!(report.services["proxy"].reals.len(), 2, "{report:?}");
    }
    let log = stage.director.log();
    assert!(log.contains(" shop app/real1 ") && log.contains(" shop app/real2 "), "{log}");
}

#[test]
fn a_server_that_is_drained_gets_no_request() {
    let stage = proxying();
    stage.lb(&["backend", "drain", "app/real1"]);
    let requests = requests(&stage, &[HTTP], false);
    requests.await_more(100);
    let report = requests.stop_whole();
    let reals: Vec<_> = report.services["proxy"].reals.keys().collect();
    assert_eq!(reals, ["real2"]);
}

#[test]
fn a_server_that_dies_is_left_out() {
    let mut stage = proxying();
    let requests = requests(&stage, &[HTTP], false);
    requests.await_more(100);
    stage.lab.stop_server("real1").expect("it stops");
    stage.until("it is down", |status| server(status, "app", "real1").state == "down");
    requests.await_more(100);
    requests.stop_whole();
}

#[test]
fn connections_to_a_server_that_is_put_down_end_where_the_pool_says_so() {
    let stage = Stage::up_with(Topology::default(), |config| {
        config.more = SERVICES.replace("name = \"app\"", "name = \"app\"\non_down = \"kill\"");
    });
    until_served(&stage, 0);
    let source = stage.lab.topology().client_addresses()[0];
    let target = (VIP4, TCP).into();
    let open = || Connection::open(source, target, LIMIT);
    let mut connection =
        stage.lab.client().enter(open).expect("the namespace").expect("it is open");
    let head = connection.get(target, "/", true).expect("an answer");
    connection.read_body(&mut vec![0; head.length]).expect("its body");
    stage.lb(&["backend", "maint", &format!("app/{}", head.server)]);
    connection.expect_end().expect("it ends");
}

#[test]
fn a_worker_that_dies_is_replaced() {
    let stage = proxying();
    let requests = requests(&stage, &[HTTP, TCP], false);
    for round in 1..=3 {
        requests.await_more(100);
        let worker = until_served(&stage, round - 1);
        kill(worker, Signal::SIGKILL).expect("it dies");
        assert_ne!(until_served(&stage, round), worker);
    }
    requests.await_more(100);
    // What was inside is lost, and nothing else: each of the two clients had one connection.
    let report = requests.stop();
    assert!(report.services["proxy"].failures.values().sum::<u64>() <= 6, "{}", report.failures());
}

#[test]
fn a_worker_that_hangs_is_replaced() {
    let stage = proxying();
    let worker = until_served(&stage, 0);
    kill(worker, Signal::SIGSTOP).expect("it stops");
    assert_ne!(until_served(&stage, 1), worker);
    assert!(stage.director.log().contains("the worker says nothing any more"));
    let requests = requests(&stage, &[HTTP], false);
    requests.await_more(20);
    requests.stop_whole();
}

#[test]
fn an_agent_that_dies_takes_nothing_with_it() {
    let stage = proxying();
    let worker = until_served(&stage, 0);
    let requests = requests(&stage, &[HTTP, TCP], false);
    requests.await_more(100);
    let agent = stage.director.agent().expect("it runs");
    kill(agent, Signal::SIGKILL).expect("it dies");
    let deadline = Instant::now() + LIMIT;
    while stage.director.status().is_err() {
        assert!(Instant::now() < deadline, "it is not back after {LIMIT:?}");
        std::thread::sleep(RETRY_PAUSE);
    }
    assert_eq!(until_served(&stage, 0), worker, "the worker went on");
    requests.await_more(100);
    // The new agent leads it, by the sockets that there were.
    stage.lb(&["backend", "drain", "app/real1"]);
    stage.lb(&["reload"]);
    requests.await_more(100);
    requests.stop_whole();
}

#[test]
fn reloads_take_nothing_away() {
    let stage = proxying();
    let requests = requests(&stage, &[HTTP, TCP], true);
    let other = SERVICES.replace("\"shop\"", "\"store\"").replace("tcp/8081", "tcp/8081-8082");
    for round in 0..10 {
        requests.await_more(30);
        let mut config = stage.config.clone();
        if round % 2 == 0 {
            config.more.clone_from(&other);
        }
        let text = config.to_toml(stage.lab.topology(), &stage.director.paths);
        stage.director.write_config(&text).expect("it is written");
        stage.lb(&["reload"]);
        let second = ask(&stage, 8082);
        assert_eq!(second.is_some(), round % 2 == 0, "round {round}");
    }
    requests.stop_whole();
    let log = stage.director.log();
    assert!(log.contains(" shop app/") && log.contains(" store app/"));
}

/// Which server answers at this port; `None` where nobody listens.
fn ask(stage: &Stage, port: u16) -> Option<String> {
    let source = stage.lab.topology().client_addresses()[0];
    let target = (VIP4, port).into();
    let open = || Connection::open(source, target, LIMIT);
    let mut connection = stage.lab.client().enter(open).expect("the namespace").ok()?;
    Some(connection.get(target, "/", false).expect("an answer").server)
}

#[test]
fn a_stream_outlives_reloads_and_the_agent() {
    let stage = proxying();
    let downloads = stage.downloads((VIP4, HTTP), "5m", &["real1", "real2"], 1);
    stage.lb(&["reload"]);
    kill(stage.director.agent().expect("it runs"), Signal::SIGKILL).expect("it dies");
    for download in downloads {
        download.finish().expect("every byte comes");
    }
}

#[test]
fn where_another_program_listens() {
    let mut stage = proxying();
    stage.director.terminate().expect("it ends");
    let listen = || std::net::TcpListener::bind(("0.0.0.0", HTTP));
    let other =
        stage.director.namespace().enter(listen).expect("the namespace").expect("it listens");
    let error = stage.director.start().expect_err("it cannot start");
    drop(other);
    let log = stage.director.log();
    for words in [
        "nothing can listen at 10.8.8.40:8080",
        "ports = [\"tcp/8080\"]",
        "stop it, or take another port",
    ] {
        assert!(log.contains(words), "{words}: {error:#}");
    }
    stage.director.start().expect("it starts now");
}

#[test]
fn the_worker_may_do_nothing() {
    let stage = proxying();
    let worker = until_served(&stage, 0);
    let status = fs::read_to_string(format!("/proc/{worker}/status")).expect("its status");
    crate::processes::is_shut_in(&status);
}

#[test]
fn xdp_guards_and_counts_what_the_proxy_serves() {
    let stage = proxying();
    let requests = requests(&stage, &[HTTP], false);
    requests.await_more(50);
    let before = requests.stop_whole();
    let status = stage.until("they are counted", |status| {
        service(status, "shop").connections >= before.requests()
    });
    assert!(service(&status, "shop").packets >= 3 * before.requests());
    assert_eq!(service(&status, "raw").packets, 0);
    let client = stage.lab.topology().client_addresses()[0];
    let trace = stage.lb(&["trace", "tcp", &format!("{client}:4711"), "10.8.8.40:8080"]);
    for words in ["service shop: pool app\n", "it goes on to this host, whose proxy serves it"] {
        assert!(trace.contains(words), "{trace}");
    }
    // A client that the guard does not let in never gets to the kernel's own stack.
    let mut config = stage.config.clone();
    let guarded = format!("mode = \"http\"\nguard = {{ deny = [\"{client}/32\"] }}\n");
    config.more = SERVICES.replace("mode = \"http\"\n", &guarded);
    let text = config.to_toml(stage.lab.topology(), &stage.director.paths);
    stage.director.write_config(&text).expect("it is written");
    stage.lb(&["reload"]);
    let open = || Connection::open(client, (VIP4, HTTP).into(), Duration::from_millis(300));
    let refused = stage.lab.client().enter(open).expect("the namespace").expect_err("no answer");
    assert_eq!(refused.kind(), std::io::ErrorKind::TimedOut);
    let trace = stage.lb(&["trace", "tcp", &format!("{client}:4711"), "10.8.8.40:8080"]);
    assert!(trace.contains("dropped: "), "{trace}");
}
