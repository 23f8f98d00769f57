//! What requests of the proxy say of real servers, between checks.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use lb_tests::lab::{Topology, VIP4};
use lb_tests::load::{Plan, Target};

use crate::requests::Requests;
use crate::stage::{Stage, server};

const PORT: u16 = 8080;
/// Of the real server that answers badly.
const ODD: u16 = 8500;

fn observing(port: u16, check: &str, observe: &str) -> Stage {
    let more = format!(
        "[[pool]]\nname = \"app\"\n{check}\nproxy = {{ observe = {{ {observe} }} }}\nservers = [\n\
         {{ name = \"real1\", address = \"10.8.8.51:{port}\" }},\n\
         {{ name = \"real2\", address = \"10.8.8.52:80\" }},\n]\n\
         [[service]]\nname = \"shop\"\naddress = \"{VIP4}\"\nports = [\"tcp/{PORT}\"]\nmode = \"http\"\npool = \"app\"\n"
    );
    Stage::up_with(Topology::default(), |config| config.more = more)
}

/// Answers with 503 until it is told to do better.
fn odd(stage: &Stage) -> Arc<AtomicBool> {
    let bound = stage.lab.namespace("real1").enter(|| TcpListener::bind(("0.0.0.0", ODD)));
    let listener = bound.expect("the namespace").expect("a port");
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let is_well = Arc::clone(&is_well);
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
                while lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
                    let status = if is_well.load(SeqCst) { "200 OK" } else { "503 Odd" };
                    let head = format!(
                        "HTTP/1.1 {status}\r\nX-Real-Server: real1\r\nContent-Length: 0\r\n\r\n"
                    );
                    if stream.write_all(head.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    well
}

fn requests(stage: &Stage) -> Requests {
    let targets = vec![Target::new("proxy", (VIP4, PORT))];
    stage.requests_of(Plan { targets, keep_alive: false, ..stage.plan() })
}

fn is(stage: &Stage, state: &str) {
    stage.until(state, |status| server(status, "app", "real1").state == state);
}

#[test]
fn a_server_with_too_many_errors_is_out_for_a_time() {
    let stage = observing(
        ODD,
        "",
        "layer = \"layer7\", error_limit = 5, on_error = \"mark-down\", ejection = \"3s\", max_ejection = \"3s\"",
    );
    let well = odd(&stage);
    let load = requests(&stage);
    is(&stage, "ejected");
    let status = stage.status();
    let (odd, other) = (server(&status, "app", "real1"), server(&status, "app", "real2"));
    assert_eq!((odd.share, other.share), (0.0, 1.0));
    assert!(odd.ejected_seconds.is_some_and(|left| left <= 3), "{odd:?}");
    assert!(stage.lb(&["status"]).contains("requests failed: out for"));
    well.store(true, SeqCst);
    load.stop();
    // Who is out gets nothing, and comes back by itself.
    is(&stage, "up");
    let load = requests(&stage);
    load.await_more(50);
    load.stop();
    let log = stage.director.log();
    let served = |line: &str| line.contains(" app/real1 ") && line.contains(" 200 ");
    assert!(log.lines().any(served), "{log}");
    let words =
        "5 requests of clients in a row have failed: a response with status 503; out for 3s";
    assert!(log.contains(words), "{log}");
}

#[test]
fn requests_that_fail_make_for_checks() {
    // By its checks alone it would be in use for hours.
    let check = |fall| {
        format!(
            "check = {{ type = \"tcp\", interval = \"1h\", timeout = \"1s\", rise = 1, fall = {fall} }}"
        )
    };
    for (on_error, fall) in [("fast-check", 1), ("fail-check", 4), ("sudden-death", 100)] {
        let observe = format!("layer = \"layer4\", error_limit = 2, on_error = \"{on_error}\"");
        let mut stage = observing(80, &check(fall), &observe);
        stage.lab.stop_server("real1").expect("it stops");
        let load = requests(&stage);
        is(&stage, "down");
        load.await_more(20);
        load.stop();
        let status = stage.status();
        let health = server(&status, "app", "real1").health.as_ref().expect("it is checked");
        let reason = health.reason.as_deref().unwrap_or_default();
        assert!(reason.contains("refused"), "{on_error}: {reason}");
    }
}
