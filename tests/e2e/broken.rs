//! Advertisements that are wrong in one way each: dropped, counted by reason, and they change nothing.
//!
//! They claim the highest priority but the owner's: a master that took one would give up its VIPs.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use lb_tests::lab::{Families, INTERFACE, PacketSocket, Topology, VIP4, VIP4_BUNDLE, VIP6};
use lb_userspace::{api::VrrpStatus, cli::client::Client};

use crate::stage::{LIMIT, RETRY_PAUSE, Stage};

const VERSION_2: u8 = 51;
const VERSION_3: u8 = 52;
const STRANGER: u8 = 99;
const CLAIM: u8 = 254;
const PASSWORD: &[u8; 8] = b"s3cret\0\0";
const SENDER: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 42);
const SENDER6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x42);
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const GROUP6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 42];
const PROTOCOL: u8 = 112;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// An advertisement with every field open to mistakes; as it is made, it is right.
#[derive(Clone)]
struct Advertisement {
    version: u8,
    kind: u8,
    virtual_router: u8,
    count: u8,
    /// Authentication type and seconds, or centiseconds.
    timing: [u8; 2],
    addresses: Vec<u8>,
    trailer: Vec<u8>,
    hops: u8,
    /// Added to the right checksum.
    checksum_error: u16,
    ipv6: bool,
}

impl Advertisement {
    fn version_2() -> Self {
        Self {
            version: 2,
            kind: 1,
            virtual_router: VERSION_2,
            count: 1,
            timing: [1, 1],
            addresses: VIP4.octets().to_vec(),
            trailer: PASSWORD.to_vec(),
            hops: 255,
            checksum_error: 0,
            ipv6: false,
        }
    }

    fn version_3() -> Self {
        Self {
            version: 3,
            virtual_router: VERSION_3,
            timing: [0, 100],
            addresses: VIP4_BUNDLE.octets().to_vec(),
            trailer: Vec::new(),
            ..Self::version_2()
        }
    }

    fn ipv6() -> Self {
        let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x51);
        let addresses = [link_local.octets(), VIP6.octets()].concat();
        Self { count: 2, addresses, ipv6: true, ..Self::version_3() }
    }

    fn frame(&self) -> Vec<u8> {
        let message = self.message();
        let length = u16::try_from(message.len()).expect("a short message");
        if self.ipv6 {
            let ethernet = [&[0x33, 0x33, 0, 0, 0, 0x12], &MAC[..], &IPV6.to_be_bytes()].concat();
            let header = [&[0x60, 0, 0, 0], &length.to_be_bytes()[..], &[PROTOCOL, self.hops]];
            let addresses = [SENDER6.octets(), GROUP6.octets()].concat();
            return [ethernet, header.concat(), addresses, message].concat();
        }
        let ethernet = [&[1, 0, 0x5e, 0, 0, 18], &MAC[..], &IPV4.to_be_bytes()].concat();
        let mut header = vec![0x45, 0xc0];
        header.extend((20 + length).to_be_bytes());
        header.extend([0, 0, 0, 0, self.hops, PROTOCOL, 0, 0]);
        header.extend([SENDER.octets(), GROUP.octets()].concat());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        [ethernet, header, message].concat()
    }

    fn message(&self) -> Vec<u8> {
        let first = (self.version << 4) | self.kind;
        let mut message = vec![first, self.virtual_router, CLAIM, self.count];
        message.extend(self.timing);
        message.extend([0, 0]);
        message.extend(&self.addresses);
        message.extend(&self.trailer);
        let pseudo = match (self.ipv6, self.version) {
            (true, _) => self.pseudo(&[SENDER6.octets(), GROUP6.octets()].concat(), &message),
            (false, 3) => self.pseudo(&[SENDER.octets(), GROUP.octets()].concat(), &message),
            // Of the message with its password.
            (false, _) => Vec::new(),
        };
        let sum = checksum(&[pseudo, message.clone()].concat()).wrapping_add(self.checksum_error);
        message[6..8].copy_from_slice(&sum.to_be_bytes());
        message
    }

    fn pseudo(&self, addresses: &[u8], message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(message.len()).expect("a short message").to_be_bytes();
        let rest = if self.ipv6 {
            vec![0, 0, length[0], length[1], 0, 0, 0, PROTOCOL]
        } else {
            vec![0, PROTOCOL, length[0], length[1]]
        };
        [addresses, &rest].concat()
    }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
    });
    let sum = words.sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).expect("two folds are enough")
}

