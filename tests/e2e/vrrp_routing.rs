//! Routes and rules that go with the VIPs: there on the master, gone with it, and what fails is named.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use lb_tests::lab::{Families, INTERFACE, Topology, VIP4, VIP6};
use lb_userspace::{api::VrrpStatus, cli::client::Client};

use crate::stage::{LIMIT, Stage};

const DIRECTOR: &str = "director1";

/// One route of the second instance leads by a router that is nowhere.
fn instances() -> String {
    format!(
        "
[[vrrp]]
name = \"v4\"
interface = \"{INTERFACE}\"
virtual_router_id = 51
advert_interval = \"100ms\"
addresses = [\"{VIP4}\"]
routes = [
  {{ to = \"198.18.1.0/24\", source = \"{VIP4}\", metric = 7 }},
  {{ to = \"198.18.2.0/24\", blackhole = true, table = 1000 }},
  {{ to = \"0.0.0.0/0\", via = \"198.19.0.1\", onlink = true, table = 1000 }},
]
rules = [
  {{ priority = 1000, from = \"{VIP4}\", fwmark = 5, table = 1000 }},
  {{ priority = 1001, to = \"198.18.9.0/24\", iif = \"{INTERFACE}\", table = 99 }},
]

[[vrrp]]
name = \"v6\"
interface = \"{INTERFACE}\"
virtual_router_id = 51
advert_interval = \"100ms\"
addresses = [\"fe80::51/64\", \"{VIP6}\"]
routes = [
  {{ to = \"2001:db8:bad::/48\", via = \"2001:db8:dead::1\" }},
  {{ to = \"2001:db8:f00::/48\", via = \"fe80::1\", table = 1000 }},
]
rules = [{{ priority = 1000, from = \"2001:db8:f00::/48\", table = 1000 }}]
"
    )
}

/// What `ip` shows of it.
fn shown(stage: &Stage, arguments: &str) -> String {
    let mut ip = Command::new("ip");
    ip.args(arguments.split(' '));
    stage.lab.namespace(DIRECTOR).run(&mut ip).expect("ip answers")
}

/// Every route and rule of a VRRP instance, with one that looks like them and is the administrator's.
fn all(stage: &Stage) -> String {
    ["-4 route", "-6 route"]
        .map(|what| shown(stage, &format!("{what} show table all proto 76")))
        .concat()
        + &["-4 rule", "-6 rule"].map(|what| shown(stage, what)).concat()
}

fn until(stage: &Stage, state: &str) -> Vec<VrrpStatus> {
    let begin = Instant::now();
    loop {
        let client = Client::new(stage.director.paths.socket.clone());
        let seen: Vec<VrrpStatus> = client.get("/v1/vrrp").expect("the agent answers");
        if seen.iter().all(|one| one.state == state && one.held == (state == "master")) {
            return seen;
        }
        assert!(begin.elapsed() < LIMIT, "not {state}: {seen:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn assert_there(stage: &Stage) {
    let all = all(stage);
    let vip4 = VIP4.to_string();
    for words in [
        vec!["198.18.1.0/24", "scope link", &format!("src {vip4}"), "metric 7"],
        vec!["blackhole 198.18.2.0/24", "table 1000"],
        vec!["default via 198.19.0.1", "table 1000", "onlink"],
        vec!["2001:db8:f00::/48 via fe80::1", "table 1000"],
        vec!["1000:", &format!("from {vip4} "), "fwmark 0x5", "lookup 1000"],
        vec!["1001:", "to 198.18.9.0/24", &format!("iif {INTERFACE}"), "lookup 99"],
        vec!["1000:", "from 2001:db8:f00::/48", "lookup 1000"],
    ] {
        let has = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(all.lines().any(has), "{words:?} in {all}");
    }
    assert!(!all.contains("2001:db8:bad::"), "{all}");
}

/// Waits until everything is where it belongs.
fn until_back(stage: &Stage, what: &str) {
    let begin = Instant::now();
    loop {
        let addresses = shown(stage, "-brief address show");
        let there = |word: &str| addresses.split([' ', '/']).any(|found| found == word);
        let routes = all(stage);
        if [VIP4.to_string(), VIP6.to_string()].iter().all(|vip| there(vip))
            && routes.lines().any(|line| line.contains("198.18.1.0/24"))
            && routes.lines().any(|line| line.contains("lookup 99"))
        {
            return;
        }
        assert!(begin.elapsed() < LIMIT, "{what}: {addresses}{routes}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_somebody_removes_is_put_back() {
    let mut stage = Stage::prepared(Topology::default().families(Families::Both), |_| {});
    stage.config.more = instances();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    until(&stage, "master");
    assert_there(&stage);
    // The first route bears the address as its source: it goes with it, and the kernel says nothing of that.
    for removed in [
        format!("address del {VIP4}/32 dev {INTERFACE}"),
        format!("address del {VIP6}/128 dev {INTERFACE}"),
        "route del 198.18.1.0/24 metric 7".to_owned(),
        "rule del priority 1001".to_owned(),
        format!("address flush dev {INTERFACE} to {VIP4}/32"),
    ] {
        let batch = format!("{removed}\n");
        stage.lab.namespace(DIRECTOR).ip_batch(&batch).expect("somebody may");
        until_back(&stage, &removed);
        assert_there(&stage);
    }
    let seen = until(&stage, "master");
    assert!(seen.iter().all(|one| one.transitions.len() == 2), "{seen:#?}");
    assert!(stage.director.log().contains("VIP put back"));
    stage.director.terminate().expect("it ends");
    let left = all(&stage);
    for word in ["198.18.", "198.19.", "2001:db8:f00:", "lookup 1000", "lookup 99"] {
        assert!(!left.contains(word), "{left}");
    }
}

fn assert_gone(stage: &Stage) {
    let all = all(stage);
    for word in ["198.18.", "198.19.", "2001:db8:f00:", "lookup 1000", "lookup 99"] {
        let ours = all.lines().find(|line| line.contains(word) && !line.starts_with("2000:"));
        assert_eq!(ours, None, "{all}");
    }
    // The administrator's own.
    assert!(shown(stage, "-4 rule").contains("2000:"), "{all}");
    assert!(shown(stage, "-4 route show table 1000").contains("198.18.3.0/24"));
}

#[test]
fn routes_and_rules_go_with_the_vips() {
    let topology = Topology::default().families(Families::Both);
    let mut stage = Stage::prepared(topology, |_| {});
    let administrator = "rule add priority 2000 to 198.18.9.0/24 table 1000\n\
                         route add blackhole 198.18.3.0/24 table 1000\n";
    stage.lab.namespace(DIRECTOR).ip_batch(administrator).expect("the administrator's own");
    stage.config.more = instances();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");

    let seen = until(&stage, "master");
    assert_there(&stage);
    assert_eq!(seen[0].problem, None);
    let problem = seen[1].problem.as_deref().expect("a route that cannot be");
    assert!(
        problem.contains("cannot add route 2001:db8:bad::/48 via 2001:db8:dead::1"),
        "{problem}"
    );
    assert!(stage.lb(&["vrrp"]).contains(problem));
    assert!(stage.director.log().contains(problem));

    // An agent that starts after one was killed begins as backup, without them; then it is master again.
    stage.director.kill9().expect("it is killed");
    assert_there(&stage);
    let slow = instances().replace("\"100ms\"", "\"40s\"");
    stage.config.more = slow;
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts again");
    until(&stage, "backup");
    assert_gone(&stage);

    stage.config.more = instances();
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.lb(&["reload"]);
    until(&stage, "master");
    assert_there(&stage);
    stage.director.terminate().expect("it ends");
    assert_gone(&stage);
}
