//! The proxy beside HAProxy: both get the same bytes from a client and from a server, and what they make of them is
//! compared: responses, what the server hears, and which connections are used again.
//!
//! Every difference is one that we want, and stands in `docs/haproxy-differences.md` with its reason. With
//! `LB_WRITE_DIFFERENCES=1` the test writes that page instead of comparing it.

mod case;
mod cases;
mod client;
mod message;
mod origin;
mod page;
mod reasons;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::{fs, thread};

use lb_tests::lab::{Families, Process, Topology, VIP4};

use crate::stage::{LIMIT, Stage};
use case::Case;
use origin::Origin;
use page::Difference;

/// Where each proxy listens, and where its server does.
const OURS: (u16, u16) = (8080, 9001);
const THEIRS: (u16, u16) = (8090, 9002);

const SERVICE: &str = r#"
[[pool]]
name = "app"
servers = [{ name = "real1", address = "10.8.8.51:9001" }]
[pool.proxy]
server_timeout = "3s"
connect_timeout = "2s"

[[service]]
name = "shop"
address = "10.8.8.40"
ports = ["tcp/8080"]
mode = "http"
pool = "app"
log = "off"
timeouts = { http_request = "2s", http_keep_alive = "2s", client = "2s", tunnel = "2s" }
http = { x_forwarded_for = true }
"#;

const HAPROXY: &str = "
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 3s
  timeout tunnel 2s
  timeout http-request 2s
  timeout http-keep-alive 2s
  option forwardfor
  http-reuse always
frontend shop
  bind 10.8.8.40:8090
  default_backend app
backend app
  server real1 10.8.8.51:9002
";

/// One case after the other: each begins without connections to the server.
fn play(stage: &Stage, origin: &Origin, port: u16, cases: &[Case]) -> Vec<Vec<String>> {
    let proxy = SocketAddr::from((VIP4, port));
    let play = |case: &Case| {
        origin.begin(&case.answers);
        let mut lines = client::play(stage.lab.client(), proxy, origin, case);
        lines.extend(origin.end());
        lines
    };
    cases.iter().map(play).collect()
}

fn haproxy(stage: &Stage) -> Process {
    let folder = stage.lab.folder();
    let config = folder.join("haproxy.cfg");
    fs::write(&config, HAPROXY).expect("its configuration");
    let mut command = Command::new("haproxy");
    // Debian keeps it out of the path of ordinary users.
    command.args(["-db", "-f"]).arg(&config).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let director = stage.director.namespace();
    let process = Process::spawn(director, &mut command, &folder.join("haproxy.log"));
    let mut process = process.expect("haproxy: see `cargo xtask setup`");
    let proxy = SocketAddr::from((VIP4, THEIRS.0));
    let listens = || {
        let open = || std::net::TcpStream::connect_timeout(&proxy, LIMIT).is_ok();
        stage.lab.client().enter(open).expect("the namespace")
    };
    process.wait_ready(LIMIT, listens).expect("haproxy listens");
    process
}

#[test]
fn every_difference_from_haproxy_has_its_reason() {
    let cases = cases::all();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases with one name");
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let stage = Stage::up_with(Topology::default().families(Families::Ipv4), |config| {
        config.more = SERVICE.to_owned();
    });
    stage.until("the worker is there", |status| {
        status.worker.as_ref().is_some_and(|worker| worker.running)
    });
    let _haproxy = haproxy(&stage);
    let real = stage.lab.namespace("real1");
    let origins = [OURS, THEIRS].map(|(_, port)| Origin::start(real, port));
    let [ours, theirs] = thread::scope(|scope| {
        let mut players = [OURS, THEIRS].iter().zip(&origins).map(|((port, _), origin)| {
            let (stage, cases) = (&stage, &cases);
            scope.spawn(move || play(stage, origin, *port, cases))
        });
        let players = [players.next(), players.next()].map(|player| player.expect("a player"));
        players.map(|player| player.join().expect("every case ends"))
    });
    let mut differences = Vec::new();
    for ((case, ours), theirs) in cases.iter().zip(ours).zip(theirs) {
        if ours != theirs {
            differences.push(Difference { case, ours, theirs });
        }
    }
    page::check(&differences, cases.len());
}