/// What is changed, and the reason that is to be counted.
type Mistake = (&'static str, fn(&mut Advertisement));

const IN_EACH: &[Mistake] = &[
    ("version", |it| it.version = 4),
    ("version", |it| it.version ^= 1),
    ("type", |it| it.kind = 2),
    ("hops", |it| it.hops = 254),
    ("length", |it| it.trailer.push(0)),
    ("length", |it| it.trailer.extend([0; 4])),
    ("length", |it| it.count += 1),
    ("length", |it| drop((it.addresses.drain(..), it.trailer.drain(..)))),
    ("no_address", |it| (it.count, it.addresses) = (0, Vec::new())),
    ("checksum", |it| it.checksum_error = 1),
    ("virtual_router", |it| it.virtual_router = STRANGER),
    ("virtual_router", |it| it.virtual_router = 0),
];
const IN_VERSION_2: &[Mistake] = &[
    ("authentication_data", |it| it.trailer[0] ^= 1),
    ("authentication_type", |it| it.timing[0] = 0),
    ("interval", |it| it.timing[1] = 2),
    ("interval", |it| it.timing[1] = 0),
];
const IN_VERSION_3: &[Mistake] = &[("interval", |it| it.timing = [0, 0])];

fn instance(name: &str, id: u8, more: &str) -> String {
    format!(
        "\n[[vrrp]]\nname = \"{name}\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = {id}\n\
         priority = 100\n{more}\n"
    )
}

fn counted(one: &VrrpStatus, reason: &str) -> u64 {
    let found = one.rejected.iter().find(|reject| reject.reason == reason);
    found.map_or(0, |reject| reject.packets)
}

#[test]
fn wrong_advertisements_are_counted_and_change_nothing() {
    let topology = Topology::default().directors(2).families(Families::Both);
    let mut stage = Stage::prepared(topology, |_| {});
    let pass = format!(
        "version = 2\nauthentication = \"pass\"\npassword = \"s3cret\"\naddresses = [\"{VIP4}\"]"
    );
    stage.config.more = instance("second", VERSION_2, &pass)
        + &instance("third", VERSION_3, &format!("addresses = [\"{VIP4_BUNDLE}\"]"))
        + &instance("sixth", VERSION_3, &format!("addresses = [\"fe80::51/64\", \"{VIP6}\"]"));
    stage.director.write_config(&stage.toml()).expect("lb.toml is written");
    stage.director.start().expect("the agent starts");
    let client = Client::new(stage.director.paths.socket.clone());
    let now = |name: &str| -> VrrpStatus {
        let all: Vec<VrrpStatus> = client.get("/v1/vrrp").expect("the agent answers");
        all.into_iter().find(|one| one.name.as_str() == name).expect("the instance")
    };
    let wait = |what: &str, name: &str, so: &dyn Fn(&VrrpStatus) -> bool| {
        let begin = Instant::now();
        while !so(&now(name)) {
            assert!(begin.elapsed() < LIMIT, "{name}: {what}: {:#?}", now(name));
            std::thread::sleep(RETRY_PAUSE);
        }
    };
    let of = |name| match name {
        "second" => (Advertisement::version_2(), IN_VERSION_2),
        "third" => (Advertisement::version_3(), IN_VERSION_3),
        _ => (Advertisement::ipv6(), IN_VERSION_3),
    };
    let names = ["second", "third", "sixth"];
    names.iter().for_each(|name| wait("it is master", name, &|one| one.state == "master"));
    let other = stage.lab.namespace("director2");
    let socket = PacketSocket::open(other, IPV4).expect("a packet socket");
    for name in names {
        let (right, more) = of(name);
        for (number, (reason, mistake)) in IN_EACH.iter().chain(more).enumerate() {
            let mut wrong = right.clone();
            mistake(&mut wrong);
            let before = now(name);
            socket.send(&wrong.frame()).expect("it is sent");
            let what = format!("mistake {number} is counted as {reason}");
            wait(&what, name, &|one| counted(one, reason) == counted(&before, reason) + 1);
            let after = now(name);
            assert_eq!(after.transitions.len(), before.transitions.len(), "{name}, {number}");
            assert_eq!((after.state.as_str(), after.heard), ("master", 0), "{name}, {number}");
        }
    }
    // Each was wrong in nothing but its mistake.
    for name in names {
        socket.send(&of(name).0.frame()).expect("it is sent");
        wait("it takes the right one", name, &|one| one.heard == 1 && one.state == "backup");
    }
}
