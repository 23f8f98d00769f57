//! A changed file under traffic: in force as a whole, or not at all.

use std::net::IpAddr;
use std::time::Duration;

use lb_tests::http::Connection;
use lb_tests::lab::{Topology, VIP4};
use lb_tests::load::{Plan, Target};
use nix::sys::signal::Signal;

use crate::requests::{assert_running, assert_shares, finish};
use crate::stage::{Stage, real, rings};

/// A VIP that the standard configuration does not use.
const NEW_VIP: &str = "10.8.8.60";
const NEW_SERVICE: &str = r#"
[[service]]
name = "fresh"
address = "10.8.8.60"
ports = ["tcp/80"]
mode = "direct-routing"
pool = "web4"
"#;

fn topology() -> Topology {
    Topology::default().vip(NEW_VIP.parse().expect("an address"))
}

/// The file with another weight for a real server, in both families.
fn weighted(toml: &str, real: &str, weight: u16) -> String {
    let end = |line: &str| line.replace(" },", &format!(", weight = {weight} }},"));
    let named = format!("{{ name = \"{real}\"");
    let lines =
        toml.lines().map(|line| if line.contains(&named) { end(line) } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn new_weights_a_new_service_and_a_removed_one() {
    let stage = Stage::up_with(topology(), |_| {});
    let requests = stage.requests();
    let mut downloads = stage.downloads((VIP4, 80), "2m", &["real1", "real2"], 3);

    stage.director.write_config(&weighted(&stage.toml(), "real1", 3)).unwrap();
    let said = stage.lb(&["reload"]);
    assert!(said.contains("configuration reloaded"), "{said}");
    assert_running(&downloads);
    assert_shares(&stage.ask(4000), &[("real1", 0.75), ("real2", 0.25)]);

    stage.director.write_config(&(stage.toml() + NEW_SERVICE)).unwrap();
    stage.lb(&["reload"]);
    let fresh = (NEW_VIP.parse::<IpAddr>().unwrap(), 80);
    let plan = Plan { targets: vec![Target::new("fresh", fresh)], ..stage.plan() };
    assert_shares(
        &stage.ask_by(Plan { requests: Some(1000), pause: Duration::ZERO, ..plan }),
        &[("real1", 0.5), ("real2", 0.5)],
    );
    downloads.extend(stage.downloads(fresh, "4m", &["real1"], 1));
    finish(downloads);

    stage.director.write_config(&stage.toml()).unwrap();
    stage.lb(&["reload"]);
    assert!(stage.status().services.iter().all(|service| service.name.as_str() != "fresh"));
    let client = stage.lab.topology().client_addresses()[0];
    let connect = || Connection::open(client, fresh.into(), Duration::from_millis(300));
    stage.lab.client().enter(connect).unwrap().expect_err("nobody serves it any more");
    assert_shares(&stage.ask(4000), &[("real1", 0.5), ("real2", 0.5)]);
    requests.stop_whole();
}

#[test]
fn sighup_reloads_and_the_operator_keeps_the_last_word() {
    let stage = Stage::up();
    let requests = stage.requests();
    stage.lb(&["backend", "weight", "web6/real2", "0"]);
    stage.director.write_config(&weighted(&stage.toml(), "real2", 4)).unwrap();
    stage.director.signal(Signal::SIGHUP).unwrap();
    let status = stage.until("the new weight is in force", |status| {
        (real(status, "web4", "real2").share - 0.8).abs() < 0.01
    });
    assert_eq!(real(&status, "web6", "real2").share, 0.0);
    requests.await_more(200);
    requests.stop_whole();
}

#[test]
fn what_is_wrong_changes_nothing_and_is_named() {
    let stage = Stage::up();
    let requests = stage.requests();
    let before = stage.status();
    let good = stage.toml();
    let line = |of: &str, text: &str| {
        1 + of.lines().position(|line| line.contains(text)).expect("the text is in the file")
    };
    let misspelt = good.replace("scheduler = \"maglev\"", "schedular = \"maglev\"");
    let outside = good.replace("\"10.8.8.52\"", "\"192.0.2.52\"");
    let elsewhere = good.replace("interface = \"eth0\"", "interface = \"eth1\"");
    let cases = [
        (
            misspelt.clone(),
            vec![format!("lb.toml:{}", line(&misspelt, "schedular")), "scheduler".into()],
        ),
        (
            outside.clone(),
            vec![format!("lb.toml:{}", line(&outside, "192.0.2.52")), "10.8.8.0/24".into()],
        ),
        (elsewhere, vec!["eth1".into(), "eth0".into()]),
        (good.clone() + "\n[limits]\nflows = 4096\n", vec!["[limits]".into(), "restart".into()]),
        (good.replace("lb.sock", "other.sock"), vec!["`socket`".into(), "restart".into()]),
        (good.replace("[node]", "[node"), vec!["lb.toml:1".into()]),
    ];
    for (text, words) in cases {
        stage.director.write_config(&text).unwrap();
        let (code, said) = stage.lb_fails(&["reload"]);
        assert_eq!(code, 1, "{said}");
        for word in words {
            assert!(said.contains(&word), "not a word of {word}: {said}");
        }
        let now = stage.status();
        assert_eq!(rings(&now), rings(&before), "{said}");
        assert_eq!(now.pid, before.pid);
    }
    // By signal the words are in the log.
    stage.director.signal(Signal::SIGHUP).unwrap();
    requests.await_more(500);
    let log = stage.director.log();
    assert!(log.contains("not reloaded"), "{log}");
    assert_shares(&stage.ask(2000), &[("real1", 0.5), ("real2", 0.5)]);
    requests.stop_whole();
}
