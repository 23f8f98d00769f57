//! Advertisements that are well made and not from whom they should be: one, and thousands.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use lb_tests::lab::{Families, INTERFACE, PacketSocket, Topology, VIP4, VIP4_BUNDLE};
use lb_userspace::{
    api::VrrpStatus,
    cli::client::Client,
    vrrp::{
        packet::Endpoint,
        types::{
            Addresses, AdvertInterval, Authentication, ChecksumKind, Claim, Dialect, Family, Key,
            Priority, Secret, Version, VirtualRouterId,
        },
    },
};

use crate::{
    asking::{self, Mac},
    stage::{LIMIT, RETRY_PAUSE, Stage},
    vrrp::{FIRST, Pair, SECOND, instances_of},
};

const SIGNED: u8 = 51;
const UNICAST: u8 = 53;
const OURS: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 41);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 42);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 99);
const MAC: Mac = [2, 0, 0, 0, 0, 99];
const IPV4: u16 = 0x0800;
/// Of the priority, behind the IP header and the authentication header.
const SIGNED_PRIORITY: usize = 20 + 24 + 2;
/// Forged packets: so many at a time, which a socket has room for, and so often.
const AT_A_TIME: u64 = 100;
const TIMES: u64 = 25;
const LIES: u64 = 20;

/// Speaks for a virtual router.
struct Forger {
    endpoint: Endpoint,
    receiver: Mac,
}

impl Forger {
    fn new(id: u8, dialect: Dialect, source: Ipv4Addr, peers: &[Ipv4Addr], receiver: Mac) -> Self {
        let vip = if id == UNICAST { VIP4_BUNDLE } else { VIP4 };
        let addresses = Addresses::new(Family::V4, &[vip.into()]).expect("an address");
        let id = VirtualRouterId::new(id).expect("an id");
        let peers = peers.iter().copied().map(IpAddr::from).collect();
        let endpoint = Endpoint::new(id, dialect, source.into(), peers, addresses);
        Self { endpoint: endpoint.expect("an endpoint"), receiver }
    }

    fn packet(&self, claim: Claim) -> Vec<u8> {
        self.endpoint.emit(claim, 1).swap_remove(0).bytes
    }

    fn frame(&self, claim: Claim) -> Vec<u8> {
        let packet = self.endpoint.emit(claim, 1).swap_remove(0);
        let unicast = || self.framed(&packet.bytes);
        packet.frame(MAC, self.endpoint.source()).unwrap_or_else(unicast)
    }

    /// To the director alone.
    fn framed(&self, packet: &[u8]) -> Vec<u8> {
        [&self.receiver[..], &MAC, &IPV4.to_be_bytes(), packet].concat()
    }
}

fn version_2(authentication: Authentication) -> Dialect {
    match AdvertInterval::new(Version::V2, Duration::from_secs(1)) {
        Ok(AdvertInterval::V2(interval)) => Dialect::V2 { interval, authentication },
        other => panic!("{other:?}"),
    }
}

fn version_3(interval: Duration) -> Dialect {
    match AdvertInterval::new(Version::V3, interval) {
        Ok(AdvertInterval::V3(interval)) => {
            Dialect::V3 { interval, checksum: ChecksumKind::PseudoHeader }
        }
        other => panic!("{other:?}"),
    }
}

fn secret(password: &str) -> Secret {
    Secret::new(password).expect("a password")
}

fn signed(password: &str) -> Dialect {
    version_2(Authentication::Ah(Key::new(secret(password))))
}

fn highest() -> Claim {
    Claim::Master(Priority::HIGHEST)
}

fn counted(one: &VrrpStatus, reason: &str) -> u64 {
    let found = one.rejected.iter().find(|reject| reject.reason == reason);
    found.map_or(0, |reject| reject.packets)
}

/// A director that is master of both.
fn master() -> Stage {
    let topology = Topology::default().directors(2).families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |_| {});
    let instance = |name: &str, id: u8, more: String| {
        format!(
            "\n[[vrrp]]\nname = \"{name}\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = {id}\n{more}\n"
        )
    };
    let ah = "version = 2\nauthentication = \"ah\"\npassword = \"s3cret\"";
    stage.config.more = instance("signed", SIGNED, format!("{ah}\naddresses = [\"{VIP4}\"]"))
        + &instance(
            "unicast",
            UNICAST,
            format!("unicast_peers = [\"{PEER}\"]\naddresses = [\"{VIP4_BUNDLE}\"]"),
        );
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    stage
}

fn wait(stage: &Stage, what: &str, name: &str, so: impl Fn(&VrrpStatus) -> bool) -> VrrpStatus {
    let client = Client::new(stage.director.paths.socket.clone());
    let begin = Instant::now();
    loop {
        let all: Vec<VrrpStatus> = client.get("/v1/vrrp").expect("the agent answers");
        let one = all.into_iter().find(|one| one.name.as_str() == name).expect("the instance");
        if so(&one) {
            return one;
        }
        assert!(begin.elapsed() < LIMIT, "{name}: {what}: {one:#?}");
        std::thread::sleep(RETRY_PAUSE);
    }
}

