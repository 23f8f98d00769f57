//! `lb backend add` and `remove`: real servers come and go, connections stay.

use std::time::Duration;

use lb_tests::lab::{Topology, VIP4, VIP4_BUNDLE, VIP6};
use lb_tests::load::Plan;

use crate::requests::{assert_running, assert_shares, finish};
use crate::stage::{Stage, pool, real, server};

const PATHS: [(&str, &str); 2] = [("web4/real3", "10.8.8.53"), ("web6/real3", "fd00:8:8::53")];
const TWO: [(&str, f64); 2] = [("real1", 1.0 / 2.0), ("real2", 1.0 / 2.0)];
const THREE: [(&str, f64); 3] = [("real1", 1.0 / 3.0), ("real2", 1.0 / 3.0), ("real3", 1.0 / 3.0)];

#[test]
fn an_added_real_server_gets_its_share_and_no_connection_breaks() {
    let stage = Stage::up_with(Topology::default().reals(3), |config| config.reals = 2);
    let requests = stage.requests();
    // Up to 100 requests on each of these connections: they live through all that follows.
    let kept = stage.requests_of(Plan {
        keep_alive: true,
        path: "/1k".into(),
        pause: Duration::from_millis(20),
        threads: 8,
        ..stage.plan()
    });
    assert_shares(&stage.ask(3000), &TWO);
    let mut downloads = stage.downloads((VIP4, 80), "2m", &["real1", "real2"], 4);
    downloads.extend(stage.downloads((VIP6, 80), "2m", &["real1", "real2"], 4));
    downloads.extend(stage.downloads((VIP4_BUNDLE, 80), "2m", &["real1", "real2"], 2));

    for (path, address) in PATHS {
        stage.lb(&["backend", "add", path, "--address", address]);
    }
    stage.until("real3 is in both rings", |status| {
        ["web4", "web6"].iter().all(|service| real(status, service, "real3").share > 0.3)
    });
    assert_running(&downloads);
    assert_shares(&stage.ask(12_000), &THREE);
    let status = stage.status();
    assert!(server(&status, "web4", "real3").differs_from_file);
    assert!(pool(&status, "web4").transition_seconds.is_some(), "moved flows are tracked");
    finish(downloads);

    let downloads = stage.downloads((VIP4, 80), "4m", &["real1", "real2", "real3"], 2);
    for (path, _) in PATHS {
        stage.lb(&["backend", "remove", path]);
    }
    assert_running(&downloads);
    assert_shares(&stage.ask(6000), &TWO);
    assert!(
        pool(&stage.status(), "web4").servers.iter().all(|server| server.name.as_str() != "real3")
    );
    finish(downloads);
    requests.stop_whole();
    kept.stop_whole();
}

#[test]
fn what_was_added_and_removed_is_so_after_a_restart() {
    let mut stage = Stage::up_with(Topology::default().reals(3), |config| config.reals = 2);
    let requests = stage.requests();
    for (path, address) in PATHS {
        stage.lb(&["backend", "add", path, "--address", address, "--weight", "2"]);
    }
    for path in ["web4/real1", "web6/real1"] {
        stage.lb(&["backend", "remove", path]);
    }
    let shares = [("real2", 1.0 / 3.0), ("real3", 2.0 / 3.0)];
    let all_in = |stage: &Stage| {
        stage.until("real3 has its part", |status| real(status, "web6", "real3").share > 0.6);
        assert_shares(&stage.ask(4000), &shares);
    };
    all_in(&stage);

    stage.director.kill9().unwrap();
    stage.director.start().unwrap();
    all_in(&stage);
    requests.stop_whole();

    // Nothing was left in place by this one: what the operator said still holds.
    stage.director.terminate().unwrap();
    stage.director.start().unwrap();
    all_in(&stage);
}
