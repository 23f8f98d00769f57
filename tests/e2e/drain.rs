//! `lb backend drain` and `ready`: a real server is emptied, nobody notices.

use std::time::{Duration, Instant};

use lb_tests::lab::{Topology, VIP4, VIP4_BUNDLE, VIP6};
use lb_userspace::plan::Admin;

use crate::requests::{assert_running, assert_shares, finish};
use crate::stage::{Stage, pool, real, server};

const REAL1: [&str; 2] = ["web4/real1", "web6/real1"];

#[test]
fn a_drained_real_server_finishes_what_it_has_and_gets_nothing_new() {
    let mut stage = Stage::up();
    let requests = stage.requests();
    let mut downloads = stage.downloads((VIP4, 80), "3m", &["real1", "real2"], 3);
    downloads.extend(stage.downloads((VIP6, 80), "3m", &["real1", "real2"], 3));
    downloads.extend(stage.downloads((VIP4_BUNDLE, 443), "3m", &["real1", "real2"], 1));

    for path in REAL1 {
        let begin = Instant::now();
        stage.lb(&["backend", "drain", path]);
        let took = begin.elapsed();
        println!("`lb backend drain {path}` took {took:.1?}, the start of the command included");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    assert_running(&downloads);
    // What is asked from here on is new.
    assert_shares(&stage.ask(3000), &[("real2", 1.0)]);
    let status = stage.status();
    for (service, pool) in [("web4", "web4"), ("bundle", "web4"), ("web6", "web6")] {
        let drained = real(&status, service, "real1");
        assert_eq!((drained.state.as_str(), drained.share), ("drain", 0.0));
        assert!(server(&status, pool, "real1").differs_from_file);
    }

    // An operator's word outlives the agent.
    stage.director.kill9().unwrap();
    stage.director.start().unwrap();
    let status = stage.status();
    assert_eq!(server(&status, "web4", "real1").admin, Admin::Drain);
    assert_eq!(server(&status, "web6", "real1").share, 0.0);
    assert_shares(&stage.ask(500), &[("real2", 1.0)]);
    finish(downloads);

    for path in REAL1 {
        stage.lb(&["backend", "ready", path]);
    }
    assert_shares(&stage.ask(6000), &[("real1", 0.5), ("real2", 0.5)]);
    assert!(!server(&stage.status(), "web4", "real1").differs_from_file);
    requests.stop_whole();
}

#[test]
fn weight_nought_is_a_drain_and_maintenance_is_at_once() {
    let stage = Stage::up();
    let downloads = stage.downloads((VIP4, 80), "8m", &["real1", "real2"], 2);
    stage.lb(&["backend", "weight", "web4/real1", "0"]);
    stage.lb(&["backend", "weight", "web6/real1", "0"]);
    assert_shares(&stage.ask(1500), &[("real2", 1.0)]);
    finish(downloads);

    stage.lb(&["backend", "weight", "web4/real1", "3"]);
    stage.lb(&["backend", "weight", "web6/real1", "3"]);
    assert_shares(&stage.ask(6000), &[("real1", 0.75), ("real2", 0.25)]);

    // Those of the real server in maintenance break: they meet a host that does not know them.
    let downloads = stage.downloads((VIP4, 80), "1m", &["real1", "real2"], 2);
    stage.lb(&["backend", "maint", "web4/real1"]);
    stage.lb(&["backend", "maint", "web6/real1"]);
    assert_shares(&stage.ask(1500), &[("real2", 1.0)]);
    for download in downloads {
        let real = download.server.clone();
        if real == "real1" {
            download.finish().expect_err("real1 is out");
        } else {
            download.stop().expect("real2 is not concerned");
        }
    }
    assert_eq!(real(&stage.status(), "web4", "real1").state, "maintenance");
}

/// The transition window is over, and the downloads are not: they hold it open until they are done.
#[test]
fn a_download_outlasts_the_window() {
    let stage =
        Stage::up_with(Topology::default(), |config| config.pool = "window = \"10s\"\n".into());
    let downloads = stage.downloads((VIP4, 80), "700k", &["real1"], 2);
    let begin = Instant::now();
    for path in REAL1 {
        stage.lb(&["backend", "drain", path]);
    }
    assert!(downloads.iter().any(|download| download.server == "real1"));
    finish(downloads);
    assert!(
        begin.elapsed() > Duration::from_secs(11),
        "the window was over: {:?}",
        begin.elapsed()
    );
    // Nobody holds it any more.
    stage.until("the transition is over", |status| {
        pool(status, "web4").transition_seconds.is_none()
    });
    assert_shares(&stage.ask(500), &[("real2", 1.0)]);
}
