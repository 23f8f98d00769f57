//! A flood of SYNs and of junk ACKs from addresses nobody has: who was there stays, who comes gets in, and no
//! table grows but within its limit.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Command;
use std::time::Duration;

use aya::maps::{HashMap, Map, MapData};
use lb_tests::connections::{Connections, Plan};
use lb_tests::flood::{self, Sent};
use lb_tests::lab::{Families, Topology, VIP4};
use lb_tests::load::{self, Target};
use lb_userspace::api::Status;

use crate::consistency::assert_whole;
use crate::host::files;
use crate::requests::whole;
use crate::stage::{LIMIT, Stage, pool, service};

const PACKETS: u64 = 1_000_000;
/// As many as leave the real servers' receive queues room for others, and the machine some time for other tests.
const RATE: u32 = 100_000;
const TIME: Duration = Duration::from_secs(30);
const CONNECTIONS: usize = 400;
/// RFC 6598: nobody in the lab has an address of it.
const STRANGERS: (Ipv4Addr, u8) = (Ipv4Addr::new(100, 64, 0, 0), 10);
const REALS: [&str; 2] = ["real1", "real2"];
/// Frames that the client sends beside those for the VIP: ARP, now and then.
const NOT_FOR_LB: u64 = 100;
/// Entries: much less than the flood could fill.
const FLOWS: usize = 65_536;
const NEW_FLOWS: usize = 16_384;

/// Entries of the flow tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Tables {
    flows: usize,
    new_flows: usize,
}

impl Tables {
    fn count(stage: &Stage) -> Self {
        Self { flows: entries(stage, "FLOWS"), new_flows: entries(stage, "NEW_FLOWS") }
    }
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} flows, {} new flows", self.flows, self.new_flows)
    }
}

/// How many entries a pinned table has. (Nothing may be writing to it.)
fn entries(stage: &Stage, name: &str) -> usize {
    let pins = files(&stage.director.paths.pins);
    let pin = pins.iter().find(|path| path.ends_with(name)).expect("the table is pinned");
    let map = MapData::from_pin(pin).expect("the pin opens");
    let map = HashMap::<_, [u8; 40], [u8; 16]>::try_from(Map::LruHashMap(map));
    map.expect("flows and notes").keys().take(2 * FLOWS).count()
}

/// A lab whose real servers answer a flood with SYN cookies, which end at the client.
fn attacked() -> Stage {
    let topology = Topology::default().families(Families::Ipv4);
    let stage = Stage::up_with(topology, |config| {
        // It is no news that a SYN gets lost in a flood: there is time to repeat it.
        config.check =
            r#"{ type = "tcp", interval = "2s", timeout = "2s", rise = 1, fall = 3 }"#.into();
        config.more = format!("\n[limits]\nflows = {FLOWS}\nnew_flows = {NEW_FLOWS}\n");
    });
    let (network, prefix) = STRANGERS;
    let lab = &stage.lab;
    let gateway = lab.topology().client_gateway().ipv4.expect("the lab speaks IPv4");
    for real in REALS {
        let namespace = lab.namespace(real);
        namespace.sysctls(&[("net/ipv4/tcp_syncookies", "1")]).expect("a sysctl");
        let route = format!("route add {network}/{prefix} via {gateway}\n");
        namespace.ip_batch(&route).expect("a route");
    }
    let route = format!("route add blackhole {network}/{prefix}\n");
    lab.client().ip_batch(&route).expect("a route");
    stage
}

/// Frames on their way from the client to lb: each link's own counters.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Given to the client's interface.
    sent: u64,
    /// Of those, lost before they reached lb: a queue on the way was full.
    lost: u64,
}

impl Way {
    fn count(stage: &Stage) -> Self {
        let client = link(stage, "client", "eth0");
        let port = link(stage, "switch", "director1");
        let director = link(stage, "director1", "eth0");
        let lost = client.not_sent + port.not_sent + director.not_received;
        Self { sent: client.sent + client.not_sent, lost }
    }

    fn since(self, before: Self) -> Self {
        Self { sent: self.sent - before.sent, lost: self.lost - before.lost }
    }
}

/// What an interface counts.
struct Link {
    sent: u64,
    /// To a veth: what found the queue of its other end full.
    not_sent: u64,
    not_received: u64,
}

fn link(stage: &Stage, node: &str, name: &str) -> Link {
    let read = || std::fs::read_to_string("/proc/thread-self/net/dev");
    let text = stage.lab.namespace(node).enter(read).expect(node).expect("counters");
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, counters) = lines.find(|(of, _)| of.trim() == name).expect(name);
    // Received: bytes, packets, errors, dropped and four more; sent: the same.
    let counters = counters.split_whitespace().map(|number| number.parse().expect("a number"));
    let counters: Vec<u64> = counters.collect();
    Link { sent: counters[9], not_sent: counters[11], not_received: counters[3] }
}

