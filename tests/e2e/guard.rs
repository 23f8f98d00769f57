//! `lb guard`: clients are kept out and let in again, nobody else notices.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use lb_tests::lab::{Topology, VIP4, VIP6};
use lb_tests::load::{self, Failure, Plan};
use lb_userspace::api::GuardReport;

use crate::stage::Stage;
use crate::trace::trace;

/// Room for prefixes: the least that can be configured.
const LIMIT: u32 = 1_024;
/// Long enough for an answer where one comes.
const PATIENCE: Duration = Duration::from_secs(1);

/// A director whose services have guards that say nothing yet.
fn guarded() -> Stage {
    Stage::up_with(Topology::default(), |config| {
        config.service = "guard = {}\n".into();
        config.more = format!("\n[limits]\nguard_prefixes = {LIMIT}\n");
    })
}

/// The network of a client with 15 others.
fn network(client: IpAddr) -> IpNet {
    let length = if client.is_ipv4() { 28 } else { 124 };
    IpNet::new(client, length).expect("a length that both families have").trunc()
}

/// Requests of clients that are kept out: all of them come to nothing.
fn assert_out(stage: &Stage, clients: &[IpAddr]) {
    let plan = Plan {
        sources: clients.to_vec(),
        requests: Some(8),
        threads: 8,
        timeout: PATIENCE,
        ..stage.plan()
    };
    let report = load::run(stage.lab.client(), plan).expect("the load runs");
    assert_eq!((report.requests(), report.failed()), (0, 8), "{}", report.failures());
    for service in report.services.values() {
        assert!(service.failures.keys().all(|why| *why == Failure::Timeout), "{report:?}");
    }
    for client in clients {
        let vip: IpAddr = if client.is_ipv4() { VIP4.into() } else { VIP6.into() };
        let said = trace(stage, SocketAddr::new(*client, 4_711), SocketAddr::new(vip, 80));
        assert_eq!(said.verdict, "drop");
        assert!(said.steps.iter().any(|step| step.contains("on a deny list")), "{said:?}");
    }
}

fn assert_in(stage: &Stage, clients: &[IpAddr]) {
    stage.ask_by(Plan { sources: clients.to_vec(), requests: Some(200), ..stage.plan() });
}

#[test]
fn denied_clients_stay_out_through_a_crash_until_they_are_let_in() {
    let mut stage = guarded();
    let clients = stage.lab.topology().client_addresses();
    let networks = [clients[0], clients[1]].map(network);
    let (kept_out, others): (Vec<_>, Vec<_>) =
        clients.into_iter().partition(|client| networks.iter().any(|net| net.contains(client)));
    let kept_out = &kept_out[..4];
    let requests = stage.requests_of(Plan { sources: others, ..stage.plan() });
    assert_in(&stage, kept_out);

    let file = stage.director.paths.state.join("bad.txt");
    let text = format!("# bad neighbours\n{}\n{} # and these\n", networks[0], networks[1]);
    fs::write(&file, text).unwrap();
    let file = file.to_str().expect("a plain path");
    let said = stage.lb(&["guard", "deny", "--file", file]);
    assert!(said.contains("every guarded service: 2 prefixes denied"), "{said}");
    assert_out(&stage, kept_out);

    stage.director.kill9().unwrap();
    stage.director.start().unwrap();
    assert_out(&stage, kept_out);
    let listed: GuardReport =
        serde_json::from_str(&stage.lb(&["guard", "list", "--json"])).expect("what api says");
    assert_eq!(listed.limit, LIMIT);
    assert_eq!(listed.prefixes.iter().map(|p| p.prefix).collect::<Vec<_>>(), networks);
    let page = stage.lb(&["guard", "list"]);
    assert!(page.contains(&networks[0].to_string()) && page.contains("deny"), "{page}");

    // A reload does not forget it, and one service may think otherwise.
    stage.lb(&["reload"]);
    assert_out(&stage, kept_out);
    for (net, service) in networks.iter().zip(["web4", "web6"]) {
        stage.lb(&["guard", "allow", &net.to_string(), "--service", service]);
    }
    stage.lb(&["guard", "allow", &networks[0].to_string(), "--service", "bundle"]);
    assert_in(&stage, kept_out);
    for service in ["web4", "web6", "bundle"] {
        stage.lb(&["guard", "clear", "--service", service]);
    }
    assert_out(&stage, kept_out);

    stage.lb(&["guard", "remove", "--file", file]);
    assert_in(&stage, kept_out);
    assert!(stage.lb(&["guard", "list"]).contains("0 prefixes, room for 1024"));
    requests.stop_whole();
}

#[test]
fn what_cannot_be_listed_is_refused_with_words() {
    let stage = guarded();
    let file = stage.director.paths.state.join("many.txt");
    let mut many = String::new();
    for number in 0..=LIMIT {
        let _ = writeln!(many, "{}", std::net::Ipv4Addr::from(0x0b00_0000 + number));
    }
    fs::write(&file, many).unwrap();
    let file = file.to_str().expect("a plain path");
    let cases: [(&[&str], i32, &str); 6] = [
        (&["deny", "10.100.0.0/16", "--service", "mail"], 1, "no service `mail`"),
        (&["deny", "10.100.0.1/16"], 2, "the network is 10.100.0.0/16"),
        (&["deny", "--file", "/nowhere.txt"], 1, "/nowhere.txt"),
        (&["remove", "10.100.0.0/16"], 1, "was not set at run time"),
        (&["deny", "--file", file], 1, "1025 prefixes do not fit"),
        (&["list", "--service", "mail"], 1, "no service `mail`"),
    ];
    for (args, code, words) in cases {
        let (found, said) = stage.lb_fails(&[&["guard"], args].concat());
        assert_eq!(found, code, "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
    assert!(stage.lb(&["guard", "list"]).contains("0 prefixes"));
    stage.ask(200);

    // Without guards, nobody asks the lists.
    let toml = stage.toml().replace("guard = {}\n", "");
    stage.director.write_config(&toml).unwrap();
    stage.lb(&["reload"]);
    let (code, said) = stage.lb_fails(&["guard", "deny", "10.100.0.0/16", "--service", "web4"]);
    assert_eq!(code, 1);
    assert!(said.contains("has no guard: add `guard = {}`"), "{said}");
}
