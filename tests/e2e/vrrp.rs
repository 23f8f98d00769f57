//! Two directors share the VIPs by VRRP: one has them, the other takes them when it must.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use lb_tests::{
    lab::{Director, Families, INTERFACE, Topology, VIP4, VIP4_BUNDLE, VIP6},
    load::{self, Target},
};
use lb_userspace::{api::VrrpStatus, cli::client::Client};
use nix::sys::signal::Signal;

use crate::stage::{LIMIT, Stage};

pub(crate) const FIRST: &str = "director1";
pub(crate) const SECOND: &str = "director2";

/// Two directors with the same services; dropped in this order.
pub(crate) struct Pair {
    pub(crate) second: Director,
    pub(crate) stage: Stage,
}

/// Instances of a director: IPv4 by `version`, with what else is said of both, and IPv6 by version 3.
fn instances(priority: u8, version: u8, more: &str) -> String {
    format!(
        "\n[[vrrp]]\nname = \"v4\"\ninterface = \"{INTERFACE}\"\nversion = {version}\nvirtual_router_id = 51\n\
         priority = {priority}\naddresses = [\"{VIP4}\", \"{VIP4_BUNDLE}\"]\n{more}\
         \n[[vrrp]]\nname = \"v6\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
         priority = {priority}\naddresses = [\"fe80::51/64\", \"{VIP6}\"]\n{more}"
    )
}

impl Pair {
    pub(crate) fn up(version: u8, first: u8, second: u8, more: &str) -> Self {
        let topology = Topology::default().directors(2).families(Families::Both);
        Self::up_on(Stage::prepared(topology, |_| {}), version, (first, second), more)
    }

    /// On a stage with two directors and both families: the version for IPv4, and both priorities.
    pub(crate) fn up_on(
        mut stage: Stage,
        version: u8,
        (first, second): (u8, u8),
        more: &str,
    ) -> Self {
        let seed = stage.director.paths.state.join("seed");
        stage.config.node = format!("seed_file = {seed:?}\n");
        stage.config.more = instances(first, version, more);
        stage.director.write_config(&stage.toml()).expect("lb.toml is written");
        stage.director.start().expect("the first agent starts");
        stage.config.more = instances(second, version, more);
        stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
        let mut second = Director::new(&stage.lab, SECOND).expect("a second director");
        second.start().expect("the second agent starts");
        Self { second, stage }
    }

    pub(crate) fn director(&self, name: &str) -> &Director {
        if name == FIRST { &self.stage.director } else { &self.second }
    }

    /// Waits until a director's instances are in this state.
    pub(crate) fn until(&self, name: &str, state: &str) {
        let begin = Instant::now();
        loop {
            let seen = instances_of(self.director(name));
            if seen.len() == 2
                && seen.iter().all(|one| one.state == state && one.held == (state == "master"))
            {
                return;
            }
            assert!(begin.elapsed() < LIMIT, "{name} is not {state}: {seen:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The director that an address is on.
    pub(crate) fn has(&self, name: &str) -> bool {
        let mut ip = Command::new("ip");
        ip.args(["-brief", "address", "show"]);
        let shown = self.stage.lab.namespace(name).run(&mut ip).expect("ip answers");
        let there = |address: &str| shown.split([' ', '/']).any(|word| word == address);
        let all = [VIP4.to_string(), VIP4_BUNDLE.to_string(), VIP6.to_string()];
        let on: Vec<_> = all.iter().map(|address| there(address)).collect();
        assert!(on.iter().all(|one| *one == on[0]), "all or none: {shown}");
        on[0]
    }

    /// One of them has the VIPs, the other has not.
    pub(crate) fn assert_master(&self, master: &str) {
        let backup = if master == FIRST { SECOND } else { FIRST };
        self.until(master, "master");
        self.until(backup, "backup");
        assert!(self.has(master) && !self.has(backup));
    }

    pub(crate) fn connect(&self, director: &str, state: &str) {
        let script = format!("link set {director} {state}\n");
        self.stage.lab.namespace("switch").ip_batch(&script).expect("the switch's port");
    }

    /// Requests to a VIP of each family are answered.
    pub(crate) fn assert_served(&self) {
        let plan = load::Plan {
            targets: vec![Target::new("web4", (VIP4, 80)), Target::new("web6", (VIP6, 80))],
            ..self.stage.plan()
        };
        let load = load::start(self.stage.lab.client(), plan).expect("the load");
        std::thread::sleep(Duration::from_millis(300));
        let report = load.stop().expect("the load ends");
        assert!(report.requests() > 10 && report.failed() == 0, "{report:?}");
    }
}

pub(crate) fn instances_of(director: &Director) -> Vec<VrrpStatus> {
    Client::new(director.paths.socket.clone()).get("/v1/vrrp").expect("the agent answers")
}

#[test]
fn the_higher_priority_has_the_vips_and_a_dead_director_loses_them() {
    let mut pair = Pair::up(3, 150, 100, "advert_interval = \"100ms\"\n");
    pair.assert_master(FIRST);
    pair.assert_served();

    // Its link is cut: the other one takes over, and gives them back.
    pair.connect(FIRST, "down");
    pair.until(SECOND, "master");
    pair.assert_served();
    pair.until(FIRST, "fault");
    assert!(!pair.has(FIRST));
    pair.connect(FIRST, "up");
    pair.assert_master(FIRST);
    pair.assert_served();

    // It stops and says so.
    pair.stage.director.terminate().expect("the first agent ends");
    pair.until(SECOND, "master");
    assert!(!pair.has(FIRST));
    pair.assert_served();
    pair.stage.director.start().expect("the first agent starts again");
    pair.assert_master(FIRST);
}

#[test]
fn passwords_must_be_the_same() {
    let authentication = |password: &str| {
        format!("advert_interval = \"1s\"\nauthentication = \"pass\"\npassword = \"{password}\"\n")
    };
    // IPv6 has no passwords: IPv4 alone.
    let topology = Topology::default().directors(2).families(Families::Ipv4);
    let instance = |priority: u8, password: &str| {
        format!(
            "\n[[vrrp]]\nname = \"v4\"\ninterface = \"{INTERFACE}\"\nversion = 2\nvirtual_router_id = 51\n\
             priority = {priority}\naddresses = [{{ address = \"{VIP4}\", label = \"{INTERFACE}:vip\" }}]\n{}",
            authentication(password)
        )
    };
    let mut stage = Stage::prepared(topology, |_| {});
    stage.config.more = instance(5, "sesame");
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the first agent starts");
    stage.config.more = instance(4, "another");
    stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
    let mut second = Director::new(&stage.lab, SECOND).expect("a second director");
    second.start().expect("the second agent starts");
    let until = |director: &Director, what: &str, so: &dyn Fn(&VrrpStatus) -> bool| {
        let begin = Instant::now();
        while !instances_of(director).iter().all(so) {
            assert!(begin.elapsed() < LIMIT, "{what}: {:#?}", instances_of(director));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let refused = |one: &VrrpStatus| {
        one.state == "master" && one.rejected.iter().any(|r| r.reason == "authentication_data")
    };
    until(&second, "two masters that do not understand each other", &refused);

    // The right password: the lower one hears the higher.
    stage.config.more = instance(4, "sesame");
    stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
    second.lb(&["reload"]).expect("it reloads");
    until(&second, "it is backup now", &|one| one.state == "backup" && !one.held);
    until(&stage.director, "the first one stays master", &|one| one.state == "master");
    let mut ip = Command::new("ip");
    ip.args(["-brief", "address", "show", "label", &format!("{INTERFACE}:vip")]);
    let labelled = stage.lab.namespace(FIRST).run(&mut ip).expect("ip answers");
    assert!(labelled.contains(&VIP4.to_string()), "{labelled}");
    let shown = fs::read_to_string(&second.paths.log).expect("the log");
    assert!(!shown.contains("sesame"), "no password in the log");
}

#[test]
fn vips_are_given_away_and_taken() {
    let pair = Pair::up(3, 150, 100, "advert_interval = \"100ms\"\n");
    pair.assert_master(FIRST);
    for name in ["v4", "v6"] {
        pair.stage.lb(&["vrrp", "release", name]);
    }
    pair.assert_master(SECOND);
    for name in ["v4", "v6"] {
        pair.stage.lb(&["vrrp", "take", name]);
    }
    pair.assert_master(FIRST);
    let shown = pair.stage.lb(&["vrrp"]);
    println!("{shown}");
    assert!(shown.contains("taken by the operator"), "{shown}");
    pair.stage.director.signal(Signal::SIGHUP).expect("it reloads");
    pair.assert_master(FIRST);
}

#[test]
fn a_master_that_leaves_keeps_the_vips_until_the_other_one_has_them() {
    // The backup waits 0.6 s before it takes over.
    let mut pair = Pair::up(3, 150, 100, "advert_interval = \"1s\"\n");
    let until_gone = |pair: &Pair| {
        let begin = Instant::now();
        while pair.stage.lab.namespace(FIRST).has(VIP4.into()).expect("addresses") {
            assert!(begin.elapsed() < LIMIT, "the first one keeps its VIPs");
            std::thread::sleep(Duration::from_millis(1));
        }
        let v4 = instances_of(&pair.second).into_iter().find(|one| one.name.as_str() == "v4");
        v4.expect("an instance").state
    };
    pair.assert_master(FIRST);
    pair.stage.lb(&["vrrp", "release", "v4"]);
    assert_eq!(until_gone(&pair), "master", "released, and given up before the other one came");
    pair.stage.lb(&["vrrp", "take", "v4"]);
    pair.assert_master(FIRST);
    pair.stage.director.signal(Signal::SIGTERM).expect("the agent runs");
    assert_eq!(until_gone(&pair), "master", "ended before the other one came");

    // Nobody comes: it ends all the same.
    pair.until(SECOND, "master");
    pair.connect(SECOND, "down");
    pair.stage.director.terminate().expect("the first agent has ended");
    pair.stage.director.start().expect("the first agent starts again");
    pair.until(FIRST, "master");
    pair.stage.director.terminate().expect("the first agent ends without a successor");
    assert!(!pair.has(FIRST));
}
