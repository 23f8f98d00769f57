//! A director whose agent is silent does not hold on to VIPs that another one has; and an agent that comes back in time
//! goes on.

use std::{collections::BTreeSet, net::IpAddr, process::Command, thread, time::Duration};

use lb_tests::{
    lab::{Director, INTERFACE, VIP4, VIP4_BUNDLE, VIP6},
    load::{self, Target},
};
use lb_userspace::api::VrrpStatus;
use nix::sys::signal::Signal;

use crate::{
    asking::{Mac, Voice, mac},
    requests::Requests,
    stage::{status, until},
    vrrp::{FIRST, Pair, SECOND, instances_of},
};

/// Ten advertisements a second: a lease of 300 ms. Who has the VIPs keeps them.
pub(crate) const QUICK: &str = "advert_interval = \"100ms\"\npreempt = false\n";
const LEASE: Duration = Duration::from_millis(300);
/// A lease of a minute: longer than any agent takes to start.
pub(crate) const SLOW: &str = "advert_interval = \"20s\"\n";

pub(crate) fn vips() -> [IpAddr; 4] {
    [VIP4.into(), VIP4_BUNDLE.into(), VIP6.into(), "fe80::51".parse().expect("an address")]
}

impl Pair {
    fn mac(&self, director: &str) -> Mac {
        mac(self.stage.lab.namespace(director))
    }

    /// A director's own addresses of the family of `like`.
    pub(crate) fn own(&self, director: &str, like: IpAddr) -> IpAddr {
        let node = self.stage.lab.topology().find(director).expect("a node");
        node.addresses().find(|own| own.is_ipv4() == like.is_ipv4()).expect("an address")
    }

    /// Exactly this director answers for each VIP.
    fn assert_answers(&self, director: &str) {
        let client = Voice::of(&self.stage.lab, "client");
        let wanted = BTreeSet::from([self.mac(director)]);
        for vip in vips() {
            let controls = [FIRST, SECOND].map(|name| self.own(name, vip));
            assert_eq!(client.who_has(vip, &controls), wanted, "{vip}: {director} alone");
        }
    }

    /// Whether others hear a director that says that it has the VIPs.
    fn is_heard(&self, director: &str) -> bool {
        let (client, voice) =
            (Voice::of(&self.stage.lab, "client"), Voice::of(&self.stage.lab, director));
        let heard = vips().map(|vip| {
            let own = self.own(director, vip);
            client.drain();
            voice.claim(vip);
            voice.claim(own);
            !client.gather(vip, &[own]).is_empty()
        });
        assert!(heard.iter().all(|one| *one == heard[0]), "{heard:?}");
        heard[0]
    }

    /// The client sends what is for the VIPs to this director, whoever answers for them.
    fn send_to(&self, director: Option<&str>) {
        let script: String = [IpAddr::from(VIP4), VIP6.into()]
            .iter()
            .map(|vip| match director {
                Some(director) => {
                    let mac = self.mac(director).map(|byte| format!("{byte:02x}")).join(":");
                    format!("neigh replace {vip} lladdr {mac} nud permanent dev {INTERFACE}\n")
                }
                None => format!("neigh delete {vip} dev {INTERFACE}\n"),
            })
            .collect();
        self.stage.lab.client().ip_batch(&script).expect("the client's neighbours");
    }

    /// Waits until a director has advertised each of its instances.
    fn await_advertisements(&self, director: &str) {
        let sent = || instances_of(self.director(director)).into_iter().map(|one| one.sent);
        let before: Vec<_> = sent().collect();
        until(self.director(director), "it advertises", |_| {
            sent().zip(&before).all(|(now, before)| now > *before)
        });
    }

    fn took_over(&self) {
        self.until(SECOND, "master");
        assert!(self.has(FIRST) && self.has(SECOND), "both have the VIPs");
        self.assert_answers(SECOND);
        assert!(!self.is_heard(FIRST) && self.is_heard(SECOND));
        // What still arrives at the silent one is forwarded.
        self.send_to(Some(FIRST));
        self.assert_served();
        self.send_to(None);
        self.assert_served();
    }
}