#[test]
fn impostors_are_counted_and_change_nothing() {
    let stage = master();
    let receiver = asking::mac(stage.lab.namespace("director1"));
    let forger =
        |id, dialect, source, peers: &[Ipv4Addr]| Forger::new(id, dialect, source, peers, receiver);
    let second = Duration::from_secs(1);
    let friend = forger(SIGNED, signed("s3cret"), STRANGER, &[]);
    let thief = forger(SIGNED, signed("guessed"), STRANGER, &[]);
    let unsigned = forger(SIGNED, version_2(Authentication::None), STRANGER, &[]);
    let pass = version_2(Authentication::Pass(secret("s3cret")));
    let pass = forger(SIGNED, pass, STRANGER, &[]);
    let peer = forger(UNICAST, version_3(second), PEER, &[OURS]);
    let stranger = forger(UNICAST, version_3(second), STRANGER, &[OURS]);
    let to_all = forger(UNICAST, version_3(second), PEER, &[]);
    // What the friend has said of itself, with another priority in it.
    let mut changed = friend.packet(Claim::Master(Priority::DEFAULT));
    changed[SIGNED_PRIORITY] = Priority::HIGHEST.get();

    let forged = [
        ("signed", "authentication_data", thief.frame(highest())),
        ("signed", "authentication_data", thief.frame(Claim::Leaving)),
        ("signed", "authentication_type", unsigned.frame(highest())),
        ("signed", "authentication_type", unsigned.frame(Claim::Leaving)),
        ("signed", "authentication_type", pass.frame(highest())),
        ("unicast", "peer", stranger.frame(highest())),
        ("unicast", "peer", stranger.frame(Claim::Leaving)),
        ("unicast", "destination", to_all.frame(highest())),
        ("signed", "destination", friend.framed(&changed_destination(&friend))),
    ];
    let begun = ["signed", "unicast"]
        .map(|name| wait(&stage, "it is master", name, |one| one.state == "master"));
    let socket = PacketSocket::open(stage.lab.namespace("director2"), IPV4).expect("a socket");
    for (number, (name, reason, frame)) in forged.iter().enumerate() {
        let before = wait(&stage, "it is there", name, |_| true);
        socket.send(frame).expect("it is sent");
        let what = format!("forgery {number} is counted as {reason}");
        wait(&stage, &what, name, |one| counted(one, reason) == counted(&before, reason) + 1);
    }
    // By multicast, as it was sent.
    let mut multicast = friend.frame(Claim::Master(Priority::DEFAULT));
    let start = multicast.len() - changed.len();
    multicast[start..].copy_from_slice(&changed);
    let before = wait(&stage, "it is there", "signed", |_| true);
    socket.send(&multicast).expect("it is sent");
    let data = "authentication_data";
    wait(&stage, "it was changed", "signed", |one| {
        counted(one, data) == counted(&before, data) + 1
    });

    // All of them, on and on.
    for _ in 0..TIMES {
        let before = ["signed", "unicast"].map(|name| wait(&stage, "", name, |_| true));
        for number in 0..AT_A_TIME {
            let frame = if number % 2 == 0 { &forged[0].2 } else { &forged[5].2 };
            socket.send(frame).expect("it is sent");
        }
        for (one, reason) in before.iter().zip(["authentication_data", "peer"]) {
            let all = counted(one, reason) + AT_A_TIME / 2;
            wait(&stage, "each is counted", one.name.as_str(), |now| counted(now, reason) == all);
        }
    }
    for before in begun {
        let name = before.name.as_str();
        let advertises = |now: &VrrpStatus| now.sent > before.sent + 1;
        let after = wait(&stage, "it goes on", name, advertises);
        assert_eq!((after.state.as_str(), after.heard), ("master", 0), "{after:#?}");
        assert_eq!(after.transitions.len(), before.transitions.len(), "{after:#?}");
    }
    // There was nothing wrong with them but who sent them.
    for (name, real) in [("signed", friend), ("unicast", peer)] {
        socket.send(&real.frame(highest())).expect("it is sent");
        wait(&stage, "it takes the right one", name, |one| one.heard == 1 && one.state == "backup");
    }
}

/// To this host alone, where the group is listened to.
fn changed_destination(friend: &Forger) -> Vec<u8> {
    let (id, dialect) = (SIGNED, signed("s3cret"));
    Forger::new(id, dialect, STRANGER, &[OURS], friend.receiver).packet(highest())
}

/// Without authentication, anybody on the segment can say that the master leaves (RFC 9568, sections 6.4 and 9). The
/// master contradicts at once, and a backup hears that before its skew time (0.6 s here) is over.
#[test]
fn the_master_contradicts_who_says_that_it_leaves() {
    let pair = Pair::up(3, 150, 100, "");
    pair.assert_master(FIRST);
    let of = |director: &str| {
        let all = instances_of(pair.director(director));
        all.into_iter().find(|one| one.name.as_str() == "v4").expect("the instance")
    };
    let receiver = asking::mac(pair.stage.lab.namespace(FIRST));
    let liar = Forger::new(SIGNED, version_3(Duration::from_secs(1)), STRANGER, &[], receiver);
    let socket = PacketSocket::open(pair.stage.lab.namespace("real1"), IPV4).expect("a socket");
    let begun = [FIRST, SECOND].map(of);
    for number in 1..=LIES {
        socket.send(&liar.frame(Claim::Leaving)).expect("it is sent");
        let begin = Instant::now();
        // The backup hears both of them.
        while of(FIRST).heard < begun[0].heard + number
            || of(SECOND).heard < begun[1].heard + 2 * number
        {
            assert!(begin.elapsed() < LIMIT, "{:#?} {:#?}", of(FIRST), of(SECOND));
            std::thread::sleep(RETRY_PAUSE);
        }
    }
    pair.assert_master(FIRST);
    for (before, after) in begun.iter().zip([FIRST, SECOND].map(of)) {
        assert_eq!(after.transitions.len(), before.transitions.len(), "{after:#?}");
    }
    assert!(of(FIRST).sent >= begun[0].sent + LIES);
    pair.assert_served();
}
