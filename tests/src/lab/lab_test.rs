//! The lab by itself, without `lb`: requests go to the real servers' own addresses. Needs root.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::namespace::names_with;
use super::{FOLDER, Families, Lab, Topology};
use crate::download::Download;
use crate::load::{self, Failure, Plan, Target};

const TIMEOUT: Duration = Duration::from_secs(5);

fn addresses(lab: &Lab, real: &str) -> Vec<SocketAddr> {
    let node = lab.topology().find(real).unwrap();
    node.addresses().flat_map(|ip| [80, 443].map(|port| SocketAddr::new(ip, port))).collect()
}

fn plan(lab: &Lab, requests: u64) -> Plan {
    let reals = lab.topology().real_servers();
    let targets = reals
        .iter()
        .flat_map(|real| {
            addresses(lab, &real.name).into_iter().map(|at| Target::new(&real.name, at))
        })
        .collect();
    // One thread takes the targets strictly in turn.
    Plan {
        requests: Some(requests),
        threads: 1,
        ..Plan::new(targets, lab.topology().client_addresses())
    }
}

#[test]
fn every_real_server_answers_with_its_name_on_every_address() {
    let lab = Lab::up(Topology::default().reals(3)).unwrap();
    let report = load::run(lab.client(), plan(&lab, 600)).unwrap();
    assert_eq!((report.requests(), report.failed()), (600, 0), "{}", report.failures());
    for (target, service) in &report.services {
        assert_eq!(service.share(target), 1.0, "{target} was answered by {:?}", service.reals);
    }
    // A lost first packet would show as a second of waiting.
    assert!(report.latency().max() < Duration::from_millis(900), "{:?}", report.latency().max());
}

#[test]
fn a_kept_connection_carries_many_requests() {
    let lab = Lab::up(Topology::default().reals(1).families(Families::Ipv6)).unwrap();
    let plan = Plan { keep_alive: true, path: "/1k".into(), ..plan(&lab, 500) };
    let report = load::run(lab.client(), plan).unwrap();
    assert_eq!((report.requests(), report.failed()), (500, 0), "{}", report.failures());
}

#[test]
fn a_stopped_server_refuses_and_breaks_its_downloads() {
    let mut lab = Lab::up(Topology::default().families(Families::Ipv4)).unwrap();
    let source = lab.topology().client_addresses()[0];
    let target = addresses(&lab, "real1")[0];
    let begin = |path| Download::start(lab.client(), source, target, path, TIMEOUT).unwrap();
    let whole = begin("/10m").finish().unwrap();
    assert_eq!((whole.server.as_str(), whole.bytes), ("real1", 10 << 20));
    let broken = begin("/slow?rate=64k");

    lab.stop_server("real1").unwrap();
    let error = broken.finish().unwrap_err();
    assert!(error.to_string().contains("served by real1"), "{error:#}");
    let report = load::run(lab.client(), plan(&lab, 40)).unwrap();
    assert_eq!(report.services["real1"].failures[&Failure::Refused], 20);
    assert_eq!(report.services["real2"].requests(), 20);

    lab.start_server("real1").unwrap();
    assert_eq!(load::run(lab.client(), plan(&lab, 40)).unwrap().failed(), 0);
}

#[test]
fn a_load_can_be_watched_and_stopped() {
    let lab = Lab::up(Topology::default()).unwrap();
    let load = load::start(lab.client(), Plan { requests: None, ..plan(&lab, 0) }).unwrap();
    while load.snapshot().requests() < 100 {
        std::thread::yield_now();
    }
    let report = load.stop().unwrap();
    assert!(report.requests() >= 100 && report.failed() == 0, "{}", report.failures());
}

#[test]
fn a_capture_sees_what_passes() {
    let lab = Lab::up(Topology::default()).unwrap();
    let capture = lab.capture("switch", "real2", "tcp port 443").unwrap();
    load::run(lab.client(), plan(&lab, 800)).unwrap();
    let file = capture.finish().unwrap();
    let text = super::command::run(Command::new("tcpdump").args(["-nr"]).arg(file)).unwrap();
    assert!(text.contains("10.8.8.52.443") && text.contains("fd00:8:8::52.443"), "{text}");
    assert!(!text.contains("10.8.8.52.80"), "{text}");
}

#[test]
fn nothing_is_left_after_a_panic() {
    let mut name = String::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::up(Topology::default()).unwrap();
        lab.name().clone_into(&mut name);
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert!(!name.is_empty());
    assert_eq!(names_with(&name), Vec::<String>::new());
    assert!(!Path::new(FOLDER).join(&name).exists());
}
