//! What a valid text means, and what may be left out.

use std::{path::Path, time::Duration};

use super::*;
use crate::model::{
    Check, Flood, GuardAction, HashKey, InterfaceName, Limits, Mode, OnEmpty, Persistence,
    PersistenceDrain, Pool, Rate, SchedulerKind, SourceRate, Sysctls, Tunnel, TunnelKind, Weight,
    Window, XdpMode,
};

pub(super) fn accepted(text: &str) -> crate::model::Config {
    let parsed = parse("lb.toml", text).unwrap_or_else(|report| panic!("{report}"));
    assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
    parsed.config
}

/// The only one.
pub(super) fn the_check(pool: &Pool) -> &Check {
    let mut checks = pool.checks.iter();
    assert_eq!(checks.len(), 1);
    checks.next().unwrap()
}

#[test]
fn everything_arrives_in_the_model() {
    let config = accepted(VALID);
    assert_eq!(config.node.name.as_str(), "director-1");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.server_count(), 3);

    let web = config.pool("web").unwrap();
    let check = the_check(web).clone();
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
    assert!(node.sysctls.is_empty());
    assert!(node.manage_addresses && node.peers.is_empty() && node.seed_file.is_none());

    let dns = config.pool("dns").unwrap();
    assert_eq!(dns.scheduler, SchedulerKind::Maglev);
    assert_eq!((dns.checks.needed(), dns.ring_size, dns.ring_slots()), (0, None, 1_021));
    assert_eq!(dns.window, Window::default());
    assert_eq!(dns.servers[0].weight, Weight::new(1).unwrap());
    assert_eq!((dns.slow_start, dns.on_empty, dns.sorry.as_ref()), (None, OnEmpty::Drop, None));
    assert_eq!(dns.tunnel, Tunnel { kind: TunnelKind::Ip, mtu: None });
    let names = &config.services[1];
    assert_eq!((names.mode, names.persistence.as_ref()), (Mode::DirectRouting, None));
    assert!(!names.quic && names.guard.is_none() && names.flood.is_none());
    assert!(node.tunnel_source.is_none() && node.tunnel_source6.is_none());
    assert!(node.decapsulate.is_empty() && node.decapsulate_from.is_empty());
}

#[test]
fn every_key_can_be_set() {
    let node = r#"interfaces = ["eth0", "eth1.100"]
xdp_mode = "native"
seed_file = "/etc/lb/cluster.seed"
peers = ["10.8.8.42", "2001:db8::42"]
peer_port = 8113
socket = "/run/a.sock"
pin_folder = "/sys/fs/bpf/a"
state_folder = "/var/lib/a"
manage_addresses = false
sysctls = ["forwarding", "arp"]
tunnel_source = "172.16.0.0/16"
tunnel_source6 = "fd00:8:8::1"
decapsulate = ["10.8.8.43", "fd00::43"]
decapsulate_from = ["10.8.8.0/24", "fd00::/8"]
[limits]
services = 10
reals = 20
counters = 30
ring_slots = 65_536
flows = 0x1000
new_flows = 2048
fragments = 1024
guard_prefixes = 2_000_000
guard_sources = 1024"#;
    let config = accepted(&edited(("interface = \"eth0\"", node)));
    let interfaces: Vec<_> = config.node.interfaces.iter().map(InterfaceName::as_str).collect();
    assert_eq!(interfaces, ["eth0", "eth1.100"]);
    assert_eq!(config.node.xdp_mode, XdpMode::Native);
    assert_eq!(config.node.peers.len(), 2);
    assert_eq!(config.node.peer_port.get(), 8_113);
    assert!(!config.node.manage_addresses);
    assert_eq!(config.node.sysctls, [Sysctls::Arp, Sysctls::Forwarding].into());
    let limits = Limits {
        services: 10,
        reals: 20,
        counters: 30,
        ring_slots: 65_536,
        flows: 4_096,
        new_flows: 2_048,
        fragments: 1_024,
        guard_prefixes: 2_000_000,
        guard_sources: 1_024,
    };
    assert_eq!(config.limits, limits);
    assert_eq!(config.node.tunnel_source, Some("172.16.0.0/16".parse().unwrap()));
    assert_eq!(config.node.tunnel_source6, Some("fd00:8:8::1/128".parse().unwrap()));
    let ends: Vec<_> = config.node.decapsulate.iter().map(ToString::to_string).collect();
    assert_eq!(ends, ["10.8.8.43", "fd00::43"]);
    let senders: Vec<_> = config.node.decapsulate_from.iter().map(ToString::to_string).collect();
    assert_eq!(senders, ["10.8.8.0/24", "fd00::/8"]);
}

