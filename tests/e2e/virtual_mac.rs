//! VIPs behind the virtual router's own MAC address: it stays the same when they move.

use std::{
    fs,
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpStream},
    process::Command,
};

use lb_tests::{
    lab::{Director, INTERFACE, Namespace, VIP4, VIP6},
    load::{self, Target},
};
use nix::sys::signal::Signal;

use crate::{
    asking::{Mac, Voice},
    fence::{QUICK, SLOW, dropped, vips},
    requests::Requests,
    stage::{LIMIT, until},
    vrrp::{FIRST, Pair, SECOND, instances_of},
};

/// The interfaces that the agents make.
const MADE: [&str; 2] = ["vrrp.51", "vrrp6.51"];

fn virtual_mac(vip: IpAddr) -> Mac {
    [0, 0, 0x5e, 0, if vip.is_ipv4() { 1 } else { 2 }, 51]
}

fn text(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn up(more: &str) -> Pair {
    Pair::up(3, 150, 100, &format!("{more}virtual_mac = true\n"))
}

fn ip(namespace: &Namespace, arguments: &[&str]) -> String {
    namespace.run(Command::new("ip").args(arguments)).expect("ip answers")
}

impl Pair {
    fn namespace(&self, name: &str) -> &Namespace {
        self.stage.lab.namespace(name)
    }

    /// The virtual MAC address of each family, and nobody else, answers once for each VIP.
    fn assert_one_answers(&self) {
        let client = Voice::of(&self.stage.lab, "client");
        for vip in vips() {
            let controls = [FIRST, SECOND].map(|name| self.own(name, vip));
            assert_eq!(client.late_answers(vip, &controls), [virtual_mac(vip)], "{vip}");
        }
    }

    /// The switch sends what is for the virtual MAC addresses to this director.
    fn assert_behind(&self, director: &str) {
        let mut bridge = Command::new("bridge");
        let learnt = self.namespace("switch").run(bridge.args(["fdb", "show", "br", "br0"]));
        let learnt = learnt.expect("bridge answers");
        for vip in [IpAddr::from(VIP4), VIP6.into()] {
            let mac = text(virtual_mac(vip));
            let line = learnt.lines().find(|line| line.starts_with(&mac));
            let line = line.unwrap_or_else(|| panic!("{mac} is nowhere: {learnt}"));
            assert!(line.contains(&format!("dev {director} ")), "{line}");
        }
    }

    /// What this host's own stack says comes back from the VIPs.
    fn assert_own_stack_answers(&self) {
        for vip in [IpAddr::from(VIP4), VIP6.into()] {
            let nobody = SocketAddr::from((vip, 9));
            let connect = || TcpStream::connect_timeout(&nobody, LIMIT);
            let outcome = self.stage.lab.client().enter(connect).expect("the namespace");
            let error = outcome.expect_err("nobody listens there");
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{vip}");
        }
    }

    /// What the client believes of the VIPs.
    fn neighbours(&self) -> [Option<String>; 2] {
        [IpAddr::from(VIP4), VIP6.into()].map(|vip| {
            let shown = ip(self.stage.lab.client(), &["neigh", "show", &vip.to_string()]);
            let mut words = shown.split_whitespace().skip_while(|word| *word != "lladdr");
            words.nth(1).map(str::to_owned)
        })
    }

    fn requests(&self) -> Requests {
        let plan = load::Plan {
            targets: vec![Target::new("web4", (VIP4, 80)), Target::new("web6", (VIP6, 80))],
            ..self.stage.plan()
        };
        Requests::start(self.stage.lab.client(), plan)
    }
}

/// Which of the interfaces are there, and whether they are on.
fn made(namespace: &Namespace) -> [Option<bool>; 2] {
    let shown = ip(namespace, &["-brief", "link", "show"]);
    MADE.map(|name| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{name}@")))?;
        Some(line.contains(",UP"))
    })
}

fn setting(namespace: &Namespace, key: &str) -> String {
    let path = format!("/proc/sys/net/ipv4/conf/{INTERFACE}/{key}");
    namespace.enter(|| fs::read_to_string(path)).expect("the namespace").expect("a setting")
}

