//! Checks through a VIP, byte by byte: the tc programs translate what is theirs, and nothing else.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4Header, Ipv6Header, UdpHeader};
use lb_common::abi::Way;
use lb_userspace::agent::dataplane::{Outer, Passage};

use crate::{
    craft::{DOT1Q, tagged, with_options},
    director::Director,
    family::{FAMILIES, Family, HOST, SINGLE},
    frames::{ACK, L4, SYN, build},
};

/// `TC_ACT_UNSPEC`.
const NEXT: i32 = -1;
const PORT: u16 = 80;
const OWN_PORT: u16 = 40_000;

fn passage(family: Family, l4: L4) -> Passage {
    Passage {
        protocol: if matches!(l4, L4::Udp) { 17 } else { 6 },
        own: (family.vip(HOST), OWN_PORT).into(),
        real: (family.real(1), PORT).into(),
        vip: family.vip(SINGLE),
        client: family.vip(HOST),
        tunnel: None,
    }
}

/// What a check sends to `to`, and what comes back from there.
fn both(passage: &Passage, to: IpAddr, l4: L4) -> [Vec<u8>; 2] {
    let (own, other) = ((passage.own.ip(), passage.own.port()), (to, passage.real.port()));
    // Odd: the last byte has no partner in the checksum.
    let payload = b"hello";
    [build(own, other, l4, 64, payload), build(other, own, l4, 64, payload)]
}

/// Out of each program comes what it got.
fn unchanged(director: &mut Director, frames: &[Vec<u8>; 2], what: &str) {
    for (way, frame) in [Way::Out, Way::In].into_iter().zip(frames) {
        let run = director.plane.data.test_run_check(way, frame).expect("it runs");
        assert_eq!(run, (NEXT, frame.clone()), "{what}, {way:?}");
    }
}

#[test]
fn there_and_back() {
    let mut director = Director::new();
    for family in FAMILIES {
        for l4 in [SYN, ACK, L4::Udp] {
            let passage = passage(family, l4);
            let [plain_out, plain_in] = both(&passage, passage.real.ip(), l4);
            let [vip_out, vip_in] = both(&passage, passage.vip, l4);
            let open = director.plane.data.through().open(passage).expect("room");
            for (way, frame, wanted) in
                [(Way::Out, &plain_out, &vip_out), (Way::In, &vip_in, &plain_in)]
            {
                let run = director.plane.data.test_run_check(way, frame).expect("it runs");
                assert_eq!(run, (NEXT, wanted.clone()), "IPv{family}, {l4:?}, {way:?}");
                let (frame, wanted) = (tagged(frame, &[DOT1Q]), tagged(wanted, &[DOT1Q]));
                let run = director.plane.data.test_run_check(way, &frame).expect("it runs");
                assert_eq!(run, (NEXT, wanted), "IPv{family}, {l4:?}, {way:?}, in a VLAN");
            }
            drop(open);
            let theirs = [plain_out, vip_in];
            unchanged(&mut director, &theirs, "a connection that is over");
        }
    }
}

#[test]
fn what_is_no_check_stays_as_it_is() {
    let mut director = Director::new();
    for family in FAMILIES {
        let passage = passage(family, ACK);
        let _open = director.plane.data.through().open(passage).expect("room");
        let other_port = Passage { own: (passage.own.ip(), OWN_PORT + 1).into(), ..passage };
        let other_server = Passage { real: (passage.real.ip(), PORT + 1).into(), ..passage };
        for (what, other, l4) in [
            ("another port", other_port, ACK),
            ("another service", other_server, ACK),
            ("another protocol", passage, L4::Udp),
        ] {
            let [out, _] = both(&other, passage.real.ip(), l4);
            let [_, back] = both(&other, passage.vip, l4);
            unchanged(&mut director, &[out, back], what);
        }
        // The other way round, both are strangers.
        let [out, _] = both(&passage, passage.vip, ACK);
        let [_, back] = both(&passage, passage.real.ip(), ACK);
        unchanged(&mut director, &[out, back], "already translated");
    }
}

/// RFC 768: no checksum stays none.
#[test]
fn datagrams_without_a_checksum() {
    let mut director = Director::new();
    let passage = passage(Family::V4, L4::Udp);
    let _open = director.plane.data.through().open(passage).expect("room");
    let without = |mut frame: Vec<u8>| {
        let at = Family::V4.transport() + 6;
        frame[at..at + 2].fill(0);
        frame
    };
    let [plain, _] = both(&passage, passage.real.ip(), L4::Udp).map(without);
    let [vip, _] = both(&passage, passage.vip, L4::Udp).map(without);
    let run = director.plane.data.test_run_check(Way::Out, &plain).expect("it runs");
    assert_eq!(run, (NEXT, vip));
}

