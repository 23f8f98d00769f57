//! Which service a packet belongs to, and that its packets reach one real server.

use std::collections::BTreeMap;

use lb_common::abi::Reason;

use crate::{
    director::{
        Director,
        Outcome::{self, Passed},
    },
    family::{BUNDLE, FAMILIES, Family, HOST, SINGLE, SSH, WILDCARD},
    frames::{ACK, L4, SYN, frame},
};

/// What a frame is, where it goes, and the service that takes it.
struct Case {
    what: &'static str,
    to: (u16, u16),
    l4: L4,
    takes: Result<&'static str, Reason>,
}

const fn case(
    what: &'static str,
    to: (u16, u16),
    l4: L4,
    takes: Result<&'static str, Reason>,
) -> Case {
    Case { what, to, l4, takes }
}

const NOBODY: Result<&str, Reason> = Err(Reason::NoService);

const CASES: &[Case] = &[
    case("TCP to a service: SYN", (SINGLE, 80), SYN, Ok("web")),
    case("TCP to a service: ACK", (SINGLE, 80), ACK, Ok("web")),
    case("TCP to a service: SYN and ACK", (SINGLE, 80), L4::Tcp(0x12), Ok("web")),
    case("TCP to a service: FIN and ACK", (SINGLE, 80), L4::Tcp(0x11), Ok("web")),
    case("TCP to a service: RST", (SINGLE, 80), L4::Tcp(0x04), Ok("web")),
    case("TCP to a service: no flags", (SINGLE, 80), L4::Tcp(0), Ok("web")),
    case("UDP to a service", (SINGLE, 53), L4::Udp, Ok("dns")),
    case("UDP to a TCP service's port", (SINGLE, 80), L4::Udp, NOBODY),
    case("TCP to a UDP service's port", (SINGLE, 53), SYN, NOBODY),
    case("a VIP, another port", (SINGLE, 22), SYN, NOBODY),
    case("a VIP, port 0", (SINGLE, 0), SYN, NOBODY),
    case("a bundle: first port", (BUNDLE, 80), SYN, Ok("bundle")),
    case("a bundle: second port", (BUNDLE, 443), SYN, Ok("bundle")),
    case("a bundle: UDP", (BUNDLE, 443), L4::Udp, Ok("bundle")),
    case("a bundle: another port", (BUNDLE, 8080), SYN, NOBODY),
    case("every port: lowest", (WILDCARD, 1), SYN, Ok("any")),
    case("every port: highest", (WILDCARD, 65_535), ACK, Ok("any")),
    case("every port: port 0", (WILDCARD, 0), ACK, Ok("any")),
    case("every port of TCP is none of UDP", (WILDCARD, 80), L4::Udp, NOBODY),
    case("a port of its own beats every port", (WILDCARD, 22), SYN, Ok("ssh")),
    case("the host itself", (HOST, 80), SYN, NOBODY),
    case("the host itself, UDP", (HOST, 53), L4::Udp, NOBODY),
];

#[test]
fn the_service_is_the_ports() {
    let mut director = Director::new();
    for family in FAMILIES {
        for case in CASES {
            let to = (family.vip(case.to.0), case.to.1);
            let outcome = director.send(&frame(family.client(1), to, case.l4));
            match (case.takes, outcome) {
                (Ok(service), Outcome::To(taken, _)) => {
                    assert_eq!(taken, family.name(service), "IPv{family}, {}", case.what);
                }
                (Err(reason), outcome) => {
                    assert_eq!(outcome, Passed(reason), "IPv{family}, {}", case.what);
                }
                (Ok(_), other) => panic!("IPv{family}, {}: {other:?}", case.what),
            }
        }
    }
}

#[test]
fn a_service_of_one_real_server_reaches_it() {
    let mut director = Director::new();
    for family in FAMILIES {
        for client in 0..20 {
            let frame = frame(family.client(client), (family.vip(WILDCARD), 22), SYN);
            let to = Outcome::To(family.name("ssh"), family.real(SSH));
            assert_eq!(director.send(&frame), to);
        }
    }
}

#[test]
fn a_client_of_a_bundle_has_one_real_server() {
    let mut director = Director::new();
    for family in FAMILIES {
        for client in 0..50 {
            let (address, port) = family.client(client);
            let mut send = |port, vip_port, l4| {
                director.real(&frame((address, port), (family.vip(BUNDLE), vip_port), l4))
            };
            let first = send(port, 80, SYN);
            for (port, vip_port, l4) in
                [(port, 443, SYN), (port + 1, 80, SYN), (port + 2, 443, L4::Udp), (port, 80, ACK)]
            {
                assert_eq!(send(port, vip_port, l4), first, "IPv{family}, client {client}");
            }
        }
    }
}

#[test]
fn packets_of_a_connection_have_one_real_server() {
    let mut director = Director::new();
    for family in FAMILIES {
        for client in 0..50 {
            let mut send =
                |l4| director.real(&frame(family.client(client), (family.vip(SINGLE), 80), l4));
            let first = send(SYN);
            for flags in [0x10, 0x18, 0x11, 0x04] {
                assert_eq!(send(L4::Tcp(flags)), first, "IPv{family}, client {client}");
            }
        }
    }
}

/// How often each real server was chosen.
fn shares(
    director: &mut Director,
    frames: impl Iterator<Item = Vec<u8>>,
) -> BTreeMap<[u8; 6], u32> {
    let mut shares = BTreeMap::new();
    for frame in frames {
        *shares.entry(director.glance(&frame).expect("forwarded")).or_default() += 1;
    }
    shares
}

#[test]
fn clients_spread() {
    let mut director = Director::new();
    let even = |shares: BTreeMap<_, u32>, what: &str| {
        assert_eq!(shares.len(), 3, "{what}");
        // 3,000 draws of one in three: 1,000 with a standard deviation of 26.
        assert!(shares.values().all(|share| share.abs_diff(1_000) < 130), "{what}: {shares:?}");
    };
    for family in FAMILIES {
        let vip = |last: u16, port| (family.vip(last), port);
        let clients = |to, l4| (0..3_000).map(move |n| frame(family.client(n), to, l4));
        even(shares(&mut director, clients(vip(SINGLE, 80), SYN)), "clients");
        even(shares(&mut director, clients(vip(SINGLE, 53), L4::Udp)), "clients, UDP");
        even(shares(&mut director, clients(vip(BUNDLE, 80), SYN)), "clients of a bundle");
        let one = (family.client(1).0, 0);
        let ports = (0..3_000).map(|port| frame((one.0, 1_024 + port), vip(SINGLE, 80), SYN));
        even(shares(&mut director, ports), "ports of one client");
    }
}

#[test]
fn what_is_not_ip_passes() {
    let mut director = Director::new();
    // Who has 10.8.8.64? (RFC 826)
    let mut arp = frame(Family::V4.client(1), (Family::V4.vip(SINGLE), 80), SYN)[..14].to_vec();
    arp[..6].fill(0xff);
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    arp.extend([0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 198, 18, 0, 1, 0, 0, 0, 0, 0, 0]);
    arp.extend([10, 8, 8, 64]);
    assert_eq!(director.send(&arp), Passed(Reason::NotIp), "ARP");
    for (what, kind) in [("LLDP", 0x88cc_u16), ("802.3 length", 38), ("PPPoE", 0x8864)] {
        let mut frame = frame(Family::V4.client(1), (Family::V4.vip(SINGLE), 80), SYN);
        frame[12..14].copy_from_slice(&kind.to_be_bytes());
        assert_eq!(director.send(&frame), Passed(Reason::NotIp), "{what}");
    }
}
