//! Thousands of open connections, data flowing on each: no change of the real servers, of the file or of the
//! agent breaks any of them. Only the death of a real server does, and then its own.

use std::collections::BTreeMap;
use std::time::Instant;

use lb_tests::connections::{Connections, Plan, Record};
use lb_tests::lab::{Topology, VIP4, VIP4_BUNDLE, VIP6};

use crate::stage::{LIMIT, Stage, pool, real};

const CONNECTIONS: usize = 2_400;
/// Opened after a change, on slots that have just moved.
const LATER: usize = 300;
const POOLS: [&str; 2] = ["web4", "web6"];
const REAL4: [(&str, &str); 2] = [("web4/real4", "10.8.8.54"), ("web6/real4", "fd00:8:8::54")];

/// So many connections, an equal part of them to each service.
pub(crate) fn open(stage: &Stage, count: usize) -> Connections {
    let targets = vec![(VIP4, 80).into(), (VIP6, 80).into(), (VIP4_BUNDLE, 443).into()];
    let plan = Plan::new(count, targets, stage.lab.topology().client_addresses());
    Connections::open(stage.lab.client(), &plan).expect("every connection opens and gets data")
}

/// Data comes on each connection that exists, after now. None has broken.
pub(crate) fn assert_whole(all: &[&Connections], when: &str) {
    for connections in all {
        connections.await_data(LIMIT).unwrap_or_else(|error| panic!("{when}: {error:#}"));
        let broken = connections.broken();
        let first = &broken[..broken.len().min(10)];
        assert!(broken.is_empty(), "{when}: {} have broken: {first:#?}", broken.len());
    }
}

/// Connections and bytes by real server.
pub(crate) fn by_server(records: &[Record]) -> BTreeMap<&str, (usize, u64)> {
    let mut servers = BTreeMap::<_, (usize, u64)>::new();
    for record in records {
        let (count, bytes) = servers.entry(record.server.as_str()).or_default();
        *count += 1;
        *bytes += record.bytes;
    }
    servers
}

/// `lb backend VERB POOL/REAL MORE` for both families.
fn backend(stage: &Stage, verb: &str, real: &str, more: &[&str]) {
    for pool in POOLS {
        stage.lb(&[&["backend", verb, &format!("{pool}/{real}")], more].concat());
    }
}

/// A real server has this part of both rings.
fn await_share(stage: &Stage, name: &str, share: f64) {
    stage.until(&format!("{name} has {share} of the rings"), |status| {
        POOLS.iter().all(|service| (real(status, service, name).share - share).abs() < 0.01)
    });
}

#[test]
fn thousands_of_connections_survive_every_change() {
    let begin = Instant::now();
    let mut stage = Stage::up_with(Topology::default().reals(4), |config| config.reals = 3);
    let first = open(&stage, CONNECTIONS);
    assert_eq!(by_server(&first.records()).len(), 3, "each real server has some of them");

    backend(&stage, "drain", "real1", &[]);
    assert_whole(&[&first], "real1 is drained");
    let second = open(&stage, LATER);
    assert!(!by_server(&second.records()).contains_key("real1"));

    backend(&stage, "ready", "real1", &[]);
    await_share(&stage, "real1", 1.0 / 3.0);
    assert_whole(&[&first, &second], "real1 is back");

    for (path, address) in REAL4 {
        stage.lb(&["backend", "add", path, "--address", address]);
    }
    await_share(&stage, "real4", 1.0 / 4.0);
    let third = open(&stage, LATER);
    assert!(by_server(&third.records()).contains_key("real4"));
    assert_whole(&[&first, &second, &third], "real4 was added");

    backend(&stage, "weight", "real2", &["5"]);
    await_share(&stage, "real2", 5.0 / 8.0);
    assert_whole(&[&first, &second, &third], "real2 has another weight");

    stage.director.kill9().expect("the agent is killed");
    for _ in 0..3 {
        assert_whole(&[&first, &second, &third], "the agent is dead");
    }
    let fourth = open(&stage, LATER);
    stage.director.start().expect("the agent starts again");
    assert!(stage.status().adopted);
    let all = [&first, &second, &third, &fourth];
    assert_whole(&all, "the agent was started again");

    backend(&stage, "remove", "real4", &[]);
    assert_whole(&all, "real4, which has connections, was removed");

    let slots = pool(&stage.status(), "web4").ring_slots;
    stage.config.pool = "ring_size = 4093\n".into();
    stage.director.write_config(&stage.toml()).expect("the file is written");
    stage.lb(&["reload"]);
    let larger = pool(&stage.status(), "web4").ring_slots;
    assert!(slots < larger, "the ring has {larger} slots now, {slots} before");
    assert_whole(&all, "the rings have another size");

    stage.director.kill9().expect("the agent is killed");
    stage.director.start().expect("the agent starts again");
    backend(&stage, "weight", "real2", &["1"]);
    await_share(&stage, "real2", 1.0 / 3.0);
    assert_whole(&all, "the agent was replaced and real2 has its old weight");

    let records: Vec<_> = all.iter().flat_map(|connections| connections.records()).collect();
    let bytes: u64 = records.iter().map(|record| record.bytes).sum();
    let broken = records.iter().filter(|record| record.broken.is_some()).count();
    println!(
        "{} connections, {bytes} bytes, 9 changes in {:.1?}: {broken} broken",
        records.len(),
        begin.elapsed()
    );
    assert_eq!(broken, 0);

    a_death_breaks_its_own_and_a_return_none(&mut stage, &all);
}

/// The service of real2 ends, and comes back. Nothing happens to the connections of the others, nor to those
/// that began in its absence on slots that are its own.
fn a_death_breaks_its_own_and_a_return_none(stage: &mut Stage, all: &[&Connections]) {
    let records = || all.iter().flat_map(|connections| connections.records());
    stage.lab.stop_server("real2").expect("the server of real2 ends");
    stage.until("real2 is out", |status| real(status, "web4", "real2").share == 0.0);
    for connections in all {
        connections.await_data(LIMIT).expect("data for those that are left");
    }
    let (dead, others): (Vec<_>, Vec<_>) = records().partition(|record| record.server == "real2");
    let broken = |records: &[Record]| records.iter().filter(|r| r.broken.is_some()).count();
    println!(
        "the service of real2 ended: {} of its {} connections broken, {} of {} others",
        broken(&dead),
        dead.len(),
        broken(&others),
        others.len()
    );
    assert_eq!((broken(&dead), broken(&others)), (dead.len(), 0));
    assert!(dead.len() > CONNECTIONS / 4, "only {} connections were at real2", dead.len());

    let absent = open(stage, LATER);
    stage.lab.start_server("real2").expect("the server of real2 starts again");
    await_share(stage, "real2", 1.0 / 3.0);
    assert_whole(&[&absent], "real2 is back");
    for connections in all {
        connections.await_data(LIMIT).expect("data for those that are left");
    }
    let now = records().filter(|record| record.broken.is_some()).count();
    assert_eq!(now, dead.len(), "the return of real2 broke {} connections", now - dead.len());
}