#[test]
fn every_key_of_a_pool_can_be_set() {
    let pool = "name = \"dns\"\nscheduler = \"source\"\nring_size = 4099\nwindow = \"1h\"";
    let config = accepted(&edited(("name = \"dns\"", pool)));
    let dns = config.pool("dns").unwrap();
    assert_eq!((dns.scheduler, dns.ring_slots()), (SchedulerKind::Source, 4_099));
    assert_eq!(dns.window, Window::For(Duration::from_secs(3_600)));

    let pool = r#"name = "dns"
slow_start = "60s"
on_empty = "reject"
window = "until-drained"
sorry_server = { address = "2001:db8::99" }
tunnel = { type = "gue", mtu = 1400 }"#;
    let tunnelled = |pool: &str| {
        let text = edited(("name = \"dns\"", pool));
        accepted(&text.replace("mark = 53", "mark = 53\nmode = \"tunnel\""))
    };
    let config = tunnelled(pool);
    let dns = config.pool("dns").unwrap();
    assert_eq!(dns.slow_start, Some(Duration::from_secs(60)));
    assert_eq!((dns.on_empty, dns.window), (OnEmpty::Reject, Window::UntilDrained));
    let sorry = dns.sorry.as_ref().unwrap();
    assert_eq!(
        (sorry.name.as_str(), sorry.address.to_string().as_str()),
        ("sorry", "2001:db8::99")
    );
    let gue = TunnelKind::Gue { port: 6_080 };
    assert_eq!(dns.tunnel, Tunnel { kind: gue, mtu: Some(1_400) });

    let config = tunnelled("name = \"dns\"\ntunnel = { type = \"gue\", port = 9000 }");
    assert_eq!(config.pools[1].tunnel.kind, TunnelKind::Gue { port: 9_000 });
    let config = tunnelled("name = \"dns\"\ntunnel = { mtu = 1400 }");
    assert_eq!(config.pools[1].tunnel, Tunnel { mtu: Some(1_400), ..Tunnel::default() });
    let config =
        tunnelled("name = \"dns\"\nsorry_server = { name = \"s\", address = \"10.0.0.9\" }");
    assert_eq!(config.pools[1].sorry.as_ref().unwrap().name.as_str(), "s");
}

#[test]
fn every_scheduler_has_a_word() {
    for kind in SchedulerKind::ALL {
        let config = accepted(&edited(("\"maglev\"", &format!("\"{kind}\""))));
        assert_eq!(config.pools[0].scheduler, kind);
    }
}

#[test]
fn every_key_of_a_service_can_be_set() {
    let more = r#"mark = 53
mode = "tunnel"
quic = true
persistence = { source6 = "/48", drain = "stay" }
guard = { default = "deny", allow = ["2001:db8::/32", "2001:db8::1", "::/0"], deny = ["2001:db8:1::/48"], rate = "10000/s", burst = 20000, source_rate = "6000/m", source_burst = 200, source = "/24", source6 = "/56" }
flood = { above = "50000/s", below = "20000/s" }"#;
    let config = accepted(&edited(("mark = 53", more)));
    let names = &config.services[1];
    assert!(names.quic && names.mode == Mode::Tunnel);
    assert_eq!(names.persistence.as_ref().unwrap().drain, PersistenceDrain::Stay);
    assert_eq!(names.flood, Some(Flood { above: 50_000, below: 20_000 }));
    let guard = names.guard.as_ref().unwrap();
    let texts =
        |networks: &[ipnet::IpNet]| Vec::from_iter(networks.iter().map(ToString::to_string));
    assert_eq!(guard.default, GuardAction::Deny);
    assert_eq!(texts(&guard.allow), ["::/0", "2001:db8::/32", "2001:db8::1/128"], "sorted");
    assert_eq!(texts(&guard.deny), ["2001:db8:1::/48"]);
    let rate = |micros, burst| Rate { interval: Duration::from_micros(micros), burst };
    assert_eq!(guard.rate, Some(rate(100, 20_000)));
    let source = SourceRate { rate: rate(10_000, 200), ipv4_prefix: 24, ipv6_prefix: 56 };
    assert_eq!(guard.source_rate, Some(source));
}

