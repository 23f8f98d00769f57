//! Checks through a VIP, byte by byte: the tc programs translate what is theirs, and nothing else.

use lb_common::abi::Way;
use lb_userspace::agent::dataplane::Passage;

use crate::{
    craft::{DOT1Q, tagged},
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
    }
}

/// What a check sends to `to`, and what comes back from there.
fn both(passage: &Passage, to: std::net::IpAddr, l4: L4) -> [Vec<u8>; 2] {
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
