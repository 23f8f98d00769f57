//! The other directors: known by their MAC addresses, their packets are not balanced again.

use std::net::{IpAddr, SocketAddr};

use lb_tests::http::Connection;
use lb_tests::lab::{Families, Topology, VIP4};

use crate::stage::{LIMIT, Stage};

const SILENT: &str = "10.8.8.49";

#[test]
fn what_another_director_sends_goes_to_this_host() {
    let topology = Topology::default().directors(2).families(Families::Ipv4);
    let stage = Stage::up_with(topology, |config| {
        // This host is among them, so that all directors can share one file.
        config.node = format!("peers = [\"10.8.8.41\", \"10.8.8.42\", \"{SILENT}\"]\n");
    });
    let silent =
        format!("the other director {SILENT} does not answer ARP: the loop guard is off for it");
    stage.until("one is resolved, one is not", |status| status.warnings == [silent.clone()]);

    let vip = SocketAddr::from((VIP4, 80));
    let connect = || {
        let source: IpAddr = "10.8.8.42".parse().expect("an address");
        Connection::open(source, vip, LIMIT)
    };
    let answer = stage.lab.namespace("director2").enter(connect).expect("the namespace");
    assert_eq!(answer.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    let status = stage.status();
    let passed = status.reasons.iter().find(|reason| reason.reason == "from_director");
    assert_eq!(passed.map(|reason| reason.packets), Some(1));
    stage.ask(100);

    let late = format!("address add {SILENT}/24 dev eth0\n");
    stage.lab.namespace("director2").ip_batch(&late).unwrap();
    stage.until("the other one answers too", |status| status.warnings.is_empty());
}