#[test]
fn what_is_left_out_of_a_guard_has_a_default() {
    let guard = "mark = 53\nquic = false\nguard = { rate = \"90/m\", source_rate = \"10/h\" }\nflood = { above = \"9/s\" }";
    let config = accepted(&edited(("mark = 53", guard)));
    let names = &config.services[1];
    assert_eq!(names.flood, Some(Flood { above: 9, below: 4 }));
    let guard = names.guard.as_ref().unwrap();
    assert_eq!((guard.default, guard.rate.unwrap().burst), (GuardAction::Allow, 90));
    let source = guard.source_rate.unwrap();
    assert_eq!((source.rate.burst, source.ipv4_prefix, source.ipv6_prefix), (10, 32, 64));
    assert!(guard.allow.is_empty() && guard.deny.is_empty() && !names.quic);
}

#[test]
fn ports_are_sorted() {
    let config =
        accepted(&edited(("[\"tcp/80\", \"tcp/443\"]", "[\"udp/1\", \"tcp/9\", \"tcp/8\"]")));
    let ports: Vec<_> = config.services[0].ports.iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["tcp/8", "tcp/9", "udp/1"]);
}

/// The ports of a service at the address of `site`, which has tcp/80 and tcp/443.
fn beside_site(ports: &str) -> Vec<String> {
    let second = format!(
        "pool = \"web\"\n[[service]]\nname = \"rest\"\naddress = \"10.8.8.40\"\nports = {ports}\npool = \"web\""
    );
    let config = accepted(&edited(("pool = \"web\"", &second)));
    config.services[1].ports.iter().map(ToString::to_string).collect()
}

#[test]
fn every_port_beside_one_port_is_no_conflict() {
    assert_eq!(beside_site("[\"tcp/*\"]"), ["tcp/*"]);
    assert_eq!(beside_site("[\"*\"]"), ["tcp/*", "udp/*"]);
    assert_eq!(beside_site("[\"*\", \"tcp/81-442\"]"), ["tcp/*", "tcp/81-442", "udp/*"]);
    assert_eq!(beside_site("[\"udp/1-100\", \"tcp/444-600\"]"), ["tcp/444-600", "udp/1-100"]);
}

#[test]
fn the_port_of_a_check() {
    let port_of = |check: &str, address: &str| {
        let text = edited(("port = 80, ", check)).replace("10.8.8.43", address);
        let config = accepted(&text);
        let pool = config.pool("web").unwrap();
        config.check_port(pool, the_check(pool), &pool.servers[0])
    };
    assert_eq!(port_of("port = 8080, ", "10.8.8.43:443"), Some(8080), "the check's");
    assert_eq!(port_of("", "10.8.8.43:443"), Some(443), "the server's");
    assert_eq!(port_of("", "10.8.8.43"), Some(80), "the service's");
    let config = accepted(VALID);
    let dns = config.pool("dns").unwrap();
    assert!(dns.checks.is_empty());
}

#[test]
fn a_short_interval_shortens_the_timeout() {
    let config = accepted(&edited(("interval = \"2s\", timeout = \"1s\"", "interval = \"200ms\"")));
    let check = the_check(config.pool("web").unwrap()).clone();
    assert_eq!(check.timeout, Duration::from_millis(200));
}

#[test]
fn the_model_goes_through_json() {
    let more =
        "mark = 53\nports = [\"udp/53-54\"]\nguard = { rate = \"90/m\", allow = [\"::/0\"] }";
    let mut config = accepted(&edited(("mark = 53", more)).replace("ports = [\"udp/53\"]\n", ""));
    // It may have passwords, so it stays behind.
    config.vrrp.clear();
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<crate::model::Config>(&json).unwrap().pools, config.pools);
    assert!(json.contains(r#""interval":"2s""#) && json.contains(r#""ports":["tcp/80""#), "{json}");
}