pub(crate) fn dropped(director: &Director, reason: &str) -> u64 {
    let status = status(director);
    status.reasons.iter().find(|one| one.reason == reason).expect("a reason").packets
}

fn why(instance: &VrrpStatus) -> &str {
    &instance.transitions.last().expect("a transition").reason
}

#[test]
fn an_agent_that_was_stopped() {
    let pair = Pair::up(3, 150, 100, QUICK);
    pair.assert_master(FIRST);
    pair.assert_answers(FIRST);
    assert!(pair.is_heard(FIRST));

    pair.stage.director.signal(Signal::SIGSTOP).expect("it stops");
    pair.took_over();

    // It finds out by itself before it says anything.
    pair.stage.director.signal(Signal::SIGCONT).expect("it goes on");
    pair.assert_master(SECOND);
    pair.assert_answers(SECOND);
    for one in instances_of(&pair.stage.director) {
        assert!(why(&one).contains("was silent"), "{one:#?}");
        let lease = one.lease.expect("a lease");
        assert!(!lease.fenced && lease.seconds_left.is_none(), "{lease:#?}");
        assert!(lease.claimed_seconds_ago.is_some(), "{lease:#?}");
    }
    // Each of four VIPs was asked for, and claimed.
    let director = &pair.stage.director;
    assert!(dropped(director, "fenced") >= 4 && dropped(director, "muted") >= 4);
    assert_eq!((dropped(&pair.second, "fenced"), dropped(&pair.second, "muted")), (0, 0));

    for name in ["v4", "v6"] {
        pair.second.lb(&["vrrp", "release", name]).expect("it gives them away");
    }
    pair.assert_master(FIRST);
    pair.assert_answers(FIRST);
    assert!(pair.is_heard(FIRST));
}

#[test]
fn an_agent_that_was_killed() {
    let mut pair = Pair::up(3, 150, 100, QUICK);
    pair.assert_master(FIRST);
    pair.stage.director.kill9().expect("it dies");
    pair.took_over();

    // The other one leaves, and says so: the dead agent's host is the last one. Until it comes back.
    pair.second.terminate().expect("the agent ends");
    pair.assert_answers(FIRST);
    // Nobody announces that: neighbours ask again when their entries have grown old.
    pair.send_to(Some(FIRST));
    pair.send_to(None);
    pair.assert_served();
    pair.second.start().expect("it starts again");
    pair.took_over();

    // A new one listens first.
    pair.stage.director.start().expect("another agent starts");
    pair.assert_master(SECOND);
    pair.assert_answers(SECOND);
    for one in instances_of(&pair.stage.director) {
        assert_eq!(why(&one), "started", "{one:#?}");
    }
    assert!(pair.is_heard(FIRST), "it has no fence any more");
    // Those were claims: what counts is whether the master has advertised since.
    pair.await_advertisements(SECOND);

    // Nobody else is there: a dead agent's host goes on.
    pair.stage.director.terminate().expect("the agent ends");
    pair.second.kill9().expect("it dies");
    thread::sleep(2 * LEASE);
    pair.assert_answers(SECOND);
    assert!(pair.is_heard(SECOND));
    pair.assert_served();
}