fn warned(director: &Director) -> bool {
    director.log().contains("WARN lb_userspace")
}

#[test]
fn stays_when_the_vips_move() {
    let mut pair = up(QUICK);
    pair.assert_master(FIRST);
    let own = [FIRST, SECOND].map(|name| made(pair.namespace(name)));
    assert_eq!(own, [[Some(true); 2], [Some(false); 2]]);
    pair.assert_one_answers();
    pair.assert_behind(FIRST);
    pair.assert_own_stack_answers();
    pair.assert_served();
    let expected = [VIP4.into(), VIP6.into()].map(|vip| Some(text(virtual_mac(vip))));
    assert_eq!(pair.neighbours(), expected);
    for one in instances_of(&pair.stage.director) {
        let shown = one.virtual_mac.expect("a virtual MAC");
        assert!(MADE.contains(&shown.interface.as_str()), "{shown:?}");
        assert!(shown.mac.starts_with("00:00:5e:00:0") && one.problem.is_none(), "{shown:?}");
    }
    let shown = pair.stage.lb(&["vrrp"]);
    assert!(shown.contains("virtual MAC 00:00:5e:00:01:33 on vrrp.51"), "{shown}");

    // In good order: no request fails.
    let requests = pair.requests();
    requests.await_more(50);
    for name in ["v4", "v6"] {
        pair.stage.lb(&["vrrp", "release", name]);
    }
    pair.assert_master(SECOND);
    requests.await_more(50);
    requests.stop_whole();
    pair.assert_behind(SECOND);
    pair.assert_one_answers();
    pair.assert_own_stack_answers();
    assert_eq!(pair.neighbours(), expected);

    // Its link is cut.
    pair.connect(SECOND, "down");
    pair.until(FIRST, "master");
    pair.assert_served();
    pair.assert_behind(FIRST);
    assert_eq!(pair.neighbours(), expected);
    pair.connect(SECOND, "up");
    pair.assert_master(FIRST);
    pair.assert_one_answers();

    // Nothing is left of an agent that ends.
    let namespace = pair.namespace(FIRST).clone();
    assert_eq!(["arp_ignore", "arp_announce"].map(|key| setting(&namespace, key)), ["1\n", "2\n"]);
    pair.stage.director.terminate().expect("the agent ends");
    pair.until(SECOND, "master");
    pair.assert_behind(SECOND);
    pair.assert_served();
    assert_eq!(made(&namespace), [None; 2]);
    assert_eq!(["arp_ignore", "arp_announce"].map(|key| setting(&namespace, key)), ["0\n", "0\n"]);
    assert!(!warned(&pair.second), "{}", pair.second.log());
}

/// The kernel of a director whose agent is silent goes on by itself, and has the same MAC address as the master.
#[test]
fn a_stopped_agent() {
    let pair = up(QUICK);
    pair.assert_master(FIRST);
    let client = Voice::of(&pair.stage.lab, "client");
    // What leaves by the interfaces of the first one's virtual MAC addresses.
    let heard = || {
        [(MADE[0], IpAddr::from(VIP4)), (MADE[1], VIP6.into())].map(|(interface, vip)| {
            let voice = Voice::on(&pair.stage.lab, FIRST, interface);
            let own = pair.own(FIRST, vip);
            client.drain();
            voice.claim(vip);
            Voice::of(&pair.stage.lab, FIRST).claim(own);
            !client.gather(vip, &[own]).is_empty()
        })
    };
    assert_eq!(heard(), [true; 2]);
    pair.stage.director.signal(Signal::SIGSTOP).expect("it stops");
    pair.until(SECOND, "master");
    assert!(pair.has(FIRST) && pair.has(SECOND), "both have the VIPs");
    assert_eq!(made(pair.namespace(FIRST)), [Some(true); 2]);
    pair.assert_one_answers();
    assert_eq!(heard(), [false; 2]);
    pair.assert_behind(SECOND);
    pair.assert_served();

    pair.stage.director.signal(Signal::SIGCONT).expect("it goes on");
    pair.assert_master(SECOND);
    pair.assert_one_answers();
    pair.assert_behind(SECOND);
    assert_eq!(made(pair.namespace(FIRST)), [Some(false); 2]);
    assert!(dropped(&pair.stage.director, "fenced") >= 4);
    assert!(dropped(&pair.stage.director, "muted") >= 2);

    // It can take them again: what it has to say then is not stopped.
    for name in ["v4", "v6"] {
        pair.second.lb(&["vrrp", "release", name]).expect("it gives them away");
    }
    pair.assert_master(FIRST);
    pair.assert_one_answers();
    pair.assert_behind(FIRST);
    pair.assert_served();
}

