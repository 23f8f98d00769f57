//! Fragments: the first one carries the ports, later ones go where it went.

use std::{net::IpAddr, time::Duration};

use lb_common::abi::{Features, Reason};

use crate::{
    craft::{DESTINATION, DOT1Q, fragment, set_length, tagged, with_extensions},
    director::{
        Director,
        Outcome::{Dropped, Passed, To},
    },
    family::{FAMILIES, Family, HOST, LIMITS, SINGLE, pool, service},
    frames::{ACK, L4, build, frame},
};

/// A VIP with one service for TCP and two for UDP.
fn config() -> String {
    let services = |family| {
        [
            pool(family, "web", &[(1, 1), (2, 1), (3, 1)], ""),
            service(family, "web", SINGLE, &["tcp/80"], "web"),
            service(family, "dns", SINGLE, &["udp/53"], "web"),
            service(family, "log", SINGLE, &["udp/54"], "web"),
        ]
        .concat()
    };
    [LIMITS.to_owned(), services(Family::V4), services(Family::V6)].concat()
}

/// One datagram or segment in three fragments, under an identification of its own.
struct Fragments([Vec<u8>; 3]);

impl Fragments {
    fn of(whole: &[u8], id: u16) -> Self {
        Self([(0, true), (3, true), (6, false)].map(|(offset, more)| {
            let mut fragment = fragment(whole, offset, more);
            let at = if fragment[14] >> 4 == 6 { 60 } else { 18 };
            fragment[at..at + 2].copy_from_slice(&id.to_be_bytes());
            crate::craft::fix_checksum(&mut fragment);
            fragment
        }))
    }

    /// The bytes of later fragments are no header: whatever stands there, nothing comes of it.
    fn datagram(family: Family, client: u16, port: u16, id: u16) -> Self {
        let to = (family.vip(SINGLE), port);
        Self::of(&build(family.client(client), to, L4::Udp, 64, &[0xff; 40]), id)
    }
}

#[test]
fn later_ones_follow_the_first() {
    let mut director = Director::with(&config());
    for family in FAMILIES {
        let mut reals = std::collections::HashSet::new();
        for (name, port) in [("dns", 53), ("log", 54)] {
            for client in 0..30 {
                let datagram = frame(family.client(client), (family.vip(SINGLE), port), L4::Udp);
                let wanted = To(family.name(name), director.real(&datagram));
                let Fragments(all) = Fragments::datagram(family, client, port, client * 2 + port);
                for fragment in &all {
                    assert_eq!(director.send(fragment), wanted, "IPv{family}, client {client}");
                }
                // Out of order, once the first one was there.
                for fragment in [&all[2], &all[1], &all[0]] {
                    assert_eq!(director.send(fragment), wanted, "IPv{family}, client {client}");
                }
                reals.insert(wanted.real());
            }
        }
        assert_eq!(reals.len(), 3, "IPv{family}");
    }
}

#[test]
fn behind_a_tag() {
    let mut director = Director::with(&config());
    for family in FAMILIES {
        let Fragments(all) = Fragments::datagram(family, 1, 53, 7);
        let wanted = director.send(&tagged(&all[0], &[DOT1Q]));
        assert!(matches!(wanted, To(..)), "IPv{family}");
        for fragment in &all[1..] {
            assert_eq!(director.send(&tagged(fragment, &[DOT1Q])), wanted, "IPv{family}");
        }
    }
}

#[test]
fn behind_another_extension_header() {
    let mut director = Director::with(&config());
    let Fragments(all) = Fragments::datagram(Family::V6, 1, 53, 7);
    let all = all.map(|fragment| with_extensions(&fragment, &[DESTINATION]));
    let wanted = director.send(&all[0]);
    assert!(matches!(wanted, To(..)));
    for fragment in &all[1..] {
        assert_eq!(director.send(fragment), wanted);
    }
}

