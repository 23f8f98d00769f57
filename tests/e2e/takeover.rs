//! A second director takes the VIPs over. The directors tell each other nothing: they choose alike.
//!
//! There is no VRRP yet. The test moves the client's next hop to the VIPs, and takes the first director off
//! the network.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use lb_tests::connections::{Connections, Record};
use lb_tests::lab::{Director, INTERFACE, Topology};
use lb_userspace::api::{Status, Trace};
use lb_userspace::cli::client::Client;
use serde_json::Value;

use crate::consistency::{assert_whole, by_server, open};
use crate::stage::{LIMIT, Stage, has_been_checked, pool, service, status, until};

const CONNECTIONS: usize = 2_100;
/// Opened in the middle of the window.
const INSIDE: usize = 600;
const FIRST: &str = "director1";
const SECOND: &str = "director2";
const REALS: u8 = 3;
const SERVICES: [&str; 3] = ["web4", "web6", "bundle"];
/// The shortest there is: one that a late answer to a check has opened has to end.
const SHORT_WINDOW: &str = "window = \"10s\"\n";

/// Two directors with the same pools, services and seed. Dropped in this order.
struct Pair {
    second: Director,
    stage: Stage,
}

impl Pair {
    fn up(pool: &str) -> Self {
        let topology = Topology::default().directors(2).reals(REALS);
        let mut stage = Stage::prepared(topology, |config| {
            config.pool = pool.to_owned();
        });
        let seed = stage.director.paths.state.join("seed");
        stage.config.node = format!("manage_addresses = false\nseed_file = {seed:?}\n");
        stage.director.write_config(&stage.toml()).expect("lb.toml is written");
        stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
        let second = Director::new(&stage.lab, SECOND).expect("a second director");
        let mut pair = Self { second, stage };
        pair.stage.director.start().expect("the first agent starts");
        pair.second.start().expect("the second agent starts");
        pair.lead_to(FIRST);
        pair
    }

    /// Waits until both directors' status is so.
    fn until(&self, what: &str, so: impl Fn(&Status) -> bool) {
        self.stage.until(what, &so);
        until(&self.second, what, so);
    }

    /// Every real server has its share, and the window in which they came has closed.
    fn until_steady(&self) {
        self.until("the steady state", |status| {
            status.pools.iter().all(|pool| {
                let share = 1.0 / f64::from(REALS);
                pool.transition_seconds.is_none()
                    && pool.servers.iter().all(|server| {
                        (server.share - share).abs() < 0.01 && has_been_checked(server)
                    })
            })
        });
    }

    /// The client's packets to the VIPs go to this director from now on.
    fn lead_to(&self, director: &str) {
        let mac = mac(&self.stage, director);
        let vips = self.stage.lab.topology().vips();
        let lines = vips.map(|vip| {
            format!("neighbour replace {vip} lladdr {mac} dev {INTERFACE} nud permanent\n")
        });
        self.stage.lab.client().ip_batch(&lines.collect::<String>()).expect("the next hop moves");
    }

    /// On the network, or off it.
    fn connect(&self, director: &str, state: &str) {
        let script = format!("link set {director} {state}\n");
        self.stage.lab.namespace("switch").ip_batch(&script).expect("the switch's port");
    }

    /// `lb ARGS` at both.
    fn both(&self, args: &[&str]) {
        self.stage.lb(args);
        self.second.lb(args).unwrap_or_else(|error| panic!("lb {}: {error:#}", args.join(" ")));
    }

    /// The first director is gone, the second one in its place.
    fn take_over(&mut self) {
        self.connect(FIRST, "down");
        self.stage.director.kill9().expect("the first agent is killed");
        self.lead_to(SECOND);
    }
}

fn packets(status: &Status) -> u64 {
    SERVICES.iter().map(|name| service(status, name).packets).sum()
}

fn mac(stage: &Stage, node: &str) -> String {
    let mut ip = Command::new("ip");
    let text = stage.lab.namespace(node).run(ip.args(["-j", "link", "show", "dev", INTERFACE]));
    let links: Value = serde_json::from_str(&text.expect("ip answers")).expect("JSON");
    links[0]["address"].as_str().expect("a MAC address").to_owned()
}

