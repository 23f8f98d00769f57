//! `lb health` and `lb health test`, with web servers that are well, dead and slow.

use std::process::{Command, Output};
use std::thread;
use std::time::Instant;

use lb_tests::lab::{Families, Topology};
use lb_userspace::api::{CheckStatus, CheckTest};

use crate::stage::{LIMIT, RETRY_PAUSE, Stage, output};

const CHECK: &str = r#"{ type = "http", interval = "200ms", timeout = "200ms", rise = 2, fall = 3, interval_down = "100ms" }"#;

/// `lb ARGS`, whatever it ends with.
fn lb(stage: &Stage, args: &[&str]) -> Output {
    let mut command = Command::new(stage.director.binary());
    command.args(args).arg("--socket").arg(&stage.director.paths.socket);
    output(stage.director.namespace(), &mut command)
}

fn checks(stage: &Stage) -> Vec<CheckStatus> {
    serde_json::from_str(&stage.lb(&["health", "--json"])).expect("what api says")
}

fn check(stage: &Stage, server: &str) -> CheckStatus {
    let mut all = checks(stage);
    all.retain(|check| check.pool.as_str() == "web4" && check.server.as_str() == server);
    let [check] = &all[..] else { panic!("{all:?}") };
    check.clone()
}

fn until(stage: &Stage, server: &str, so: impl Fn(&CheckStatus) -> bool) -> CheckStatus {
    let deadline = Instant::now() + LIMIT;
    loop {
        let check = check(stage, server);
        if so(&check) {
            return check;
        }
        assert!(Instant::now() < deadline, "not so after {LIMIT:?}: {check:#?}");
        thread::sleep(RETRY_PAUSE);
    }
}

/// What a test has found, and the exit code.
fn test(stage: &Stage, server: &str) -> (CheckTest, i32) {
    let done = lb(stage, &["health", "test", server, "--json"]);
    let tests: Vec<CheckTest> = serde_json::from_slice(&done.stdout).expect("what api says");
    let [test] = &tests[..] else { panic!("{tests:?}") };
    (test.clone(), done.status.code().expect("it was not killed"))
}

fn reload(stage: &mut Stage, check: &str) {
    check.clone_into(&mut stage.config.check);
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.lb(&["reload"]);
}

#[test]
fn what_checks_have_found_and_one_check_now() {
    let topology = Topology::default().families(Families::Ipv4);
    let mut stage = Stage::up_with(topology, |config| config.check = CHECK.to_owned());
    let well = until(&stage, "real1", |check| check.checks >= 2);
    assert_eq!((well.state.as_str(), well.kind.as_str(), well.failed), ("up", "http", 0));
    assert_eq!(well.last.expect("a check").outcome, "passed");
    print!("{}", stage.lb(&["health"]));
    let table = stage.lb(&["health", "web4/real1"]);
    assert!(table.contains("web4/real1") && table.contains("answers"), "{table}");
    assert!(!table.contains("real2"), "{table}");

    let (tested, code) = test(&stage, "web4/real1");
    assert_eq!((tested.outcome.as_str(), code), ("passed", 0), "{tested:?}");
    let words: Vec<_> = tested.steps.iter().map(|step| step.words.as_str()).collect();
    let expected = ["connects to ", "connected, from ", "sent ", "received "];
    assert!(words.iter().zip(expected).all(|(word, begin)| word.starts_with(begin)), "{words:?}");
    assert!(words[2].contains("\"GET / HTTP/1.1\""), "{words:?}");
    assert!(words[3].contains("\"HTTP/1.1 200 OK\""), "{words:?}");
    print!("{}", stage.lb(&["health", "test", "web4/real1"]));

    stage.lab.stop_server("real2").unwrap();
    let dead = until(&stage, "real2", |check| check.state == "down");
    let last = dead.last.expect("a check");
    assert_eq!(
        (last.outcome.as_str(), last.reason.as_deref()),
        ("failed", Some("connection refused"))
    );
    assert!(dead.failed >= 3, "{}", dead.failed);
    assert!(dead.failure.is_some_and(|failure| failure.ongoing && failure.count >= 3));
    assert!((dead.interval_seconds - 0.1).abs() < 1e-9, "it is asked as a dead one is");
    print!("{}", stage.lb(&["health", "web4"]));
    let (tested, code) = test(&stage, "web4/real2");
    assert_eq!((tested.outcome.as_str(), code), ("failed", 1));
    assert_eq!(tested.reason.as_deref(), Some("connection refused"));
    let page = lb(&stage, &["health", "test", "web4/real2"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains("failed: connection refused"));

    // A reload that changes the check takes nothing back.
    let before = check(&stage, "real2");
    reload(&mut stage, &CHECK.replace("timeout = \"200ms\"", "timeout = \"150ms\""));
    let after = check(&stage, "real2");
    assert_eq!(after.state, "down");
    assert!(after.checks >= before.checks && after.failed >= before.failed, "{after:?}");
    assert!(after.since_seconds >= before.since_seconds, "{after:?}");
    until(&stage, "real2", |check| check.checks > after.checks);

    let slow = r#"{ type = "http", path = "/slow?rate=1k", body = "never there", interval = "10s", timeout = "300ms" }"#;
    reload(&mut stage, slow);
    let (tested, code) = test(&stage, "web4/real1");
    let reason = tested.reason.expect("words");
    assert!(reason.contains("did not come within 300ms"), "{reason}");
    assert_eq!((tested.outcome.as_str(), code), ("failed", 1));
    assert!(tested.took_ms >= 300.0, "{}", tested.took_ms);
    assert_eq!(check(&stage, "real1").state, "up", "a test changes nothing");

    let (code, words) = stage.lb_fails(&["health", "web9"]);
    assert_eq!((code, words.trim_end()), (1, "there is no pool `web9`"));
    let (_, words) = stage.lb_fails(&["health", "test", "web4/real9"]);
    assert_eq!(words.trim_end(), "pool `web4` has no real server `real9`");
}

/// Waits until it is written down that real2 is dead; how many checks there were by then, in the order of `lb health`.
fn remembered(stage: &Stage) -> Vec<u64> {
    let file = stage.director.paths.state.join("checks.json");
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|_| "[]".to_owned());
        let records: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
        let dead = |record: &&serde_json::Value| record["report"]["state"] == "down";
        if records.iter().filter(dead).count() == 2 {
            assert!(
                records.iter().filter(dead).all(|record| record["server"] == "real2"),
                "{text}"
            );
            let checks = records.iter().map(|record| record["report"]["checks"].as_u64());
            return checks.collect::<Option<_>>().expect("counts");
        }
        assert!(Instant::now() < deadline, "not written down after {LIMIT:?}: {text}");
        thread::sleep(RETRY_PAUSE);
    }
}

