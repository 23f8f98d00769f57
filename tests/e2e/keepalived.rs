//! VRRP with keepalived as the other director: election, failover and failback in each direction.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use lb_tests::lab::{Families, INTERFACE, Process, Topology, VIP4, VIP6};
use lb_userspace::{api::VrrpStatus, cli::client::Client};

use nix::sys::signal::Signal;

use crate::{
    asking::{Voice, mac},
    stage::{LIMIT, Stage},
};

const OTHER: &str = "director2";

/// lb on one director, keepalived on the other. Dropped in this order.
struct Mixed {
    keepalived: Option<Process>,
    config: PathBuf,
    vip: &'static str,
    stage: Stage,
}

/// What both have to agree on.
struct Case {
    families: Families,
    /// Text for `[[vrrp]]`.
    ours: String,
    /// Text for `vrrp_instance`.
    theirs: String,
    /// Text for `global_defs`.
    global: &'static str,
}

const OURS: u8 = 100;

impl Mixed {
    /// Nobody runs yet.
    fn prepared(case: &Case) -> Self {
        let topology = Topology::default().directors(2).families(case.families);
        let mut stage = Stage::prepared(topology, |_| {});
        let vip = match case.families {
            Families::Ipv6 => "fd00:8:8::40",
            Families::Ipv4 | Families::Both => "10.8.8.40",
        };
        assert!([VIP4.to_string(), VIP6.to_string()].contains(&vip.to_owned()));
        stage.config.more = format!(
            "\n[[vrrp]]\nname = \"shared\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
             priority = {OURS}\n{}",
            case.ours
        );
        stage.director.write_config(&stage.toml()).expect("lb.toml is written");
        let config = stage.lab.folder().join("keepalived.conf");
        Self { keepalived: None, config, vip, stage }
    }

    fn start_keepalived(&mut self, case: &Case, priority: u8) {
        let text = format!(
            "global_defs {{\n  {}\n}}\nvrrp_instance shared {{\n  interface {INTERFACE}\n  \
             virtual_router_id 51\n  priority {priority}\n  {}\n}}\n",
            case.global, case.theirs
        );
        fs::write(&self.config, text).expect("its configuration is written");
        let folder = self.stage.lab.folder();
        let mut command = Command::new("keepalived");
        command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file"]).arg(&self.config);
        for (option, file) in [("--pid", "keepalived.pid"), ("--vrrp_pid", "vrrp.pid")] {
            command.arg(option).arg(folder.join(file));
        }
        let log = folder.join("keepalived.log");
        let namespace = self.stage.lab.namespace(OTHER);
        let process = Process::spawn(namespace, &mut command, &log).expect("keepalived starts");
        self.keepalived = Some(process);
    }

    fn stop_keepalived(&mut self) {
        let mut process = self.keepalived.take().expect("keepalived runs");
        process.terminate(LIMIT).expect("keepalived ends");
    }

    fn on(&self, node: &str) -> bool {
        let mut ip = Command::new("ip");
        ip.args(["-brief", "address", "show", "dev", INTERFACE]);
        let shown = self.stage.lab.namespace(node).run(&mut ip).expect("ip answers");
        shown.split([' ', '/']).any(|word| word == self.vip)
    }

