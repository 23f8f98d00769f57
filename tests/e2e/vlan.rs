//! A router on a stick: VIPs and real servers in VLANs of the one interface that the director runs XDP on.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::Instant;

use lb_tests::lab::{CLIENT_NETWORKS, INTERFACE, Node, Role, Topology, VIP4, VIP6};
use nix::sys::signal::Signal;

use crate::preflight::{findings, preflight, words};
use crate::requests::{assert_shares, finish};
use crate::stage::{LIMIT, RETRY_PAUSE, Stage, output, server};
use crate::trace::trace;
use crate::wrong::{assert_words, refused};

/// The VLAN that clients send into, with the lab's usual addresses.
const CLIENTS: u16 = 100;
/// Another one.
const OTHER: u16 = 200;
/// How addresses in the clients' VLAN begin, and those of real servers that are not in it.
const SEGMENT: [&str; 2] = ["10.8.8.", "fd00:8:8::"];
const ELSEWHERE: [&str; 2] = ["10.9.9.", "fd00:9:9::"];

/// The interface of a VLAN; 0: that of frames without a tag.
fn interface(vlan: u16) -> String {
    if vlan == 0 { INTERFACE.to_owned() } else { format!("{INTERFACE}.{vlan}") }
}

fn prefixes(vlan: u16) -> [&'static str; 2] {
    if vlan == CLIENTS { SEGMENT } else { ELSEWHERE }
}

/// What an address of the lab is in a VLAN.
fn moved(address: IpAddr, vlan: u16) -> String {
    let [prefix4, prefix6] = prefixes(vlan);
    address.to_string().replace(SEGMENT[0], prefix4).replace(SEGMENT[1], prefix6)
}

/// Moves the addresses of a node into VLANs: those of the clients and of the real servers, as its role wants it.
fn dress(node: &Node, servers: u16) -> String {
    let vlans = match node.role {
        Role::Real => vec![servers],
        Role::Client | Role::Director if servers == CLIENTS => vec![CLIENTS],
        Role::Client | Role::Director => vec![CLIENTS, servers],
    };
    let mut script = format!("address flush dev {INTERFACE} scope global\n");
    for vlan in vlans {
        let name = interface(vlan);
        if vlan != 0 {
            let _ = writeln!(script, "link add link {INTERFACE} name {name} type vlan id {vlan}");
        }
        let _ = writeln!(script, "link set {name} up");
        for address in node.addresses() {
            let (length, option) = if address.is_ipv4() { (24, "") } else { (64, " nodad") };
            let address = moved(address, vlan);
            let _ = writeln!(script, "address add {address}/{length} dev {name}{option}");
        }
    }
    if node.role == Role::Real {
        let ((clients4, length4), (clients6, length6)) = CLIENT_NETWORKS;
        let [prefix4, prefix6] = prefixes(servers);
        let _ = writeln!(script, "route replace {clients4}/{length4} via {prefix4}10");
        let _ = writeln!(script, "route replace {clients6}/{length6} via {prefix6}10");
    }
    script
}

/// Everything in VLANs: clients reach the director in [`CLIENTS`], real servers are in `servers`. With the
/// configuration of the director, whose agent does not run yet.
fn prepared(servers: u16, mode: &str) -> (Stage, String) {
    let stage = Stage::prepared(Topology::default(), |config| {
        config.node = format!("xdp_mode = \"{mode}\"");
    });
    let mut toml = stage.toml();
    for node in stage.lab.topology().nodes() {
        let script = dress(&node, servers);
        stage.lab.namespace(&node.name).ip_batch(&script).expect("the VLANs");
        for address in node.addresses().filter(|_| node.role == Role::Real) {
            let moved = moved(address, servers);
            toml = toml.replace(&format!("\"{address}\""), &format!("\"{moved}\""));
        }
    }
    (stage, toml)
}

/// The same, and the agent runs.
fn on_a_stick(servers: u16, mode: &str) -> Stage {
    let (mut stage, toml) = prepared(servers, mode);
    stage.director.write_config(&toml).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    stage.until("every real server is in the ring", |status| {
        status.pools.iter().flat_map(|pool| &pool.servers).all(|server| server.share > 0.0)
    });
    stage
}

/// How many VIPs an interface of the director has.
fn vips_on(stage: &Stage, interface: &str) -> usize {
    let mut command = Command::new("ip");
    command.args(["-o", "address", "show", "dev", interface]);
    let output = output(stage.director.namespace(), &mut command);
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().filter(|line| line.contains("/32 ") || line.contains("/128 ")).count()
}

