//! lb on one director and another program on the second: who has the VIP, and when.

use std::{
    io::ErrorKind,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use lb_tests::lab::{Families, INTERFACE, Lab, Topology, VIP4, VIP6};
use lb_userspace::{api::VrrpStatus, cli::client::Client};
use nix::sys::signal::Signal;

use crate::asking::{Voice, mac};
use crate::stage::{LIMIT, Stage};

pub(crate) const OTHER: &str = "director2";
/// Of both products' instances.
pub(crate) const VIRTUAL_ROUTER: u8 = 51;
const OURS: u8 = 100;

/// The other program. Dropping it ends it.
pub(crate) trait Rival {
    fn start(&mut self, priority: u8, preempt: bool);
    /// In good order.
    fn stop(&mut self);
    fn is_master(&self) -> bool;
    fn log_tail(&self) -> String;
}

/// What both have to agree on, in lb's words.
pub(crate) struct Case {
    pub(crate) families: Families,
    /// Text for `[[vrrp]]`.
    pub(crate) ours: String,
}

impl Case {
    pub(crate) fn v4(ours: &str) -> Self {
        let ours = format!("addresses = [\"{VIP4}\"]\n{ours}");
        Self { families: Families::Ipv4, ours }
    }

    pub(crate) fn v6(ours: &str) -> Self {
        let ours = format!("addresses = [\"fe80::51/64\", \"{VIP6}\"]\n{ours}");
        Self { families: Families::Ipv6, ours }
    }
}

/// Both of them. Dropped in this order.
pub(crate) struct Mixed<R> {
    rival: R,
    case: Case,
    stage: Stage,
}

impl<R: Rival> Mixed<R> {
    /// Nobody runs yet.
    pub(crate) fn prepared(case: Case, rival: impl FnOnce(&Lab) -> R) -> Self {
        let topology = Topology::default().directors(2).families(case.families);
        let stage = Stage::prepared(topology, |_| {});
        let rival = rival(&stage.lab);
        Self { rival, case, stage }
    }

    fn start_ours(&mut self, preempt: bool) {
        self.stage.config.more = format!(
            "\n[[vrrp]]\nname = \"shared\"\ninterface = \"{INTERFACE}\"\npriority = {OURS}\n\
             virtual_router_id = {VIRTUAL_ROUTER}\npreempt = {preempt}\n{}",
            self.case.ours
        );
        self.stage.director.write_config(&self.stage.toml()).expect("lb.toml is written");
        self.stage.director.start().expect("the agent starts");
    }

    fn stop_ours(&mut self) {
        self.stage.director.terminate().expect("the agent ends");
    }

    fn has_vip(&self) -> bool {
        let vip = if self.case.families.ipv4() { VIP4.into() } else { VIP6.into() };
        self.stage.director.namespace().has(vip).expect("addresses")
    }

    fn instance(&self) -> Option<VrrpStatus> {
        let client = Client::new(self.stage.director.paths.socket.clone());
        client.get::<Vec<VrrpStatus>>("/v1/vrrp").ok()?.pop()
    }

    fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !so(self) {
            assert!(
                begin.elapsed() < LIMIT,
                "{what}: lb's instance is {:#?}; the other one says\n{}\nlb says\n{}",
                self.instance(),
                self.rival.log_tail(),
                self.stage.director.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until exactly this one has the VIP, and lb's instance says the same.
    fn until(&self, what: &str, ours: bool) {
        self.wait(what, |mixed| {
            let state = mixed.instance().map(|one| one.state);
            let fits = state.as_deref().is_none_or(|state| (state == "master") == ours);
            fits && mixed.has_vip() == ours && mixed.rival.is_master() != ours
        });
    }

    /// lb's instance, the backup, has heard the master this many times since now.
    fn still_backup(&self, what: &str) {
        let heard = || self.instance().map_or((0, false), |one| (one.heard, one.state == "backup"));
        let (before, _) = heard();
        self.wait(what, |_| {
            let (now, backup) = heard();
            assert!(backup, "{what}: {:#?}", self.instance());
            now >= before + 5
        });
        assert!(self.rival.is_master(), "{what}");
    }

    /// lb's instance, the master, has advertised this many times since now, and the other one knows.
    fn still_master(&self, what: &str) {
        let sent = || self.instance().map_or((0, false), |one| (one.sent, one.state == "master"));
        let (before, _) = sent();
        self.wait(what, |_| {
            let (now, master) = sent();
            assert!(master, "{what}: {:#?}", self.instance());
            now >= before + 5
        });
        assert!(!self.rival.is_master(), "{what}: {}", self.rival.log_tail());
    }

    /// Takes the other director off the switch, or puts it back. Its link stays up: it notices nothing.
    fn isolate(&self, isolated: bool) {
        let to = if isolated { "nomaster" } else { "master br0" };
        let script = format!("link set {OTHER} {to}\n");
        self.stage.lab.namespace("switch").ip_batch(&script).expect("the switch's port");
    }

    /// Election, failover and failback, with each of them as the higher one; each ends in good order, and one
    /// vanishes.
    pub(crate) fn both_ways(&mut self) {
        let (higher, lower) = (OURS + 50, OURS - 50);
        self.rival.start(higher, true);
        self.wait("the other one alone is master", |mixed| mixed.rival.is_master());
        self.start_ours(true);
        self.still_backup("the higher one stays master");
        self.isolate(true);
        self.wait("lb takes over from one that has vanished", Self::has_vip);
        self.isolate(false);
        self.until("the one that was gone takes it back", false);
        self.rival.stop();
        self.wait("lb takes over", Self::has_vip);
        self.rival.start(higher, true);
        self.until("the other one takes it back", false);
        self.rival.stop();

        self.rival.start(lower, true);
        self.until("lb is the higher one now", true);
        self.stop_ours();
        self.wait("the other one takes over", |mixed| mixed.rival.is_master() && !mixed.has_vip());
        self.start_ours(true);
        self.until("lb takes it back", true);
        let heard = self.instance().expect("an instance");
        assert!(heard.rejected.is_empty(), "{heard:#?}");
        self.rival.stop();
        self.stop_ours();
    }

    /// Who does not preempt leaves a lower master alone. Of two masters of one priority, the higher address stays.
    pub(crate) fn who_comes_second(&mut self) {
        self.rival.start(OURS - 50, true);
        self.wait("the lower one alone is master", |mixed| mixed.rival.is_master());
        self.start_ours(false);
        self.still_backup("lb does not preempt");
        self.rival.stop();
        self.wait("lb takes over", Self::has_vip);
        self.rival.start(OURS + 50, false);
        self.still_master("the other one does not preempt");
        self.rival.stop();

        self.rival.start(OURS, true);
        self.still_master("one of the same priority does not preempt");
        self.isolate(true);
        self.wait("both are masters", |mixed| mixed.rival.is_master() && mixed.has_vip());
        self.isolate(false);
        if self.case.families.ipv4() {
            self.until("10.8.8.42 is higher than 10.8.8.41", false);
        } else {
            // Link-local addresses are random.
            self.wait("one has given up", |mixed| mixed.rival.is_master() != mixed.has_vip());
        }
        let heard = self.instance().expect("an instance");
        assert!(heard.rejected.is_empty(), "{heard:#?}");
    }

    /// The client finds the VIP behind the same MAC address, whoever has it: nobody has to tell it anything.
    pub(crate) fn the_mac_stays(&mut self) {
        self.start_ours(true);
        self.wait("lb alone is master", Self::has_vip);
        self.assert_behind_virtual_mac();
        let before = self.neighbour();
        self.rival.start(OURS + 50, true);
        self.until("the higher one takes it", false);
        self.assert_behind_virtual_mac();
        self.rival.stop();
        self.until("lb takes over", true);
        self.assert_behind_virtual_mac();
        self.rival.start(OURS - 50, true);
        self.still_master("the lower one does not take it");
        self.stop_ours();
        self.wait("the other one takes over", |mixed| mixed.rival.is_master() && !mixed.has_vip());
        self.assert_behind_virtual_mac();
        assert_eq!(self.neighbour(), before);
    }

    /// One of them answers for the VIP, and its own stack is reached.
    fn assert_behind_virtual_mac(&self) {
        let lab = &self.stage.lab;
        let own = ["director1", OTHER].map(|name| lab.topology().find(name).expect("a node"));
        let own = own.each_ref().map(|node| node.ipv4.expect("IPv4").into());
        let answers = Voice::of(lab, "client").late_answers(VIP4.into(), &own);
        assert_eq!(answers, [[0, 0, 0x5e, 0, 1, VIRTUAL_ROUTER]]);
        let connect = || TcpStream::connect_timeout(&(VIP4, 9).into(), LIMIT);
        let error = lab.client().enter(connect).expect("the client").expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(self.neighbour(), "00:00:5e:00:01:33");
    }

    /// What the client believes.
    fn neighbour(&self) -> String {
        let mut ip = Command::new("ip");
        ip.args(["neigh", "show", &VIP4.to_string()]);
        let shown = self.stage.lab.client().run(&mut ip).expect("ip answers");
        let mac = shown.split_whitespace().skip_while(|word| *word != "lladdr").nth(1);
        mac.unwrap_or_else(|| panic!("no neighbour: {shown}")).to_owned()
    }

    /// The other one takes over from an agent that was stopped, whose host then does not answer any more.
    pub(crate) fn the_stopped_one_is_silent(&mut self) {
        self.start_ours(true);
        self.rival.start(OURS - 50, true);
        self.until("lb is the higher one", true);
        self.stage.director.signal(Signal::SIGSTOP).expect("it stops");
        self.wait("the other one takes over", |mixed| mixed.rival.is_master());
        assert!(self.has_vip(), "both have the VIP");
        let lab = &self.stage.lab;
        let own = ["director1", OTHER].map(|name| lab.topology().find(name).expect("a node"));
        let own = own.each_ref().map(|node| node.ipv4.expect("IPv4").into());
        let answers = Voice::of(lab, "client").who_has(VIP4.into(), &own);
        assert_eq!(answers, [mac(lab.namespace(OTHER))].into(), "the other one alone");
        self.stage.director.signal(Signal::SIGCONT).expect("it goes on");
    }
}