    /// Waits until exactly this one has the VIP, and lb's instance says the same.
    fn until(&self, what: &str, ours: bool) {
        let begin = Instant::now();
        loop {
            let state = self.instance().map(|one| one.state);
            let fits = state.as_deref().is_none_or(|state| (state == "master") == ours);
            if fits && self.on("director1") == ours && self.on(OTHER) != ours {
                return;
            }
            let log = self.keepalived.as_ref().map(Process::log_tail).unwrap_or_default();
            assert!(
                begin.elapsed() < LIMIT,
                "{what}: lb's instance is {:#?}; keepalived says\n{log}\nlb says\n{}",
                self.instance(),
                self.stage.director.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn instance(&self) -> Option<VrrpStatus> {
        let client = Client::new(self.stage.director.paths.socket.clone());
        client.get::<Vec<VrrpStatus>>("/v1/vrrp").ok()?.pop()
    }
}

/// Election, failover and failback, with each of them as the higher one.
fn both_ways(case: &Case) {
    let mut mixed = Mixed::prepared(case);
    mixed.start_keepalived(case, OURS + 50);
    mixed.until("keepalived alone is master", false);
    mixed.stage.director.start().expect("the agent starts");
    std::thread::sleep(Duration::from_millis(500));
    mixed.until("the higher one stays master", false);
    let heard = mixed.instance().expect("an instance");
    assert!(heard.heard > 0 && heard.rejected.is_empty(), "{heard:#?}");
    mixed.stop_keepalived();
    mixed.until("lb takes over", true);
    mixed.start_keepalived(case, OURS + 50);
    mixed.until("keepalived takes it back", false);
    mixed.stop_keepalived();

    mixed.start_keepalived(case, OURS - 50);
    mixed.until("lb is the higher one now", true);
    mixed.stage.director.terminate().expect("the agent ends");
    mixed.until("keepalived takes over", false);
    mixed.stage.director.start().expect("the agent starts again");
    mixed.until("lb takes it back", true);
    let heard = mixed.instance().expect("an instance");
    assert!(heard.rejected.is_empty(), "{heard:#?}");
    mixed.stop_keepalived();
}

fn v4(ours: &str, theirs: &str) -> Case {
    Case {
        families: Families::Ipv4,
        ours: format!("addresses = [\"{VIP4}\"]\n{ours}"),
        theirs: format!("virtual_ipaddress {{ {VIP4}/32 }}\n  {theirs}"),
        global: "",
    }
}

#[test]
fn version_2_with_a_password() {
    both_ways(&v4(
        "version = 2\nauthentication = \"pass\"\npassword = \"s3cret\"\n",
        "version 2\n  advert_int 1\n  authentication {\n    auth_type PASS\n    auth_pass s3cret\n  }",
    ));
}

#[test]
fn version_2_with_an_authentication_header() {
    both_ways(&v4(
        "version = 2\nauthentication = \"ah\"\npassword = \"s3cret\"\n",
        "version 2\n  advert_int 1\n  authentication {\n    auth_type AH\n    auth_pass s3cret\n  }",
    ));
}

#[test]
fn version_3_over_ipv4() {
    both_ways(&v4("advert_interval = \"100ms\"\n", "version 3\n  advert_int 0.1"));
}

#[test]
fn version_3_over_ipv6() {
    both_ways(&Case {
        families: Families::Ipv6,
        ours: format!("addresses = [\"fe80::51/64\", \"{VIP6}\"]\nadvert_interval = \"100ms\"\n"),
        theirs: format!(
            "version 3\n  advert_int 0.1\n  virtual_ipaddress {{\n    fe80::51/64\n    {VIP6}/128\n  }}"
        ),
        global: "",
    });
}

/// keepalived takes over from an agent that was stopped, whose host then does not answer any more.
fn takes_over(case: &Case) {
    let mut mixed = Mixed::prepared(case);
    mixed.stage.director.start().expect("the agent starts");
    mixed.start_keepalived(case, OURS - 50);
    mixed.until("lb is the higher one", true);
    mixed.stage.director.signal(Signal::SIGSTOP).expect("it stops");
    let begin = Instant::now();
    while !mixed.on(OTHER) {
        assert!(begin.elapsed() < LIMIT, "keepalived takes over");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(mixed.on("director1"), "both have the VIP");
    let (lab, vip) = (&mixed.stage.lab, mixed.vip.parse().expect("an address"));
    let own = ["director1", OTHER].map(|name| lab.topology().find(name).expect("a node"));
    let own = own.each_ref().map(|node| node.ipv4.expect("IPv4").into());
    let answers = Voice::of(lab, "client").who_has(vip, &own);
    assert_eq!(answers, [mac(lab.namespace(OTHER))].into(), "keepalived alone");
    mixed.stage.director.signal(Signal::SIGCONT).expect("it goes on");
}

#[test]
fn a_stopped_agent_leaves_it_the_vip() {
    takes_over(&v4("advert_interval = \"100ms\"\n", "version 3\n  advert_int 0.1"));
}

#[test]
fn a_stopped_agent_leaves_it_the_vip_with_an_authentication_header() {
    takes_over(&v4(
        "version = 2\nauthentication = \"ah\"\npassword = \"s3cret\"\n",
        "version 2\n  advert_int 1\n  authentication {\n    auth_type AH\n    auth_pass s3cret\n  }",
    ));
}

#[test]
fn unicast() {
    both_ways(&v4(
        "advert_interval = \"100ms\"\nunicast_peers = [\"10.8.8.42\"]\n",
        "version 3\n  advert_int 0.1\n  unicast_src_ip 10.8.8.42\n  unicast_peer { 10.8.8.41 }",
    ));
}