#[test]
fn an_agent_that_comes_back_in_time() {
    let mut pair = Pair::up(3, 150, 100, SLOW);
    for name in ["v4", "v6"] {
        pair.stage.lb(&["vrrp", "take", name]);
    }
    pair.assert_master(FIRST);
    let plan = load::Plan {
        targets: vec![Target::new("web4", (VIP4, 80)), Target::new("web6", (VIP6, 80))],
        ..pair.stage.plan()
    };
    let requests = Requests::start(pair.stage.lab.client(), plan);
    requests.await_more(50);
    let added = pair.stage.director.log().matches("VIP added").count();
    pair.stage.director.kill9().expect("it dies");
    pair.assert_answers(FIRST);
    pair.stage.director.start().expect("another agent starts");
    pair.assert_master(FIRST);
    pair.assert_answers(FIRST);
    requests.await_more(50);
    requests.stop_whole();
    for one in instances_of(&pair.stage.director) {
        let reasons: Vec<_> = one.transitions.iter().map(|step| step.reason.as_str()).collect();
        assert_eq!(reasons, ["was master before the restart"]);
        assert!(one.held && one.problem.is_none(), "{one:#?}");
    }
    let log = pair.stage.director.log();
    assert_eq!(log.matches("VIP added").count(), added, "they stayed where they were\n{log}");
    assert!(!log.contains("VIP removed"), "{log}");
    until(&pair.second, "it notices nothing", |_| {
        instances_of(&pair.second).iter().all(|one| one.state == "backup")
    });

    // Another one claims the VIPs while there is no agent: a new one listens first.
    pair.stage.director.kill9().expect("it dies");
    let rival = Voice::of(&pair.stage.lab, SECOND);
    let own = vips().map(|vip| rival.claim(vip));
    drop((own, rival));
    pair.stage.director.start().expect("another agent starts");
    pair.until(FIRST, "backup");
    assert!(!pair.has(FIRST));
}

#[test]
fn an_agent_that_leaves_its_work_to_the_next() {
    let mut pair = Pair::up(3, 150, 100, SLOW);
    for name in ["v4", "v6"] {
        pair.stage.lb(&["vrrp", "take", name]);
    }
    pair.assert_master(FIRST);
    pair.stage.director.kill9().expect("it dies");
    pair.stage.director.start_with(&["--keep"]).expect("an agent that leaves things in place");
    pair.assert_master(FIRST);
    let plan = load::Plan {
        targets: vec![Target::new("web4", (VIP4, 80)), Target::new("web6", (VIP6, 80))],
        ..pair.stage.plan()
    };
    let requests = Requests::start(pair.stage.lab.client(), plan);
    requests.await_more(50);
    pair.stage.director.terminate().expect("it ends");
    assert!(pair.has(FIRST));
    pair.assert_answers(FIRST);
    requests.await_more(50);
    pair.stage.director.start().expect("the next agent starts");
    pair.assert_master(FIRST);
    pair.assert_answers(FIRST);
    requests.stop_whole();
    for one in instances_of(&pair.stage.director) {
        assert_eq!(why(&one), "was master before the restart");
    }
    // Nobody has said that it leaves.
    for one in instances_of(&pair.second) {
        assert!(one.state == "backup" && one.transitions.len() == 1, "{one:#?}");
    }
}

#[test]
fn an_agent_that_leaves_its_work_to_nobody() {
    let mut pair = Pair::up(3, 150, 100, QUICK);
    pair.assert_master(FIRST);
    pair.stage.director.terminate().expect("it gives its VIPs away");
    pair.until(SECOND, "master");
    pair.stage.director.start_with(&["--keep"]).expect("an agent that leaves things in place");
    for name in ["v4", "v6"] {
        pair.second.lb(&["vrrp", "release", name]).expect("it gives them away");
    }
    pair.assert_master(FIRST);
    pair.stage.director.terminate().expect("it ends");
    pair.took_over();
}

/// Without VRRP there is nothing on the way out.
#[test]
fn is_there_only_for_vrrp() {
    let mut pair = Pair::up(3, 150, 100, QUICK);
    let pins = pair.stage.director.paths.pins.join("tc-out");
    let attached = |pins: &std::path::Path| std::fs::read_dir(pins).map_or(0, Iterator::count);
    assert_eq!(attached(&pins), 1, "on {INTERFACE}");
    pair.assert_master(FIRST);
    pair.stage.config.more.clear();
    pair.stage.director.write_config(&pair.stage.toml()).expect("lb.toml is written");
    pair.stage.lb(&["reload"]);
    assert_eq!(attached(&pins), 0);
    let mut tc = Command::new("ip");
    tc.args(["-details", "link", "show", "dev", INTERFACE]);
    let shown = pair.stage.lab.namespace(FIRST).run(&mut tc).expect("ip answers");
    assert!(shown.contains("xdp"), "{shown}");
    pair.until(SECOND, "master");
}
