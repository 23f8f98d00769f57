//! A web server stops and comes back: out of the ring, and into exactly its own slots again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lb_tests::lab::{Families, Topology, VIP4, VIP6};
use lb_tests::load::Failure;
use lb_userspace::api::Status;

use crate::requests::{assert_running, assert_shares, finish};
use crate::stage::{LIMIT, Stage, real, rings, server};
use crate::trace::trace;

const INTERVAL: Duration = Duration::from_millis(200);
const CHECK: &str =
    r#"{ type = "tcp", interval = "200ms", timeout = "200ms", rise = 2, fall = 3 }"#;
const THIRD: f64 = 1.0 / 3.0;

#[test]
fn a_stopped_web_server_leaves_the_ring_and_returns_to_its_slots() {
    let mut stage =
        Stage::up_with(Topology::default().reals(3), |config| config.check = CHECK.to_owned());
    let healthy = stage.status();
    let flows = flows(&stage);
    let before = where_they_go(&stage, &flows);
    let requests = stage.requests();
    // real2's own are lost with it, of course.
    let mut downloads = stage.downloads((VIP4, 80), "2m", &["real1", "real2", "real3"], 2);
    downloads.extend(stage.downloads((VIP6, 80), "2m", &["real1", "real2", "real3"], 2));
    assert_running(&downloads);
    downloads.retain(|download| download.server != "real2");

    let begin = Instant::now();
    stage.lab.stop_server("real2").unwrap();
    stage.until("real2 is down in both pools", |status| is(status, "down"));
    let detected = begin.elapsed();
    println!("down {detected:.1?} after the end of its web server: 3 checks, {INTERVAL:?} apart");
    assert!(detected >= 2 * INTERVAL, "{detected:?}: after fewer than 3 checks");
    assert!(detected < 20 * INTERVAL, "{detected:?}");
    // Until then its port refused; nobody waited for nothing.
    let report = requests.stop();
    println!("of {} requests {} failed until then", report.requests(), report.failed());
    let allowed = [Failure::Refused, Failure::Reset, Failure::Truncated];
    for failure in report.services.values().flat_map(|service| service.failures.keys()) {
        assert!(allowed.contains(failure), "{}", report.failures());
    }

    let requests = stage.requests();
    assert_shares(&stage.ask(6000), &[("real1", 0.5), ("real3", 0.5)]);
    let status = stage.status();
    let down = server(&status, "web4", "real2");
    assert_eq!((down.state.as_str(), down.share), ("down", 0.0));
    let reason = down.health.as_ref().and_then(|health| health.reason.clone()).unwrap();
    assert!(reason.contains("refused"), "{reason}");
    let without = where_they_go(&stage, &flows);
    for (flow, real) in &before {
        let moved = without[flow] != *real;
        assert_eq!(moved, real == "real2", "{flow:?} went to {real}, now to {}", without[flow]);
    }

    let begin = Instant::now();
    stage.lab.start_server("real2").unwrap();
    stage.until("real2 is up in both pools", |status| is(status, "up"));
    println!("up {:.1?} after the start of its web server: 2 checks", begin.elapsed());
    assert_eq!(rings(&stage.status()), rings(&healthy));
    assert_eq!(where_they_go(&stage, &flows), before);
    assert_shares(&stage.ask(9000), &[("real1", THIRD), ("real2", THIRD), ("real3", THIRD)]);
    requests.stop_whole();
    finish(downloads);
}

#[test]
fn health_survives_a_crash_of_the_agent_and_the_last_real_server_can_go() {
    let mut stage = Stage::up_with(Topology::default(), |config| config.check = CHECK.to_owned());
    stage.lab.stop_server("real2").unwrap();
    stage.until("real2 is down", |status| is(status, "down"));
    let requests = stage.requests();
    stage.director.kill9().unwrap();
    stage.director.start().unwrap();
    // It is not taken for healthy until a check says otherwise.
    assert!(is(&stage.status(), "down"));
    requests.await_more(500);
    requests.stop_whole();

    stage.lab.stop_server("real1").unwrap();
    stage.until("nobody is left", |status| {
        status.pools.iter().flat_map(|pool| &pool.servers).all(|server| server.state == "down")
    });
    let plan = lb_tests::load::Plan {
        requests: Some(2),
        timeout: Duration::from_millis(300),
        ..stage.plan()
    };
    // Dropped and counted: the director itself has the VIP, and must not answer.
    let report = stage.requests_of(plan).stop_when_done();
    assert_eq!(report.requests(), 0);
    assert!(report.services.values().all(|s| s.failures.keys().all(|f| *f == Failure::Timeout)));
    let dropped: u64 = stage.status().reasons.iter().filter(|r| r.drops).map(|r| r.packets).sum();
    assert!(dropped > 0);

    for real in ["real1", "real2"] {
        stage.lab.start_server(real).unwrap();
    }
    stage.until("both are back", |status| {
        status.pools.iter().flat_map(|pool| &pool.servers).all(|server| server.state == "up")
    });
    assert_shares(&stage.ask(4000), &[("real1", 0.5), ("real2", 0.5)]);
}

/// Is real2 so, in both families?
fn is(status: &Status, state: &str) -> bool {
    ["web4", "web6"].iter().all(|service| real(status, service, "real2").state == state)
}

/// Flows that nobody has: for `lb trace`.
fn flows(stage: &Stage) -> Vec<(SocketAddr, SocketAddr)> {
    let clients = stage.lab.topology().client_addresses();
    let flow = |(number, client): (u16, std::net::IpAddr)| {
        let vip = if client.is_ipv4() { VIP4.into() } else { VIP6.into() };
        (SocketAddr::new(client, 200 + number), SocketAddr::new(vip, 80))
    };
    (0..40).zip(clients).map(flow).collect()
}

fn where_they_go(
    stage: &Stage,
    flows: &[(SocketAddr, SocketAddr)],
) -> BTreeMap<(SocketAddr, SocketAddr), String> {
    let real = |(client, vip): &(SocketAddr, SocketAddr)| {
        ((*client, *vip), trace(stage, *client, *vip).real.expect("it goes somewhere"))
    };
    let begin = Instant::now();
    let there = flows.iter().map(real).collect();
    assert!(begin.elapsed() < LIMIT);
    there
}

/// Two checks, of which one finds nobody: all must pass, or one.
#[test]
fn several_checks_of_a_server() {
    const BAD: &str = r#"{ type = "tcp", port = 81, interval = "100ms", rise = 1, fall = 1 }"#;
    let mut stage = Stage::prepared(Topology::default().families(Families::Ipv4), |config| {
        config.check = format!("[{CHECK}, {BAD}]");
        config.pool = "checks_needed = 1\n".to_owned();
    });
    stage.director.start().expect("the agent starts");
    let known = |status: &Status, state: &str| {
        ["real1", "real2"].iter().all(|name| {
            let server = server(status, "web4", name);
            let health = server.health.as_ref();
            server.state == state && health.is_some_and(|health| health.state == state)
        })
    };
    let status = stage.until("one of two is enough", |status| known(status, "up"));
    let health = server(&status, "web4", "real1").health.as_ref().expect("health");
    assert_eq!(health.reason.as_deref(), Some("connection refused"), "the failing one is shown");
    stage.config.pool = String::new();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.lb(&["reload"]);
    stage.until("both must pass", |status| known(status, "down"));
    stage.config.check = CHECK.to_owned();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.lb(&["reload"]);
    stage.until("the failing one is gone", |status| known(status, "up"));
}
