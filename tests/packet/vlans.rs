//! Real servers in VLANs of the director's interface: frames leave with the tag of their link, whatever they
//! came in with. Each byte is checked by `Director::send`.

use std::net::IpAddr;

use lb_common::abi::{Features, Reason};

use crate::{
    craft::{DESTINATION, DOT1AD, DOT1Q, tagged, with_extensions, with_options, with_tag},
    director::{
        Director,
        Outcome::{Answered, Dropped, Passed, To},
    },
    family::{FAMILIES, Family, HOST, SINGLE, standard},
    frames::{ACK, CLIENT, L4, SYN, build, frame},
    plane::{DIRECTOR, MTU, mac},
    tunnels::{self, SOURCES, Tunnel, arrives},
    uplink::with_uplink,
};

/// Highest number of a VLAN.
const LAST: u16 = 4_094;

fn everyone() -> impl Iterator<Item = IpAddr> {
    FAMILIES.into_iter().flat_map(|family| [1, 2, 3].map(|number| family.real(number)))
}

/// All real servers are in `vlan`.
fn move_to(director: &mut Director, vlan: u16) {
    director.change(|plane| plane.vlans = everyone().map(|real| (real, vlan)).collect());
}

/// A director that minds VLANs, with all real servers in one.
fn director_in(vlan: u16) -> Director {
    let mut director = Director::equipped(&standard(), Features::VLANS);
    move_to(&mut director, vlan);
    director
}

/// Frames of one flow that differ in what stands before the ports.
fn frames(family: Family) -> Vec<Vec<u8>> {
    let to =
        |l4, payload: &[u8]| build(family.client(1), (family.vip(SINGLE), 80), l4, 64, payload);
    let long = |frame: &[u8]| match family {
        Family::V4 => with_options(frame, 10),
        Family::V6 => with_extensions(frame, &[DESTINATION; 4]),
    };
    let plain = to(ACK, &[]);
    let padded = [&plain[..], &[0xa5; 22]].concat();
    vec![to(SYN, &[]), long(&plain), padded, to(ACK, &[0x5a; 1_000]), plain]
}

#[test]
fn every_tag_becomes_that_of_the_link() {
    for vlan in [0, 1, 100, 200, LAST] {
        let mut director = director_in(vlan);
        for family in FAMILIES {
            for frame in frames(family) {
                let real = director.real(&frame);
                for tci in [0, 1, 100, 200, LAST, 4_095] {
                    for kind in [DOT1Q, DOT1AD] {
                        let there = director.real(&with_tag(&frame, kind, tci));
                        assert_eq!(there, real, "IPv{family}, from {tci} to {vlan}");
                    }
                }
            }
            let datagram = frame(family.client(1), (family.vip(SINGLE), 53), L4::Udp);
            let real = director.real(&datagram);
            assert_eq!(director.real(&with_tag(&datagram, DOT1Q, 100)), real, "IPv{family}, UDP");
        }
    }
}

/// IEEE 802.1Q, section 9.6: priority in three bits, then drop eligibility.
#[test]
fn priority_stays() {
    let mut director = director_in(200);
    for family in FAMILIES {
        let [plain, ..] = &frames(family)[..] else { panic!("frames") };
        for priority in 0..16 {
            director.real(&with_tag(plain, DOT1Q, priority << 12 | 100));
            assert_eq!(
                director.out[12..16],
                (0x8100_00c8 | u32::from(priority) << 12).to_be_bytes()
            );
        }
    }
}

/// The first bytes, written out.
#[test]
fn byte_by_byte() {
    let mut director = director_in(0x123);
    for family in FAMILIES {
        let kind: [u8; 2] = if family == Family::V4 { [0x08, 0x00] } else { [0x86, 0xdd] };
        let plain = frame(family.client(1), (family.vip(SINGLE), 80), ACK);
        assert_eq!(plain[..12], [DIRECTOR, CLIENT].concat());
        let real = director.real(&plain);
        let macs = [mac(real), DIRECTOR].concat();
        let pushed = [&macs[..], &[0x81, 0x00, 0x01, 0x23], &kind].concat();
        assert_eq!((&director.out[..18], director.out.len()), (&pushed[..], plain.len() + 4));
        director.real(&with_tag(&plain, DOT1Q, 0xe456));
        let rewritten = [&macs[..], &[0x81, 0x00, 0xe1, 0x23], &kind].concat();
        assert_eq!((&director.out[..18], director.out.len()), (&rewritten[..], plain.len() + 4));
        move_to(&mut director, 0);
        director.real(&with_tag(&plain, DOT1Q, 0xe456));
        let popped = [&macs[..], &kind].concat();
        assert_eq!((&director.out[..14], director.out.len()), (&popped[..], plain.len()));
        move_to(&mut director, 0x123);
    }
}

