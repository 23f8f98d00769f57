//! The agent ends, by force or by itself: what goes on, and what is left.

use std::time::Duration;

use lb_tests::lab::{Topology, VIP4, VIP6};
use lb_userspace::api::Status;

use crate::host::{look, programs};
use crate::requests::finish;
use crate::stage::{Stage, rings};

fn packets(status: &Status) -> Vec<(String, u64)> {
    let reals = status.services.iter().flat_map(|service| {
        service
            .reals
            .iter()
            .map(move |real| (format!("{} {}", service.name, real.name), real.packets))
    });
    reals.collect()
}

#[test]
fn a_killed_agent_is_not_missed() {
    let mut stage = Stage::up();
    let requests = stage.requests();
    let downloads = stage.downloads((VIP4, 80), "1m", &["real1", "real2"], 2);
    requests.await_more(500);
    let before = stage.status();
    let first = stage.director.agent().unwrap();
    let answered = requests.answered();

    stage.director.kill9().unwrap();
    requests.await_time(Duration::from_secs(5));
    let meanwhile = requests.answered() - answered;
    assert!(meanwhile > 500, "only {meanwhile} requests in 5 s");
    stage.director.start().unwrap();

    let after = stage.status();
    assert!(after.adopted);
    assert_ne!(stage.director.agent().unwrap(), first);
    assert_eq!(rings(&after), rings(&before));
    assert!(after.warnings.is_empty(), "{:?}", after.warnings);
    let (before, after) = (packets(&before), packets(&after));
    for ((real, before), (_, after)) in before.iter().zip(&after) {
        assert!(after > before, "{real}: {after} packets after the restart, {before} before");
    }
    let counted: u64 =
        after.iter().map(|(_, n)| n).sum::<u64>() - before.iter().map(|(_, n)| n).sum::<u64>();
    assert!(counted >= 4 * meanwhile, "{counted} packets counted for {meanwhile} requests");
    requests.await_more(500);
    finish(downloads);
    requests.stop_whole();
}

#[test]
fn an_agent_that_keeps_forwarding_in_place_can_be_replaced() {
    let mut stage = Stage::prepared(Topology::default(), |_| {});
    stage.director.start_with(&["--keep"]).unwrap();
    stage.until("both are in the ring", |status| {
        status.pools.iter().all(|pool| pool.servers.iter().all(|server| server.share > 0.0))
    });
    let requests = stage.requests();
    requests.await_more(200);
    let before = packets(&stage.status());
    assert!(stage.director.terminate().unwrap().success());
    requests.await_more(500);
    stage.director.start().unwrap();
    let after = stage.status();
    assert!(after.adopted);
    for ((real, before), (_, after)) in before.iter().zip(&packets(&after)) {
        assert!(after > before, "{real}: {after} packets after the restart, {before} before");
    }
    requests.await_more(200);
    requests.stop_whole();
}

#[test]
fn an_agent_that_is_told_to_stop_leaves_nothing() {
    let mut stage = Stage::prepared(Topology::default(), |_| {});
    let before = look(&stage);
    // Twice: the second start finds nothing of the first.
    for _ in 0..2 {
        stage.director.start().unwrap();
        let running = look(&stage);
        for vip in [VIP4.to_string(), VIP6.to_string()] {
            assert!(running.contains(&vip), "{vip} is not in {running}");
        }
        assert_eq!(programs(&stage).len(), 1, "{running}");
        assert!(!stage.status().adopted);
        stage.ask(300);
        assert!(stage.director.terminate().unwrap().success());
        assert_eq!(look(&stage), before);
    }
}
