//! What a valid text means, and what may be left out.

use std::{path::Path, time::Duration};

use super::*;
use crate::model::{
    Check, HashKey, InterfaceName, Limits, Mode, Persistence, SchedulerKind, Weight, Window,
    XdpMode,
};

fn accepted(text: &str) -> crate::model::Config {
    let parsed = parse("lb.toml", text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    parsed.config
}

#[test]
fn everything_arrives_in_the_model() {
    let config = accepted(VALID);
    assert_eq!(config.node.name.as_str(), "director-1");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.server_count(), 3);

    let web = config.pool("web").unwrap();
    let check = web.check.clone().unwrap();
    assert_eq!(check, Check { port: Some(80), ..Check::default() });
    assert_eq!(web.server("web2").unwrap().weight, Weight::new(2).unwrap());

    let site = &config.services[0];
    assert_eq!(
        site.ports.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["tcp/80", "tcp/443"]
    );
    assert_eq!(site.mark.unwrap().get(), 80);
    assert_eq!(site.mode, Mode::DirectRouting);
    assert_eq!(site.persistence, Some(Persistence { ipv4_prefix: 24, ..Persistence::default() }));
    assert_eq!(site.hash_key(web.scheduler), HashKey::Source { prefix: 24 });
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = accepted(VALID);
    let node = &config.node;
    assert_eq!(node.xdp_mode, XdpMode::Auto);
    assert_eq!(node.socket, Path::new("/run/lb/lb.sock"));
    assert_eq!(node.pin_folder, Path::new("/sys/fs/bpf/lb"));
    assert_eq!(node.operator_file(), Path::new("/var/lib/lb/operator.json"));
    assert!(node.manage_addresses && node.peers.is_empty() && node.seed_file.is_none());

    let dns = config.pool("dns").unwrap();
    assert_eq!(dns.scheduler, SchedulerKind::Maglev);
    assert_eq!((dns.check.as_ref(), dns.ring_size, dns.ring_slots()), (None, None, 1_021));
    assert_eq!(dns.window, Window::default());
    assert_eq!(dns.servers[0].weight, Weight::new(1).unwrap());
    let names = &config.services[1];
    assert_eq!((names.mode, names.persistence.as_ref()), (Mode::DirectRouting, None));
}

#[test]
fn every_key_can_be_set() {
    let node = r#"interfaces = ["eth0", "eth1.100"]
xdp_mode = "native"
seed_file = "/etc/lb/cluster.seed"
peers = ["10.8.8.42", "2001:db8::42"]
socket = "/run/a.sock"
pin_folder = "/sys/fs/bpf/a"
state_folder = "/var/lib/a"
manage_addresses = false
[limits]
services = 10
reals = 20
counters = 30
ring_slots = 65_536
flows = 0x1000
new_flows = 2048"#;
    let config = accepted(&edited(("interface = \"eth0\"", node)));
    let interfaces: Vec<_> = config.node.interfaces.iter().map(InterfaceName::as_str).collect();
    assert_eq!(interfaces, ["eth0", "eth1.100"]);
    assert_eq!(config.node.xdp_mode, XdpMode::Native);
    assert_eq!(config.node.peers.len(), 2);
    assert!(!config.node.manage_addresses);
    let limits = Limits {
        services: 10,
        reals: 20,
        counters: 30,
        ring_slots: 65_536,
        flows: 4_096,
        new_flows: 2_048,
        ..Limits::default()
    };
    assert_eq!(config.limits, limits);

    let pool = "name = \"dns\"\nscheduler = \"source\"\nring_size = 4099\nwindow = \"1h\"";
    let config = accepted(&edited(("name = \"dns\"", pool)));
    let dns = config.pool("dns").unwrap();
    assert_eq!((dns.scheduler, dns.ring_slots()), (SchedulerKind::Source, 4_099));
    assert_eq!(dns.window, Window::For(Duration::from_secs(3_600)));
}

#[test]
fn ports_are_sorted() {
    let config =
        accepted(&edited(("[\"tcp/80\", \"tcp/443\"]", "[\"udp/1\", \"tcp/9\", \"tcp/8\"]")));
    let ports: Vec<_> = config.services[0].ports.iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["tcp/8", "tcp/9", "udp/1"]);
}

#[test]
fn every_port_beside_one_port_is_no_conflict() {
    let second = "pool = \"web\"\n[[service]]\nname = \"rest\"\naddress = \"10.8.8.40\"\nports = [\"tcp/*\"]\npool = \"web\"";
    accepted(&edited(("pool = \"web\"", second)));
}

#[test]
fn the_port_of_a_check() {
    let port_of = |check: &str, address: &str| {
        let text = edited(("port = 80, ", check)).replace("10.8.8.43", address);
        let config = accepted(&text);
        let pool = config.pool("web").unwrap();
        config.check_port(pool, &pool.servers[0])
    };
    assert_eq!(port_of("port = 8080, ", "10.8.8.43:443"), Some(8080), "the check's");
    assert_eq!(port_of("", "10.8.8.43:443"), Some(443), "the server's");
    assert_eq!(port_of("", "10.8.8.43"), Some(80), "the service's");
    let config = accepted(VALID);
    let dns = config.pool("dns").unwrap();
    assert_eq!(config.check_port(dns, &dns.servers[0]), None, "there is no check");
}

#[test]
fn a_short_interval_shortens_the_timeout() {
    let config = accepted(&edited(("interval = \"2s\", timeout = \"1s\"", "interval = \"200ms\"")));
    let check = config.pool("web").unwrap().check.clone().unwrap();
    assert_eq!(check.timeout, Duration::from_millis(200));
}

#[test]
fn the_model_goes_through_json() {
    let config = accepted(VALID);
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<crate::model::Config>(&json).unwrap(), config);
    assert!(json.contains(r#""interval":"2s""#) && json.contains(r#""ports":["tcp/80""#), "{json}");
}