/// Nobody in one VLAN reads a second tag.
#[test]
fn two_tags_are_refused() {
    for vlan in [0, 100] {
        let mut director = director_in(vlan);
        for family in FAMILIES {
            let to = |last| frame(family.client(1), (family.vip(last), 80), ACK);
            for tags in [[DOT1AD, DOT1Q], [DOT1Q, DOT1Q]] {
                let outcome = director.send(&tagged(&to(SINGLE), &tags));
                assert_eq!(outcome, Dropped(Reason::Headers), "IPv{family}");
                let outcome = director.send(&tagged(&to(HOST), &tags));
                assert_eq!(outcome, Passed(Reason::NoService), "IPv{family}");
            }
        }
    }
}

/// Without VLANs on the director's interfaces, tags stay as they are.
#[test]
fn nothing_changes_without_vlans() {
    let mut director = Director::new();
    move_to(&mut director, 100);
    for family in FAMILIES {
        for frame in frames(family) {
            for tags in [&[][..], &[DOT1Q], &[DOT1AD], &[DOT1AD, DOT1Q]] {
                let frame = tagged(&frame, tags);
                director.real(&frame);
                assert_eq!(director.out[12..12 + 4 * tags.len()], frame[12..12 + 4 * tags.len()]);
            }
        }
    }
}

/// Real servers of one pool in different networks, with one source address.
#[test]
fn each_real_server_in_a_vlan_of_its_own() {
    let mut director = director_in(0);
    director.change(|plane| {
        let both = FAMILIES.map(|family| [(family.real(1), 100), (family.real(2), 200)]);
        plane.vlans = both.into_iter().flatten().collect();
    });
    for family in FAMILIES {
        let mut seen = [false; 3];
        for client in 0..60 {
            let frame = frame(family.client(client), (family.vip(SINGLE), 80), ACK);
            let To(_, real) = director.send(&with_tag(&frame, DOT1Q, 100)) else { panic!("sent") };
            let number = [1, 2, 3].iter().position(|&number| real == family.real(number));
            seen[number.expect("a real server of the pool")] = true;
        }
        assert_eq!(seen, [true; 3], "IPv{family}");
    }
    // What is in the maps is what was wanted, tags included.
    let desired = director.plane.desired();
    let actual = director.plane.data.actual(&desired).expect("the maps can be read");
    assert_eq!(actual.reals, desired.reals);
    assert!(desired.features.has(Features::VLANS));
}

#[test]
fn tunnels_lead_into_vlans() {
    for vlan in [0, 200] {
        let mut director = Director::equipped(&tunnels::config(SOURCES, ""), Features::VLANS);
        move_to(&mut director, vlan);
        for tunnel in Tunnel::all() {
            let plain = tunnel.frame(1, ACK, &[0x5a; 333]);
            let real = arrives(&mut director, tunnel, &plain);
            for tci in [0, 0xe064, 200] {
                let frame = with_tag(&plain, DOT1Q, tci);
                assert_eq!(arrives(&mut director, tunnel, &frame), real, "{tunnel}");
            }
            let twice = director.send(&tagged(&plain, &[DOT1AD, DOT1Q]));
            assert_eq!(twice, Dropped(Reason::Headers), "{tunnel}");
        }
    }
}

#[test]
fn vlans_of_another_interface() {
    with_uplink(|| {
        for vlan in [0, 200] {
            let mut director = director_in(vlan);
            director.change(|plane| plane.elsewhere.extend(everyone()));
            for family in FAMILIES {
                for frame in frames(family) {
                    director.real(&frame);
                    director.real(&with_tag(&frame, DOT1Q, 100));
                }
            }
        }
    });
}

/// Errors go back the way that the packet came: with its own tag.
#[test]
fn errors_go_back_into_the_clients_vlan() {
    for vlan in [0, 200] {
        let mut director = director_in(vlan);
        for family in FAMILIES {
            let to = |ttl, payload: &[u8]| {
                build(family.client(1), (family.vip(SINGLE), 80), ACK, ttl, payload)
            };
            let last = with_tag(&to(1, &[]), DOT1Q, 100);
            assert_eq!(director.send(&last), Answered(Reason::TtlExceeded), "IPv{family}");
            let large = with_tag(&to(64, &vec![0; usize::from(MTU)]), DOT1Q, 100);
            assert_eq!(director.send(&large), Answered(Reason::TooBig), "IPv{family}");
            assert_eq!(director.out[12..16], [0x81, 0, 0, 100], "IPv{family}");
        }
    }
}