/// The next agent goes on with what a killed one has left, or what one has left in place.
#[test]
fn outlives_its_agent() {
    let mut pair = up(SLOW);
    for name in ["v4", "v6"] {
        pair.stage.lb(&["vrrp", "take", name]);
    }
    pair.assert_master(FIRST);
    let namespace = pair.namespace(FIRST).clone();
    let indexes = || MADE.map(|name| ip(&namespace, &["-oneline", "link", "show", name]));
    let before = indexes();
    let requests = pair.requests();
    requests.await_more(50);
    pair.stage.director.kill9().expect("it dies");
    pair.stage.director.start_with(&["--keep"]).expect("another agent starts");
    pair.assert_master(FIRST);
    pair.stage.director.terminate().expect("it leaves things in place");
    pair.stage.director.start().expect("another agent starts");
    pair.assert_master(FIRST);
    pair.assert_one_answers();
    requests.await_more(50);
    requests.stop_whole();
    assert_eq!(indexes(), before);

    // One that is not to have them takes them away.
    pair.stage.director.kill9().expect("it dies");
    pair.stage.config.more.clear();
    pair.stage.director.write_config(&pair.stage.toml()).expect("lb.toml is written");
    pair.stage.director.start().expect("another agent starts");
    assert_eq!(made(&namespace), [None; 2]);
    assert_eq!(setting(&namespace, "arp_ignore"), "0\n");
}

/// A reload makes them and takes them away; somebody else's are not touched, and one that is gone is missed.
#[test]
fn comes_and_goes_with_the_configuration() {
    let pair = Pair::up(3, 150, 100, QUICK);
    pair.assert_master(FIRST);
    let namespace = pair.namespace(FIRST).clone();
    let without = pair.stage.toml();
    let director = &pair.stage.director;
    let write = |text: &str| director.write_config(text).expect("lb.toml is written");
    let with = without.replace("preempt = false\n", "preempt = false\nvirtual_mac = true\n");

    namespace.ip_batch("link add vrrp.51 type veth peer name other\n").expect("an interface");
    write(&with);
    let (_, words) = pair.stage.lb_fails(&["reload"]);
    assert!(words.contains("an interface vrrp.51 that `lb` has not made"), "{words}");
    assert_eq!(made(&namespace)[1], None, "all of it or nothing");
    assert!(!warned(director), "{}", director.log());
    namespace.ip_batch("link delete vrrp.51\n").expect("it goes");
    pair.stage.lb(&["reload"]);
    until(director, "it has them", |_| made(&namespace).iter().all(Option::is_some));

    namespace.ip_batch("link delete vrrp.51\n").expect("it goes");
    until(director, "its instance notices", |_| {
        let gone =
            |fault: &Option<String>| fault.as_deref().is_some_and(|why| why.contains("gone"));
        instances_of(director).iter().any(|one| gone(&one.fault))
    });
    pair.stage.lb(&["reload"]);
    until(director, "it is there again", |_| {
        made(&namespace)[0].is_some()
            && instances_of(director).iter().all(|one| one.fault.is_none())
    });
    write(&without);
    pair.stage.lb(&["reload"]);
    assert_eq!(made(&namespace), [None; 2]);
    assert_eq!(setting(&namespace, "arp_ignore"), "0\n");
}
