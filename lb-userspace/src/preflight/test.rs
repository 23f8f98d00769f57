//! A director to which the tests of this room do something.

use super::{
    Card, Facts, Finding, Queues,
    host::{Basics, PinPlace},
    network::Interface,
    setting::Setting,
};
use crate::config;

const CONFIG: &str = r#"
[node]
name = "director1"
interface = "eth0"

[[pool]]
name = "web"
servers = [{ name = "web1", address = "10.8.8.51" }, { name = "web2", address = "10.8.8.52" }]

[[service]]
name = "site"
address = "10.8.8.40"
ports = ["tcp/80"]
pool = "web"
"#;

/// A host with nothing to complain about.
pub(super) fn director() -> Facts {
    let mut facts = Facts {
        basics: Basics {
            process: format!("CapEff:\t{:016x}\n", u64::MAX),
            kernel: "6.12.0".to_owned(),
            btf: true,
            pins: PinPlace {
                folder: "/sys/fs/bpf/lb".into(),
                existing: "/sys/fs/bpf".into(),
                bpffs: true,
            },
        },
        loaded: Some(Ok(())),
        jit: Some(1),
        cpus: Some(4),
        interfaces: vec![interface("lo", 1, &["127.0.0.1/8"]), eth0()],
        ..Facts::default()
    };
    configure(&mut facts, |text| text);
    for key in ["rp_filter", "accept_local", "arp_ignore", "arp_announce"] {
        set(&mut facts, "all", key, 0);
        set(&mut facts, "eth0", key, 0);
    }
    let queues = Some(Queues { used: 4, most: 4, combined: true });
    let card = Card { native: Some(true), queues, ..Card::default() };
    facts.cards.insert("eth0".to_owned(), card);
    facts
}

pub(super) fn interface(name: &str, index: u32, addresses: &[&str]) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        mtu: 1500,
        up: true,
        running: true,
        ethernet: name != "lo",
        addresses: addresses.iter().map(|network| network.parse().unwrap()).collect(),
        ..Interface::default()
    }
}

fn eth0() -> Interface {
    interface("eth0", 2, &["10.8.8.41/24"])
}

/// Another configuration, written as a change of the director's text.
pub(super) fn configure(facts: &mut Facts, change: impl FnOnce(String) -> String) {
    let text = change(CONFIG.to_owned());
    let parsed = config::parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    facts.config = Some(parsed.config);
}

pub(super) fn set(facts: &mut Facts, interface: &str, key: &'static str, value: u32) {
    facts.settings.insert(Setting::ipv4(interface, key), value);
}

pub(super) fn eth0_mut(facts: &mut Facts) -> &mut Interface {
    facts.interfaces.iter_mut().find(|interface| interface.name == "eth0").unwrap()
}

pub(super) fn card_mut(facts: &mut Facts) -> &mut Card {
    facts.cards.get_mut("eth0").unwrap()
}

/// `error eth0: it is down | ip link set dev eth0 up`
pub(super) fn line(finding: &Finding) -> String {
    let Finding { severity, subject, problem, why, remedy } = finding;
    assert!(!why.is_empty(), "{subject}: {problem}: why?");
    format!("{severity} {subject}: {problem} | {remedy}")
}

pub(super) fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(line).collect()
}