#[test]
#[ignore = "needs 802.1Q, which not every kernel has: `cargo xtask test --kernel 6.1` runs it"]
fn real_servers_in_any_vlan() {
    let native = [CLIENTS, OTHER, 0].map(|servers| (servers, "native"));
    for (servers, mode) in native.into_iter().chain([(OTHER, "generic")]) {
        let mut stage = on_a_stick(servers, mode);
        let status = stage.status();
        assert_eq!(status.warnings, [""; 0], "{servers}");
        assert_eq!(status.interfaces[0].xdp_mode, mode, "{servers}");
        for pool in ["web4", "web6"] {
            let hop = server(&status, pool, "real1").next_hop.as_ref().expect("a next hop");
            assert_eq!(hop.interface, interface(servers), "{pool}");
        }
        let vips = [INTERFACE, "eth0.100"].map(|name| vips_on(&stage, name));
        assert_eq!(vips, [0, 3], "on the interface, and in the clients' VLAN");

        let report = stage.ask(1_200);
        assert_eq!(report.services.len(), 3);
        assert_shares(&report, &[("real1", 0.5), ("real2", 0.5)]);
        for vip in [SocketAddr::from((VIP4, 80)), (VIP6, 80).into()] {
            finish(stage.downloads(vip, "10m", &["real1", "real2"], 1));
        }

        let said = trace(&stage, "10.100.0.1:20001".parse().unwrap(), (VIP4, 80).into());
        let way = said.steps.last().expect("steps");
        assert!(way.ends_with(&format!("on {}", interface(servers))), "{way}");

        stage.director.terminate().expect("the agent ends");
        assert_eq!(vips_on(&stage, "eth0.100"), 0, "VIPs stay behind");
    }
}

#[test]
#[ignore = "needs 802.1Q, which not every kernel has: `cargo xtask test --kernel 6.1` runs it"]
fn what_does_not_fit_is_named() {
    let (stage, toml) = prepared(OTHER, "native");
    let (code, said) = preflight(&stage, &toml, &[]);
    assert_eq!(code, Some(0), "{said:#}");
    let tags = words(&said, INTERFACE);
    assert!(tags.contains("takes off VLAN tags"), "{tags}");
    assert!(tags.contains("ethtool -K PEER txvlan off"), "{tags}");
    let mut ethtool = Command::new("ethtool");
    ethtool.args(["-K", INTERFACE, "rxvlan", "off"]);
    stage.director.namespace().run(&mut ethtool).expect("tags stay");
    let (_, said) = preflight(&stage, &toml, &[]);
    assert_eq!(findings(&said), [""; 0], "{said:#}");

    let inner = "link add link eth0.200 name eth0.200.7 type vlan id 7\nlink set eth0.200.7 up\n\
                 address add 10.7.7.41/24 dev eth0.200.7\n";
    stage.director.namespace().ip_batch(inner).expect("a VLAN within a VLAN");
    let toml = toml.replace("10.9.9.51", "10.7.7.51");
    let why = "is behind eth0.200.7, a VLAN within a VLAN (QinQ)";
    assert_words(&refused(&stage, &toml), &["real server real1 10.7.7.51", why, "plain VLAN"]);
    let (code, said) = preflight(&stage, &toml, &[]);
    assert_eq!(code, Some(1), "{said:#}");
    assert!(words(&said, "10.7.7.51").contains(why), "{said:#}");
}

#[test]
#[ignore = "needs 802.1Q, which not every kernel has: `cargo xtask test --kernel 6.1` runs it"]
fn vips_move_into_a_vlan_that_is_made_later() {
    let stage = Stage::up();
    let counts = || [INTERFACE, "eth0.100"].map(|name| vips_on(&stage, name));
    assert_eq!(counts(), [3, 0]);
    // A VLAN is a reason to load another program, which takes an emulated machine longer than `lb` waits.
    let reload = |expected| {
        stage.director.signal(Signal::SIGHUP).expect("the agent runs");
        let deadline = Instant::now() + LIMIT;
        while counts() != expected {
            assert!(Instant::now() < deadline, "{:?} instead of {expected:?}", counts());
            thread::sleep(RETRY_PAUSE);
        }
    };
    let made = "link add link eth0 name eth0.100 type vlan id 100\nlink set eth0.100 up\n\
                address add 10.8.8.100/25 dev eth0.100\n";
    stage.director.namespace().ip_batch(made).expect("a VLAN");
    // Those of IPv4 are in the VLAN.
    reload([1, 2]);
    stage.director.namespace().ip_batch("link delete eth0.100\n").expect("no VLAN");
    reload([3, 0]);
}