/// A passage to a VIP of one family, in a tunnel to a real server of the other, or the same.
fn in_tunnel(inside: Family, outside: Family, l4: L4, port: u16) -> Passage {
    let ends = [outside.vip(0x77), outside.real(1)];
    Passage {
        vip: inside.vip(SINGLE),
        client: inside.vip(HOST),
        tunnel: Some(Outer { ends, port }),
        ..passage(outside, l4)
    }
}

/// The frame for the VIP, with what the tunnel puts around it.
fn wrapped(passage: &Passage, frame: &[u8]) -> Vec<u8> {
    let Outer { ends, port } = passage.tunnel.expect("a tunnel");
    let packet = &frame[14..];
    let gue = UdpHeader {
        source_port: 0xc000 | OWN_PORT & 0x3fff,
        destination_port: port,
        length: u16::try_from(packet.len() + 8).expect("it fits"),
        checksum: 0,
    };
    let udp = if port == 0 { Vec::new() } else { gue.to_bytes().to_vec() };
    let inside = if frame[12] == 0x86 { IpNumber::IPV6 } else { IpNumber::IPV4 };
    let carried = if port == 0 { inside } else { IpNumber::UDP };
    let payload = u16::try_from(udp.len() + packet.len()).expect("it fits");
    let (kind, ip) = match ends {
        [IpAddr::V4(local), IpAddr::V4(remote)] => {
            let ip = Ipv4Header::new(payload, 64, carried, local.octets(), remote.octets());
            let mut ip = ip.expect("it fits");
            ip.header_checksum = ip.calc_header_checksum();
            ([0x08, 0x00], ip.to_bytes().to_vec())
        }
        [IpAddr::V6(local), IpAddr::V6(remote)] => {
            let ip = Ipv6Header {
                payload_length: payload,
                next_header: carried,
                hop_limit: 64,
                source: local.octets(),
                destination: remote.octets(),
                ..Ipv6Header::default()
            };
            ([0x86, 0xdd], ip.to_bytes().to_vec())
        }
        _ => panic!("a tunnel has ends of one family"),
    };
    [&frame[..12], &kind, &ip, &udp, packet].concat()
}

#[test]
fn there_in_a_tunnel_and_back_without() {
    let mut director = Director::new();
    let pairs = FAMILIES.iter().flat_map(|inside| FAMILIES.map(|outside| (*inside, outside)));
    for (inside, outside) in pairs {
        for (l4, port) in [(SYN, 0), (ACK, 6_080), (L4::Udp, 0), (L4::Udp, 6_081)] {
            let what = format!("IPv{inside} in IPv{outside}, {l4:?}, port {port}");
            let passage = in_tunnel(inside, outside, l4, port);
            let [plain_out, plain_in] = both(&passage, passage.real.ip(), l4);
            let at_vip = Passage { own: (passage.client, OWN_PORT).into(), ..passage };
            let [vip_out, vip_in] = both(&at_vip, passage.vip, l4);
            let open = director.plane.data.through().open(passage).expect("room");
            let run = director.plane.data.test_run_check(Way::Out, &plain_out).expect("it runs");
            assert_eq!(run, (NEXT, wrapped(&passage, &vip_out)), "{what}");
            let run = director.plane.data.test_run_check(Way::In, &vip_in).expect("it runs");
            assert_eq!(run, (NEXT, plain_in), "{what}, the answer");
            drop(open);
            unchanged(&mut director, &[plain_out, vip_in], "a connection that is over");
        }
    }
}

/// Headers that cannot be said in the other family.
#[test]
fn options_do_not_change_their_family() {
    let mut director = Director::new();
    let passage = in_tunnel(Family::V6, Family::V4, ACK, 0);
    let _open = director.plane.data.through().open(passage).expect("room");
    let [out, _] = both(&passage, passage.real.ip(), ACK);
    let out = with_options(&out, 1);
    let run = director.plane.data.test_run_check(Way::Out, &out).expect("it runs");
    assert_eq!(run, (NEXT, out));
}

/// Two connections that would have the same answers: the second is refused, and the first stays whole.
#[test]
fn the_same_ends_twice() {
    let mut director = Director::new();
    let first = in_tunnel(Family::V4, Family::V6, ACK, 0);
    let second = passage(Family::V4, ACK);
    let open = director.plane.data.through().open(first).expect("room");
    assert!(director.plane.data.through().open(second).is_err(), "the answers would be the same");
    let [_, back] = both(&second, second.vip, ACK);
    let [_, plain] = both(&first, first.real.ip(), ACK);
    let run = director.plane.data.test_run_check(Way::In, &back).expect("it runs");
    assert_eq!(run, (NEXT, plain));
    drop(open);
    director.plane.data.through().open(second).expect("its place is free");
}