/// Whose first fragment was not seen belongs to the only service of that address and protocol; where there are
/// two, to nobody.
#[test]
fn without_the_first() {
    let mut director = Director::with(&config());
    for family in FAMILIES {
        let Fragments([_, later, last]) = Fragments::datagram(family, 1, 53, 7);
        for fragment in [later, last] {
            assert_eq!(director.send(&fragment), Dropped(Reason::Fragment), "IPv{family}");
        }
        for client in 0..20 {
            let (address, port) = family.client(client);
            let segment = frame((address, port), (family.vip(SINGLE), 80), ACK);
            let Fragments([_, later, last]) = Fragments::of(&segment, client);
            // The client's port is not known: as if it were 0.
            let real = director.real(&frame((address, 0), (family.vip(SINGLE), 80), ACK));
            for fragment in [later, last] {
                let outcome = director.send(&fragment);
                assert_eq!(outcome, To(family.name("web"), real), "IPv{family}, client {client}");
            }
        }
    }
}

/// Fragments belong together by both addresses, protocol and identification.
#[test]
fn whose_fragment_it_is() {
    let mut director = Director::with(&config());
    for family in FAMILIES {
        let Fragments([first, ..]) = Fragments::datagram(family, 1, 53, 7);
        assert!(matches!(director.send(&first), To(..)));
        for (what, client, id) in [("another sender", 2, 7), ("another datagram", 1, 8)] {
            let Fragments([_, later, _]) = Fragments::datagram(family, client, 53, id);
            assert_eq!(director.send(&later), Dropped(Reason::Fragment), "IPv{family}, {what}");
        }
        let host = (family.vip(HOST), 53);
        let host = build(family.client(1), host, L4::Udp, 64, &[0xff; 40]);
        let Fragments([first, later, _]) = Fragments::of(&host, 7);
        assert_eq!(director.send(&first), Passed(Reason::NoService), "IPv{family}, to the host");
        assert_eq!(director.send(&later), Passed(Reason::PassFragment), "IPv{family}, to the host");
    }
}

/// Where more headers stand between the fragment header and the payload, a later fragment does not say of which
/// protocol it is: no fragment for a VIP reaches the host, which has the VIP too.
#[test]
fn a_later_one_of_an_unknown_protocol() {
    let mut director = Director::with(&config());
    for (vip, wanted) in [(SINGLE, Dropped(Reason::Fragment)), (HOST, Passed(Reason::PassFragment))]
    {
        let to = (Family::V6.vip(vip), 53);
        let whole = build(Family::V6.client(1), to, L4::Udp, 64, &[0xff; 40]);
        let later = fragment(&with_extensions(&whole, &[DESTINATION]), 3, true);
        assert_eq!(director.send(&later), wanted);
    }
}

/// Identifications are used again: after 30 s, a note is of another datagram.
#[test]
fn a_note_ends() {
    let mut director = Director::equipped(&config(), Features::CLOCK);
    let seconds = |director: &mut Director, seconds| {
        director.plane.data.set_clock(Duration::from_secs(seconds)).expect("a clock");
    };
    for family in FAMILIES {
        let Fragments([first, later, last]) = Fragments::datagram(family, 1, 53, 7);
        seconds(&mut director, 1_000);
        let wanted = director.send(&first);
        seconds(&mut director, 1_030);
        assert_eq!(director.send(&later), wanted, "IPv{family}");
        seconds(&mut director, 1_031);
        assert_eq!(director.send(&last), Dropped(Reason::Fragment), "IPv{family}");
    }
}

/// RFC 1858: a first fragment without the whole transport header hides the flags in the second. It is dropped,
/// and its later ones do not get in by it.
#[test]
fn a_tiny_first_fragment() {
    let mut director = Director::with(&config());
    for family in FAMILIES {
        let to: (IpAddr, u16) = (family.vip(SINGLE), 80);
        let extension = if family == Family::V6 { 8 } else { 0 };
        let headers = family.transport() - 14 + extension;
        let Fragments([first, ..]) = Fragments::of(&frame(family.client(1), to, ACK), 7);
        for length in 8..20 {
            let mut tiny = first.clone();
            set_length(&mut tiny, headers + length);
            let outcome = director.send(&tiny);
            assert_eq!(outcome, Dropped(Reason::Truncated), "IPv{family}, {length} bytes of TCP");
        }
        let Fragments([first, later, _]) = Fragments::datagram(family, 1, 53, 7);
        let mut tiny = first;
        set_length(&mut tiny, headers + 7);
        assert_eq!(director.send(&tiny), Dropped(Reason::Truncated), "IPv{family}, UDP");
        assert_eq!(director.send(&later), Dropped(Reason::Fragment), "IPv{family}, UDP");
    }
}
