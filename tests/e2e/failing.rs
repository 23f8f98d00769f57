//! The ways in which servers fail, each with servers out of packages and with every kind of check: the words say which it is.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use lb_tests::lab::{Families, Process, Topology};
use lb_userspace::api::CheckStatus;
use nix::sys::signal::Signal;

use crate::databases::{mariadb, postgresql, redis};
use crate::kinds_names::{nsd, smtpd};
use crate::kinds_web::{Authority, nginx, s_server};
use crate::servant::REAL;
use crate::stage::{LIMIT, RETRY_PAUSE, Stage};

/// A kind, how it is asked, and what is awaited of a server that says nothing, or that resets when it is spoken to.
const CHECKS: [(&str, &str, [&str; 2]); 9] = [
    ("http", "port = 9080, version = \"2\", path = \"/up\"", ["the head of the answer"; 2]),
    (
        "https",
        "port = 9443, version = \"2\", sni = \"www.example.org\", path = \"/up\"",
        ["the end of the TLS handshake"; 2],
    ),
    ("tls", "port = 8443, sni = \"www.example.org\"", ["the end of the TLS handshake"; 2]),
    (
        "grpc",
        "port = 9443, tls = true, sni = \"www.example.org\"",
        ["the end of the TLS handshake"; 2],
    ),
    ("postgresql", "port = 5432", ["an answer to SSLRequest"; 2]),
    ("mysql", "port = 3306, user = \"lb_check\"", ["a greeting of MySQL", "an answer to a log-in"]),
    ("redis", "port = 6379", ["+PONG"; 2]),
    ("smtp", "port = 2525", ["a greeting with 220", "an answer to EHLO with 250"]),
    ("dns", "port = 5353, query = \"www.example.org\"", ["", ""]),
];

/// A way of failing: its rules for packets at the real server, and what is found then, by the kind and what it awaits.
type Way = (&'static str, &'static str, fn(&str, [&str; 2]) -> String);

const WAYS: [Way; 4] = [
    (
        "it refuses",
        "chain in { type filter hook input priority 0;
         tcp flags & (syn | ack) == syn reject with tcp reset; meta l4proto udp reject; }",
        |kind, _| match kind {
            "dns" => "port unreachable, says ICMP: nothing listens there".to_owned(),
            _ => "connection refused".to_owned(),
        },
    ),
    (
        "it is gone",
        "chain in { type filter hook input priority 0; meta l4proto { tcp, udp } drop; }",
        |_, _| "no answer within 500ms".to_owned(),
    ),
    (
        "connections are half open",
        "chain out { type filter hook output priority 0;
         tcp flags & (psh | fin) != 0 drop; meta l4proto udp drop; }",
        silent,
    ),
    // The last one: the server itself does not hear of it, and `s_server` serves one connection at a time.
    (
        "it resets",
        "chain in { type filter hook input priority 0;
         tcp flags & psh == psh reject with tcp reset; meta l4proto udp reject; }",
        |kind, [_, awaited]| match kind {
            "dns" => "port unreachable, says ICMP: nothing listens there".to_owned(),
            _ => format!("connection reset while waiting for {awaited}"),
        },
    ),
];

fn silent(kind: &str, [awaited, _]: [&str; 2]) -> String {
    match kind {
        "dns" => "no answer within 500ms".to_owned(),
        _ => format!("connected, but {awaited} did not come within 500ms"),
    }
}

/// Waits until each check has found this.
fn until(stage: &Stage, what: &str, so: impl Fn(&CheckStatus) -> bool) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = stage.lb(&["health", "--json"]);
        let mut checks: Vec<CheckStatus> = serde_json::from_str(&text).expect("what api says");
        checks.retain(|check| check.server.as_str() == REAL);
        let found: BTreeMap<_, _> = checks.iter().map(|check| (&check.kind, &check.last)).collect();
        assert_eq!(found.len(), CHECKS.len(), "each kind once");
        if checks.iter().all(&so) {
            return;
        }
        assert!(Instant::now() < deadline, "not so after {LIMIT:?}: {what}; {found:#?}");
        thread::sleep(RETRY_PAUSE);
    }
}

fn found(check: &CheckStatus) -> (&str, &str) {
    let last = check.last.as_ref();
    last.map_or(("", ""), |last| (&last.outcome, last.reason.as_deref().unwrap_or_default()))
}

fn passes(check: &CheckStatus) -> bool {
    // nginx is no server of gRPC: that it is asked is enough.
    let (outcome, reason) = found(check);
    outcome == "passed" || (check.kind == "grpc" && reason.contains("no gRPC at this port"))
}

/// What the real server's kernel does with packets, until it is told otherwise.
fn rule(stage: &Stage, text: &str) {
    let file = stage.lab.folder().join("failing.nft");
    let rules = format!("flush ruleset\ntable inet failing {{\n{text}\n}}\n");
    fs::write(&file, rules).expect("the rules are written");
    let real = stage.lab.namespace(REAL);
    real.run(Command::new("nft").arg("-f").arg(&file)).expect("they are in force");
}

#[test]
fn each_way_of_failing_has_its_words() {
    let checks: Vec<_> = CHECKS
        .iter()
        .map(|(kind, more, _)| {
            let pace = "interval = \"200ms\", timeout = \"500ms\", rise = 1, fall = 1";
            format!("{{ type = \"{kind}\", {more}, {pace} }}")
        })
        .collect();
    let topology = Topology::default().families(Families::Ipv4);
    let stage = &mut Stage::prepared(topology, |config| {
        config.check = format!("[{}]", checks.join(", "));
    });
    let authority = Authority::new(stage.lab.folder());
    let servants = [postgresql(stage), mariadb(stage), redis(stage), nsd(stage)];
    let processes = servants.into_iter().map(|mut one| one.process.take().expect("it runs"));
    let others = [smtpd(stage), s_server(stage, &authority, 4000, 8443), nginx(stage, &authority)];
    let mut processes: Vec<Process> = processes.chain(others).collect();
    stage.director.trust(&stage.lab.folder().join("ca.pem"));
    stage.director.start().expect("the agent starts");
    until(stage, "all are well", passes);

    let says = |words: fn(&str, [&str; 2]) -> String| {
        move |check: &CheckStatus| {
            let mut kinds = CHECKS.iter().filter(|(kind, ..)| *kind == check.kind);
            kinds.any(|(kind, _, awaited)| found(check) == ("failed", &words(kind, *awaited)))
        }
    };
    let frozen: Vec<_> = processes.iter().map(|one| one.freeze().expect("it stops")).collect();
    until(stage, "it is slow", says(silent));
    drop(frozen);
    for (way, rules, words) in WAYS {
        until(stage, "all are well again", passes);
        rule(stage, rules);
        until(stage, way, says(words));
        rule(stage, "");
    }
    // PostgreSQL would wait for connections that do not know of their end.
    processes[0].signal(Signal::SIGQUIT).expect("it runs");
    for process in &mut processes {
        process.terminate(LIMIT).expect("it ends");
    }
}
