//! Checks that wait for the VIPs: a backup makes none, and begins with them when it takes over.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use lb_tests::lab::{Director, Topology};
use lb_userspace::api::{CheckStatus, Status};

use crate::{
    stage::{LIMIT, RETRY_PAUSE, Stage, until},
    vrrp::{FIRST, Pair, SECOND},
};

/// Long beside what a takeover and a check take.
const INTERVAL: Duration = Duration::from_secs(3);
const CHECK: &str = r#"{ type = "tcp", interval = "3s", timeout = "500ms", rise = 1, fall = 1, while_backup = "suspend" }"#;

/// TCP connections that a director has begun: checks alone make some.
fn begun(pair: &Pair, director: &str) -> u64 {
    let namespace = pair.stage.lab.namespace(director);
    let text = namespace.run(Command::new("cat").arg("/proc/net/snmp")).expect("the counters");
    let lines: Vec<Vec<_>> = text
        .lines()
        .filter(|line| line.starts_with("Tcp:"))
        .map(|line| line.split(' ').collect())
        .collect();
    let [names, numbers] = &lines[..] else { panic!("{text}") };
    let column = names.iter().position(|name| *name == "ActiveOpens").expect("the counter");
    numbers[column].parse().expect("a number")
}

fn until_all(director: &Director, what: &str, so: impl Fn(&CheckStatus) -> bool) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = director.lb(&["health", "--json"]).expect("`lb health` succeeds");
        let checks: Vec<CheckStatus> = serde_json::from_str(&text).expect("what api says");
        if !checks.is_empty() && checks.iter().all(&so) {
            return;
        }
        assert!(Instant::now() < deadline, "not so after {LIMIT:?}: {what}; {checks:#?}");
        std::thread::sleep(RETRY_PAUSE);
    }
}

/// real1 has everything in each pool.
fn is_without_real2(status: &Status) -> bool {
    status.pools.iter().all(|pool| {
        pool.servers.iter().all(|server| match server.name.as_str() {
            "real1" => server.share > 0.99,
            _ => server.state == "down" && server.share == 0.0,
        })
    })
}

#[test]
fn a_backup_makes_no_checks_and_begins_at_its_takeover() {
    let topology = Topology::default().directors(2);
    let stage = Stage::prepared(topology, |config| CHECK.clone_into(&mut config.check));
    let mut pair = Pair::up_on(stage, 3, (150, 100), "advert_interval = \"100ms\"\n");
    pair.assert_master(FIRST);
    until_all(&pair.stage.director, "the master checks", |check| {
        !check.suspended && check.state == "up"
    });
    pair.stage.lab.stop_server("real2").expect("real2 ends");
    pair.stage.until("the master has found it", is_without_real2);

    // Nothing is asked, and nothing is known.
    until_all(&pair.second, "the backup waits", |check| {
        check.suspended && check.checks == 0 && check.state == "unknown"
    });
    assert_eq!(begun(&pair, SECOND), 0, "connections of the backup");
    assert!(begun(&pair, FIRST) >= 4, "connections of the master");
    let page = pair.second.lb(&["health"]).expect("`lb health` succeeds");
    assert!(page.contains("suspended: the VIPs are on another director"), "{page}");

    pair.connect(FIRST, "down");
    pair.stage.director.kill9().expect("the first agent is killed");
    pair.until(SECOND, "master");
    let master = Instant::now();
    until(&pair.second, "the second has found it", is_without_real2);
    let took = master.elapsed();
    println!("from the takeover to the ring without the dead server: {took:?}");
    assert!(took < INTERVAL, "the first checks are made at once: {took:?}");
    assert!(begun(&pair, SECOND) >= 4);
    pair.assert_served();

    // It gives them back: what it knows stays, and no check is made for longer than an interval.
    pair.connect(FIRST, "up");
    pair.stage.director.start().expect("the first agent starts again");
    pair.assert_master(FIRST);
    until_all(&pair.second, "the backup waits again", |check| check.suspended);
    let before = begun(&pair, SECOND);
    let first = begun(&pair, FIRST);
    // Four checks an interval: after eight more, each was due twice.
    while begun(&pair, FIRST) < first + 9 {
        assert!(master.elapsed() < 3 * LIMIT, "the master does not check");
        std::thread::sleep(RETRY_PAUSE);
    }
    assert_eq!(begun(&pair, SECOND), before, "connections of the backup");
    assert!(is_without_real2(&crate::stage::status(&pair.second)), "what is known stays");
}
