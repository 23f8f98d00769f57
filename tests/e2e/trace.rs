//! `lb trace` says where packets go. Here packets go there.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use lb_tests::http::Connection;
use lb_tests::lab::{Topology, VIP4, VIP4_BUNDLE, VIP6};
use lb_userspace::api::Trace;

use crate::stage::{LIMIT, Stage, real};

const FIRST_PORT: u16 = 20_000;

/// What `lb trace` says of a TCP flow.
pub(crate) fn trace(stage: &Stage, client: SocketAddr, vip: SocketAddr) -> Trace {
    let text = stage.lb(&["trace", "tcp", &client.to_string(), &vip.to_string(), "--json"]);
    serde_json::from_str(&text).expect("a trace is what api says")
}

/// A connection that stays open, and the real server that has answered on it.
fn connect(stage: &Stage, client: SocketAddr, vip: SocketAddr) -> (Connection, String) {
    let ask = || {
        let mut connection = Connection::open_from(client, vip, LIMIT)?;
        let head = connection.get(vip, "/1k", true)?;
        std::io::Result::Ok((connection, head.server))
    };
    stage.lab.client().enter(ask).expect("the client").expect("an answer")
}

/// Clients of each service, each with a source port of its own.
fn clients(stage: &Stage, from_port: u16, each: usize) -> Vec<(SocketAddr, SocketAddr)> {
    let vips: [(IpAddr, u16); 4] =
        [(VIP4.into(), 80), (VIP6.into(), 80), (VIP4_BUNDLE.into(), 80), (VIP4_BUNDLE.into(), 443)];
    let addresses = stage.lab.topology().client_addresses();
    let mut ports = from_port..;
    let mut flows = Vec::new();
    for vip in vips.map(SocketAddr::from) {
        let same_family = addresses.iter().filter(|ip| ip.is_ipv4() == vip.is_ipv4());
        let clients = same_family.zip(&mut ports).take(each);
        flows.extend(clients.map(|(ip, port)| (SocketAddr::new(*ip, port), vip)));
    }
    flows
}

#[test]
fn a_trace_names_the_real_server_that_answers() {
    let stage = Stage::up_with(Topology::default().reals(3), |_| {});
    let mut met = BTreeSet::new();
    for (client, vip) in clients(&stage, FIRST_PORT, 12) {
        let said = trace(&stage, client, vip);
        let (_open, real) = connect(&stage, client, vip);
        assert_eq!(said.real.as_deref(), Some(real.as_str()), "{client} to {vip}: {said:#?}");
        assert_eq!(said.verdict, "forward");
        met.insert(real);
    }
    assert_eq!(met.len(), 3, "{met:?}");

    // While flows are tracked, those that exist stay, and the trace of a connection knows where.
    let flows = clients(&stage, FIRST_PORT + 1000, 6);
    let old: Vec<_> = flows.iter().map(|&(client, vip)| connect(&stage, client, vip)).collect();
    for path in ["web4/real1", "web6/real1"] {
        stage.lb(&["backend", "drain", path]);
    }
    for ((client, vip), (_open, real)) in flows.iter().zip(&old) {
        assert_eq!(trace(&stage, *client, *vip).real.as_ref(), Some(real), "{client} to {vip}");
    }
    for (client, vip) in clients(&stage, FIRST_PORT + 2000, 6) {
        let (_open, real) = connect(&stage, client, vip);
        assert_ne!(real, "real1");
        assert_eq!(trace(&stage, client, vip).real, Some(real), "{client} to {vip}");
    }
}

#[test]
fn a_trace_tells_what_is_not_forwarded() {
    let stage = Stage::up();
    let client = "10.100.0.5:4711".parse().unwrap();
    let said = trace(&stage, client, "10.8.8.40:81".parse().unwrap());
    assert_eq!((said.verdict.as_str(), said.real), ("pass", None), "{:?}", said.steps);
    for real in ["web4/real1", "web4/real2"] {
        stage.lb(&["backend", "maint", real]);
    }
    let said = trace(&stage, client, "10.8.8.40:80".parse().unwrap());
    assert_eq!((said.verdict.as_str(), said.real), ("drop", None), "{:?}", said.steps);
    assert!(said.steps.iter().any(|step| step.starts_with("dropped: ")), "{:?}", said.steps);
    assert_eq!(real(&stage.status(), "web4", "real1").share, 0.0);

    let text = stage.lb(&["trace", "tcp", "[fd00:100::5]:4711", "[fd00:8:8::40]:80"]);
    assert!(
        text.starts_with("tcp [fd00:100::5]:4711 -> [fd00:8:8::40]:80: forward to real"),
        "{text}"
    );
    assert!(text.contains("service web6"), "{text}");
}