/// Where a director would send the next packet of a connection: the real server's address, and whether its
/// slot has been moved.
fn would_go(client: &Client, record: &Record) -> (Option<IpAddr>, bool) {
    let Record { client: from, target, .. } = record;
    let path = format!("/v1/trace?protocol=tcp&client={from}&vip={target}");
    let trace: Trace = client.get(&path).expect("a trace");
    let moved = trace.steps.iter().any(|step| step.contains("in transition"));
    (trace.real_address, moved)
}

#[test]
fn in_the_steady_state_every_connection_survives() {
    let mut pair = Pair::up(SHORT_WINDOW);
    pair.until_steady();
    let connections = open(&pair.stage, CONNECTIONS);
    assert_eq!(by_server(&connections.records()).len(), usize::from(REALS));
    assert_eq!(packets(&status(&pair.second)), 0);

    pair.take_over();
    assert_whole(&[&connections], "the second director has taken over");
    assert_whole(&[&connections], "it goes on");
    let second = packets(&status(&pair.second));
    assert!(second > CONNECTIONS as u64, "{second} packets at the second director");

    // The first one comes back, with what it has in its maps and nothing else.
    pair.connect(FIRST, "up");
    pair.stage.director.start().expect("the first agent starts again");
    pair.until_steady();
    let first = packets(&pair.stage.status());
    pair.lead_to(FIRST);
    assert_whole(&[&connections], "the first director has come back");
    assert!(packets(&pair.stage.status()) > first);

    let records = connections.stop().expect("they are closed");
    let bytes: u64 = records.iter().map(|record| record.bytes).sum();
    let broken = records.iter().filter(|record| record.broken.is_some()).count();
    println!("{} connections, {bytes} bytes, 2 takeovers: {broken} broken", records.len());
    assert_eq!(broken, 0);
}

#[test]
fn inside_a_window_all_survive_but_those_that_began_on_moved_slots() {
    let mut pair = Pair::up("");
    pair.until_steady();
    let before = open(&pair.stage, CONNECTIONS);
    for path in ["web4/real1", "web6/real1"] {
        pair.both(&["backend", "drain", path]);
    }
    pair.until("the window is open", |status| {
        ["web4", "web6"].iter().all(|name| pool(status, name).transition_seconds.is_some())
    });
    let inside = open(&pair.stage, INSIDE);
    assert!(!by_server(&inside.records()).contains_key("real1"));
    assert_whole(&[&before, &inside], "real1 is drained");

    // What the second director knows of them, it knows by the hash alone.
    let second = Client::new(pair.second.paths.socket.clone());
    let expected = |connections: &Connections| {
        let lost = connections.records().into_iter().filter(|record| {
            let (real, moved) = would_go(&second, record);
            let server = pair.stage.lab.topology().find(&record.server).expect("a real server");
            let stays = server.addresses().any(|address| Some(address) == real);
            assert!(stays || moved, "{record:?}: its slot has not moved, but goes to {real:?}");
            !stays
        });
        lost.map(|record| record.client).collect::<BTreeSet<_>>()
    };
    assert_eq!(expected(&before), BTreeSet::new(), "older than the window");
    let expected = expected(&inside);
    // A third of the ring was real1's.
    let third = INSIDE / usize::from(REALS);
    assert!((third / 2..third * 2).contains(&expected.len()), "{} to break", expected.len());

    pair.take_over();
    assert_whole(&[&before], "the second director has taken over");
    inside.await_data(LIMIT).expect("data for those that are left");
    inside.await_data(LIMIT).expect("data for those that are left");
    let lost: BTreeSet<SocketAddr> =
        inside.broken().into_iter().map(|record| record.client).collect();
    println!(
        "{CONNECTIONS} connections from before the window: {} broken; {INSIDE} from inside it: {} on moved \
         slots, {} broken",
        before.broken().len(),
        expected.len(),
        lost.len()
    );
    assert_eq!(lost, expected);
    assert_whole(&[&before], "the second director goes on");
}