#[test]
fn a_killed_agent_leaves_what_each_check_has_found() {
    let topology = Topology::default().families(Families::Ipv4);
    let twofold = format!("[{CHECK}, {}]", CHECK.replace("type = \"http\"", "type = \"tcp\""));
    let mut stage = Stage::up_with(topology, |config| config.check = twofold);
    let both = |stage: &Stage, server: &str| {
        let mut all = checks(stage);
        all.retain(|check| check.pool.as_str() == "web4" && check.server.as_str() == server);
        assert_eq!(all.len(), 2, "{all:?}");
        all
    };
    let until_both = |stage: &Stage, server: &str, state: &str, more: u64| {
        let deadline = Instant::now() + LIMIT;
        loop {
            let all = both(stage, server);
            if all.iter().all(|check| check.state == state && check.checks >= more) {
                return all;
            }
            assert!(Instant::now() < deadline, "not {state} after {LIMIT:?}: {all:#?}");
            thread::sleep(RETRY_PAUSE);
        }
    };
    stage.lab.stop_server("real2").unwrap();
    until_both(&stage, "real2", "down", 5);
    let requests = stage.requests();
    requests.await_more(100);
    let written = remembered(&stage);
    let before = [both(&stage, "real1"), both(&stage, "real2")];

    stage.director.kill9().unwrap();
    let off = Instant::now();
    stage.director.start().unwrap();
    let after = [both(&stage, "real1"), both(&stage, "real2")];
    let both_times = before.iter().flatten().zip(after.iter().flatten());
    for ((before, after), written) in both_times.zip(written) {
        assert_eq!(
            (&after.state, after.failure.is_some()),
            (&before.state, before.failure.is_some())
        );
        // It has been so since then, and not since the start of this agent.
        assert!(after.since_seconds >= before.since_seconds, "{before:?} {after:?}");
        let aged = after.since_seconds - before.since_seconds;
        assert!(aged < off.elapsed().as_secs_f64() + 5.0, "{aged} s older");
        assert!(after.checks >= written && after.last.is_some(), "{after:?}");
        if let (Some(before), Some(after)) = (&before.failure, &after.failure) {
            assert_eq!((&after.reason, after.ongoing), (&before.reason, before.ongoing));
            assert!(after.began_seconds_ago >= before.began_seconds_ago, "{before:?} {after:?}");
        }
    }
    let status = stage.status();
    let dead = crate::stage::server(&status, "web4", "real2");
    assert_eq!((dead.state.as_str(), dead.share), ("down", 0.0));
    let health = dead.health.as_ref().expect("it is checked");
    assert_eq!(health.reason.as_deref(), Some("connection refused"));
    assert!(health.checks > 0, "{health:?}");

    // It goes on from there; nobody has gone down or come up, and no request was lost.
    let made: Vec<_> = after.iter().flatten().map(|check| check.checks).collect();
    until_both(&stage, "real1", "up", made[0].max(made[1]) + 5);
    until_both(&stage, "real2", "down", made[2].max(made[3]) + 5);
    let flaps: u64 = stage.status().pools[0].servers.iter().map(|server| server.transitions).sum();
    assert_eq!(flaps, 0, "transitions since the restart");
    requests.await_more(100);
    requests.stop_whole();

    // And back, by `rise` checks as ever.
    stage.lab.start_server("real2").unwrap();
    let back = until_both(&stage, "real2", "up", 1);
    assert!(
        back.iter().all(|check| check.failure.as_ref().is_some_and(|failure| !failure.ongoing))
    );
}