/// Packets that lb has dropped.
fn dropped(status: &Status) -> u64 {
    status.reasons.iter().filter(|reason| reason.drops).map(|reason| reason.packets).sum()
}

/// SYN cookies that the real servers have sent.
fn cookies(stage: &Stage) -> u64 {
    let of = |real: &&str| -> u64 {
        let mut cat = Command::new("cat");
        let text = stage.lab.namespace(real).run(cat.arg("/proc/net/netstat")).expect("counters");
        let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
        let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
        let mut pairs = names.split(' ').zip(values.split(' '));
        let (_, sent) = pairs.find(|(name, _)| *name == "SyncookiesSent").expect("a counter");
        sent.parse().expect("a number")
    };
    REALS.iter().map(of).sum()
}

fn open(stage: &Stage) -> Connections {
    let targets = vec![(VIP4, 80).into()];
    let plan = Plan::new(CONNECTIONS, targets, stage.lab.topology().client_addresses());
    Connections::open(stage.lab.client(), &plan).expect("every connection opens and gets data")
}

/// Floods, with a steady client beside; says how it went. None of that client's requests fails.
fn flood(stage: &Stage, acks: u8, connections: &[&Connections]) -> Sent {
    let client = load::Plan {
        targets: vec![Target::new("web4", (VIP4, 80))],
        pause: Duration::from_millis(5),
        timeout: LIMIT,
        ..stage.plan()
    };
    let (before, cookies_before) = (stage.status(), cookies(stage));
    let client = load::start(stage.lab.client(), client).expect("the steady client");
    let plan = flood::Plan {
        target: SocketAddrV4::new(VIP4, 80),
        sources: STRANGERS,
        packets: PACKETS,
        acks,
        rate: RATE,
        limit: TIME,
        seed: 11,
    };
    let way = Way::count(stage);
    let sent = flood::run(stage.lab.client(), &plan).expect("the flood");
    let report = whole(client.stop().expect("the load ends"));
    for connections in connections {
        connections.await_data(LIMIT).expect("data on each connection");
    }
    // The links' counters lie within lb's in time: what they have seen, lb has seen.
    let way = Way::count(stage).since(way);
    let after = stage.status();
    let steered = service(&after, "web4").packets - service(&before, "web4").packets;
    let dropped = dropped(&after) - dropped(&before);
    println!(
        "{} SYNs and {} ACKs in {:.1?}: {:.0} a second; {} frames on the way to lb, {} lost there; {steered} \
         packets steered, {dropped} dropped, {} SYN cookies; steady client: {} requests, {} failed, all within \
         {:.1?}",
        sent.syns,
        sent.acks,
        sent.time,
        sent.rate(),
        way.sent,
        way.lost,
        cookies(stage) - cookies_before,
        report.requests(),
        report.failed(),
        report.latency().max(),
    );
    // A flood has been through lb, lb has lost nothing of it, and it has hurt the real servers.
    assert!(way.sent >= sent.syns + sent.acks, "{way:?} does not tell of all of {sent:?}");
    assert!(steered >= PACKETS / 2, "the machine is too slow to tell: {steered} of {sent:?}");
    assert!(steered + way.lost + NOT_FOR_LB >= way.sent, "{steered} packets steered: {way:?}");
    assert_eq!(dropped, 0, "{:?}", after.reasons);
    assert!(cookies(stage) > cookies_before, "no SYN cookies: not a flood");
    sent
}

#[test]
fn a_flood_in_the_steady_state_is_not_remembered() {
    let stage = attacked();
    let downloads = open(&stage);
    let before = Tables::count(&stage);
    flood(&stage, 10, &[&downloads]);
    assert_whole(&[&downloads], "after the flood");
    let after = Tables::count(&stage);
    println!("{CONNECTIONS} downloads, none broken; tables before: {before}; after: {after}");
    assert_eq!((before, after), (Tables { flows: 0, new_flows: 0 }, before));
}

#[test]
fn a_flood_inside_a_window_is_bounded_and_pushes_nobody_out() {
    let stage = attacked();
    let before = open(&stage);
    stage.lb(&["backend", "drain", "web4/real1"]);
    assert!(pool(&stage.status(), "web4").transition_seconds.is_some());
    let inside = open(&stage);
    let tables = Tables::count(&stage);
    assert!(tables.flows > CONNECTIONS / 4, "nobody to push out: {tables}");
    flood(&stage, 20, &[&before, &inside]);
    assert_whole(&[&before, &inside], "after the flood");
    let after = Tables::count(&stage);
    println!("{} downloads, none broken; tables before: {tables}; after: {after}", 2 * CONNECTIONS);
    assert!(after.flows <= FLOWS && after.new_flows <= NEW_FLOWS, "{after:?}");
    assert!(after.new_flows > NEW_FLOWS / 2, "the flood was not noted: {after:?}");
}
