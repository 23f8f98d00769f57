//! Settings of the kernel: made on request, put back at the end, even by another agent than the one that made them.

use std::fs;

use lb_tests::lab::{Families, INTERFACE, Topology};

use crate::stage::Stage;

const ASKED: &str = "sysctls = [\"arp\", \"forwarding\", \"nonlocal_bind\"]\n";

/// Each with what it is before.
fn settings() -> Vec<(String, u32)> {
    let own = |key: &str| format!("ipv4/conf/{INTERFACE}/{key}");
    vec![
        (own("arp_ignore"), 0),
        (own("arp_announce"), 1),
        ("ipv4/ip_forward".to_owned(), 0),
        ("ipv4/ip_nonlocal_bind".to_owned(), 0),
        ("ipv6/conf/all/forwarding".to_owned(), 0),
        // The administrator's own word.
        ("ipv6/ip_nonlocal_bind".to_owned(), 1),
    ]
}

fn write(stage: &Stage, setting: &str, value: u32) {
    let path = format!("/proc/sys/net/{setting}");
    let namespace = stage.lab.namespace("director1");
    namespace
        .enter(|| fs::write(path, value.to_string()))
        .expect("the namespace")
        .expect("a setting");
}

fn values(stage: &Stage) -> Vec<u32> {
    let read = |(setting, _): &(String, u32)| -> u32 {
        let path = format!("/proc/sys/net/{setting}");
        let namespace = stage.lab.namespace("director1");
        let text = namespace.enter(|| fs::read_to_string(path)).expect("the namespace");
        text.expect("a setting").trim().parse().expect("a number")
    };
    settings().iter().map(read).collect()
}

fn configure(stage: &mut Stage, node: &str) {
    stage.config.node = node.to_owned();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
}

#[test]
fn they_are_put_back_even_after_a_crash() {
    const GIVEN: [u32; 6] = [1, 2, 1, 1, 1, 1];
    let mut stage = Stage::prepared(Topology::default().families(Families::Both), |_| {});
    for (setting, value) in settings() {
        write(&stage, &setting, value);
    }
    let before = values(&stage);
    assert_eq!(before, [0, 1, 0, 0, 0, 1]);
    configure(&mut stage, "");
    stage.director.start().expect("the agent starts");
    assert_eq!(values(&stage), before, "nobody has asked for it");

    configure(&mut stage, ASKED);
    stage.lb(&["reload"]);
    assert_eq!(values(&stage), GIVEN);
    configure(&mut stage, "");
    stage.lb(&["reload"]);
    assert_eq!(values(&stage), before, "nobody asks for it any more");

    configure(&mut stage, ASKED);
    stage.lb(&["reload"]);
    stage.director.kill9().expect("it is killed");
    assert_eq!(values(&stage), GIVEN);
    stage.director.start().expect("the next agent starts");
    assert_eq!(values(&stage), GIVEN);
    // Somebody else has a word in it.
    write(&stage, &settings()[0].0, 2);
    stage.director.terminate().expect("it ends");
    assert_eq!(values(&stage), [2, 1, 0, 0, 0, 1]);
}
