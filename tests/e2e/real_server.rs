//! `lb real-server`: a fresh host becomes a real server for direct routing.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use lb_tests::http::Connection;
use lb_tests::lab::{Families, Topology};
use lb_tests::load::{Plan, Target};

use crate::stage::{LIMIT, Stage, output};

const VIP4: &str = "10.8.8.60";
const VIP6: &str = "fd00:8:8::60";
const SERVICES: &str = r#"
[[service]]
name = "new4"
address = "10.8.8.60"
ports = ["tcp/80"]
mode = "direct-routing"
pool = "web4"

[[service]]
name = "new6"
address = "fd00:8:8::60"
ports = ["tcp/80"]
mode = "direct-routing"
pool = "web6"
"#;

/// Exit code and what it printed.
fn real_server(stage: &Stage, action: &str) -> (Option<i32>, String) {
    let mut command = Command::new(stage.director.binary());
    command.args(["real-server", action, "--vip", VIP4, "--vip", VIP6]);
    let output = output(stage.lab.namespace("real1"), &mut command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}

/// Does somebody on the segment say that the address is his? The client asks; no director is there.
fn claimed(stage: &Stage, vip: &str) -> bool {
    let client = stage.lab.client();
    let vip: IpAddr = vip.parse().expect("an address");
    client.run(Command::new("ip").args(["neighbour", "flush", "dev", "eth0"])).expect("a flush");
    let family = if vip.is_ipv4() { "ipv4" } else { "ipv6" };
    let retrans = format!("net/{family}/neigh/eth0/retrans_time_ms");
    client.sysctls(&[(&retrans, "50")]).expect("a setting");
    let sources = stage.lab.topology().client_addresses();
    let source = sources.into_iter().find(|ip| ip.is_ipv4() == vip.is_ipv4()).expect("a client");
    // Refused or answered: somebody is there. Unreachable: nobody said so.
    let connect = || Connection::open(source, SocketAddr::new(vip, 80), LIMIT);
    client.enter(connect).expect("the client").is_ok()
}

#[test]
fn setup_makes_a_real_server_of_a_fresh_host() {
    let topology = Topology::default().reals(1).families(Families::Both);
    let mut stage = Stage::prepared(topology, |config| config.more = SERVICES.to_owned());
    // As the host came from the factory.
    let real1 = stage.lab.namespace("real1");
    real1
        .sysctls(&[("net/ipv4/conf/all/arp_ignore", "0"), ("net/ipv4/conf/all/arp_announce", "0")])
        .unwrap();

    let (code, said) = real_server(&stage, "check");
    assert_eq!(code, Some(1), "{said}");
    for command in [
        "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        "sysctl -w net.ipv4.conf.all.arp_announce=2",
        "ip address add 10.8.8.60/32 dev lo",
        "ip address add fd00:8:8::60/128 dev lo nodad preferred_lft 0",
        "lb real-server setup --vip 10.8.8.60 --vip fd00:8:8::60",
    ] {
        assert!(said.contains(command), "not a word of `{command}`: {said}");
    }
    assert!(!claimed(&stage, VIP4), "check has changed something");
    // The address alone is not enough: this is what the other settings are for.
    real1.ip_batch("address add 10.8.8.60/32 dev lo").unwrap();
    assert!(claimed(&stage, VIP4), "the test itself can see a claim");

    let (code, said) = real_server(&stage, "setup");
    assert_eq!(code, Some(0), "{said}");
    assert!(!claimed(&stage, VIP4) && !claimed(&stage, VIP6), "{said}");
    let (code, said) = real_server(&stage, "check");
    assert_eq!(code, Some(0), "{said}");
    let host = |stage: &Stage| {
        let real1 = stage.lab.namespace("real1");
        let addresses = real1.run(Command::new("ip").args(["-o", "address", "show"])).unwrap();
        let settings = ["arp_ignore", "arp_announce"].map(|key| {
            let path = format!("/proc/sys/net/ipv4/conf/all/{key}");
            real1.enter(|| std::fs::read_to_string(path)).unwrap().unwrap()
        });
        format!("{addresses}{settings:?}")
    };
    let before = host(&stage);
    let (code, said) = real_server(&stage, "setup");
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("added ") && !said.contains("set  "), "{said}");
    assert_eq!(host(&stage), before);

    // And it serves.
    stage.director.start().unwrap();
    stage.until("real1 is in both rings", |status| {
        status.pools.iter().all(|pool| pool.servers.iter().all(|server| server.share > 0.0))
    });
    let vips: [(&str, IpAddr); 2] =
        [("new4", VIP4.parse().unwrap()), ("new6", VIP6.parse().unwrap())];
    let targets = vips.map(|(name, vip)| Target::new(name, (vip, 80))).to_vec();
    let plan = Plan { targets, requests: Some(300), pause: Duration::ZERO, ..stage.plan() };
    assert_eq!(stage.ask_by(plan).requests(), 300);
}
