//! Nothing happens but traffic: it arrives, is shared out, and is counted.

use std::time::Duration;

use lb_tests::http::Connection;
use lb_tests::lab::{Topology, VIP4_BUNDLE};

use crate::requests::assert_shares;
use crate::stage::{Stage, service};

/// SYN, ACK, GET, FIN and the client's other acknowledgements: more when the answer comes in pieces.
const PACKETS_A_REQUEST: std::ops::RangeInclusive<f64> = 4.0..=9.0;

#[test]
fn every_service_of_both_families_is_shared_out_and_counted() {
    let stage = Stage::up();
    let report = stage.ask(12_000);
    assert_shares(&report, &[("real1", 0.5), ("real2", 0.5)]);

    let status = stage.status();
    for (name, asked) in &report.services {
        let counted = service(&status, name);
        assert_eq!(counted.packets, counted.reals.iter().map(|real| real.packets).sum::<u64>());
        for real in &counted.reals {
            let requests = asked.reals[real.name.as_str()] as f64;
            let packets = real.packets as f64 / requests;
            assert!(PACKETS_A_REQUEST.contains(&packets), "{name} {}: {packets}", real.name);
            let bytes = real.bytes / real.packets;
            assert!((54..300).contains(&bytes), "{name} {}: {bytes} bytes a packet", real.name);
        }
    }
    let dropped: Vec<_> =
        status.reasons.iter().filter(|reason| reason.drops && reason.packets > 0).collect();
    assert!(dropped.is_empty(), "{dropped:?}");
    assert_eq!(status.interfaces[0].xdp_mode, "native");
    assert!(!status.adopted);
    assert!(status.warnings.is_empty(), "{:?}", status.warnings);
}

#[test]
fn both_ports_of_a_bundle_reach_the_same_real_server() {
    let stage = Stage::up_with(Topology::default().reals(3), |_| {});
    let clients = stage.lab.topology().client_addresses();
    let real_of = |client, port| {
        let vip = (VIP4_BUNDLE, port).into();
        let ask = || {
            let mut connection = Connection::open(client, vip, Duration::from_secs(5))?;
            connection.get(vip, "/", false)
        };
        stage.lab.client().enter(ask).unwrap().unwrap().server
    };
    let mut met = std::collections::BTreeSet::new();
    for client in clients.into_iter().filter(std::net::IpAddr::is_ipv4).take(60) {
        let real = real_of(client, 80);
        for port in [443, 80] {
            assert_eq!(real_of(client, port), real, "{client} at port {port}");
        }
        met.insert(real);
    }
    assert_eq!(met.len(), 3, "60 clients met {met:?} alone");
}
