//! The other directors, this host as a real server, floods, clients that cling, and packets that are too large.

use std::net::IpAddr;

use lb_common::abi::{Features, Reason};
use lb_userspace::plan::Admin;

use crate::{
    client::Client,
    craft::{DOT1Q, fit, tagged, with},
    director::{
        Director,
        Outcome::{Answered, Passed, To},
        names,
    },
    family::{FAMILIES, Family, HOST, LIMITS, SINGLE, pool, service, standard, web},
    frames::{ACK, CLIENT, L4, SYN, build, frame},
    plane::MTU,
};

const TWO: &[(u16, u16)] = &[(1, 1), (2, 1)];
const THREE: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];

/// What another director has sent on is for this host, whatever the services say.
#[test]
fn packets_of_other_directors_pass() {
    let mut director = Director::equipped(&standard(), Features::PEERS);
    for family in FAMILIES {
        let web = frame(family.client(1), (family.vip(SINGLE), 80), SYN);
        let to = director.send(&web);
        assert!(matches!(to, To(..)), "IPv{family}: nobody is known");
        director.change(|plane| _ = plane.surroundings.peers.insert(CLIENT));
        for frame in [web.clone(), tagged(&web, &[DOT1Q])] {
            assert_eq!(director.send(&frame), Passed(Reason::FromDirector), "IPv{family}");
        }
        // Every byte counts.
        for at in 6..12 {
            let other = with(&web, at, web[at] ^ 0x80);
            assert_eq!(director.send(&other), to, "IPv{family}: another address, byte {at}");
        }
        let host = frame(family.client(1), (family.vip(HOST), 80), SYN);
        assert_eq!(director.send(&host), Passed(Reason::NoService), "IPv{family}");
        director.change(|plane| plane.surroundings.peers.clear());
        assert_eq!(director.send(&web), to, "IPv{family}: nobody any more");
    }
}

/// A real server that is this host: its packets go on as they are, and count for it.
#[test]
fn a_real_server_that_is_this_host() {
    let mut director = Director::equipped(&standard(), Features::LOCAL);
    for family in FAMILIES {
        let local = family.real(1);
        director.change(|plane| {
            plane.local.insert(local);
            // It needs no MAC address.
            plane.unresolved.insert(local);
        });
        let mut there = 0;
        for client in 0..60 {
            for l4 in [SYN, ACK] {
                let frame = frame(family.client(client), (family.vip(SINGLE), 80), l4);
                let outcome = director.send(&frame);
                assert!(matches!(&outcome, To(name, _) if *name == family.name("web")));
                there += u16::from(outcome.real() == local);
            }
        }
        assert!((20..80).contains(&there), "IPv{family}: {there} of 120 packets");
    }
}

/// Clients of the service `web` whose slots belong to a third real server since a change.
fn third_server(
    director: &mut Director,
    family: Family,
    between: impl FnOnce(&mut Director),
) -> Vec<(Client, IpAddr)> {
    let old = director.open_all(family, 0..60);
    between(director);
    director.reload(&web(THREE, ""));
    assert!(director.in_transition(family));
    let mut twin = Director::with(&web(THREE, ""));
    let moved: Vec<_> =
        old.into_iter().filter(|(c, _)| twin.takes(*c, SYN) == family.real(3)).collect();
    assert!(moved.len() > 8, "IPv{family}: {}", moved.len());
    moved
}

fn flood(director: &mut Director, family: Family, on: bool) {
    let (web, _) = names(family, 0);
    director.change(|plane| {
        let floods = &mut plane.surroundings.floods;
        let _ = if on { floods.insert(web) } else { floods.remove(&web) };
    });
}

/// While a flood is on, nothing new is noted: everything goes where it went before the change.
#[test]
fn a_flood_leaves_no_notes() {
    for family in FAMILIES {
        let mut director = Director::with(&web(TWO, ""));
        let moved = third_server(&mut director, family, |director| flood(director, family, true));
        for (client, before) in &moved {
            for l4 in [SYN, ACK, SYN, ACK] {
                assert_eq!(director.takes(*client, l4), *before, "IPv{family}, {l4:?}");
                assert_eq!(client.notes(&director), (None, None), "IPv{family}, {l4:?}");
            }
        }
        // When it is over, new connections are noted again.
        flood(&mut director, family, false);
        for (client, _) in &moved {
            assert_eq!(director.open(*client), family.real(3), "IPv{family}");
            assert_ne!(client.notes(&director), (None, None), "IPv{family}");
        }
        // The next flood takes nothing from those that have a note.
        flood(&mut director, family, true);
        for (client, _) in &moved {
            assert_eq!(director.takes(*client, ACK), family.real(3), "IPv{family}");
        }
    }
}

/// Where the old real server is gone, what it had is at the others, without a note.
#[test]
fn a_flood_when_a_server_fails() {
    for family in FAMILIES {
        let mut director = Director::with(&web(THREE, ""));
        let old = director.open_all(family, 0..60);
        flood(&mut director, family, true);
        director.change(|plane| _ = plane.down.insert(family.real(1)));
        for (client, before) in old {
            let real = director.takes(client, SYN);
            assert_ne!(real, family.real(1), "IPv{family}");
            assert!(real == before || before == family.real(1), "IPv{family}: {before} is up");
            assert_eq!(director.takes(client, ACK), real, "IPv{family}");
            assert_eq!(client.notes(&director), (None, None), "IPv{family}");
        }
    }
}

/// New connections of the clients of a drained real server.
#[test]
fn clients_of_a_drained_server() {
    for (drain, stay) in [("stay", true), ("move", false)] {
        let services = |family| {
            let service = service(family, "both", SINGLE, &["tcp/80", "tcp/443"], "web");
            let key = format!("persistence = {{ drain = \"{drain}\" }}\n");
            pool(family, "web", THREE, "") + &service + &key
        };
        let config = [LIMITS.to_owned(), services(Family::V4), services(Family::V6)].concat();
        let mut director = Director::with(&config);
        for family in FAMILIES {
            let connect = |director: &mut Director, client, port| {
                let (address, _) = family.client(client);
                let vip = (family.vip(SINGLE), 443);
                let real = director.real(&frame((address, port), vip, SYN));
                assert_eq!(director.real(&frame((address, port), vip, ACK)), real, "the ACK");
                real
            };
            let before: Vec<_> = (0..60).map(|c| connect(&mut director, c, 5_000)).collect();
            let drained = family.real(1);
            assert!(before.contains(&drained));
            director.set_state(family, 1, Admin::Drain);
            for (client, before) in (0..).zip(&before) {
                for port in [6_000, 6_001] {
                    let real = connect(&mut director, client, port);
                    if *before == drained {
                        assert_eq!(real == drained, stay, "IPv{family}, {drain}: {client}");
                    } else {
                        assert_eq!(real, *before, "IPv{family}, {drain}: {client}");
                    }
                }
            }
            director.set_state(family, 1, Admin::Ready);
            director.close_window(family);
        }
    }
}

/// The largest packet that the interface takes goes through; the next byte is answered with that number.
#[test]
fn too_large_for_the_interface() {
    let mut director = Director::new();
    for family in FAMILIES {
        for (port, l4, header) in [(80, ACK, 20), (53, L4::Udp, 8)] {
            let headers = family.transport() - 14 + header;
            let of_length = |length: usize| {
                let payload = vec![0x5a; length - headers];
                let vip = (family.vip(SINGLE), port);
                let mut frame = build(family.client(1), vip, l4, 64, &payload);
                fit(&mut frame);
                frame
            };
            let fits = of_length(MTU.into());
            let real = director.real(&fits);
            for fits in [tagged(&fits, &[DOT1Q]), [&fits[..], &[0; 40]].concat()] {
                assert_eq!(director.real(&fits), real, "IPv{family}, tag or padding");
            }
            for length in [1_501, 2_000, 3_400] {
                for frame in [of_length(length), tagged(&of_length(length), &[DOT1Q])] {
                    let outcome = director.send(&frame);
                    assert_eq!(outcome, Answered(Reason::TooBig), "IPv{family}, {length} bytes");
                }
            }
            assert_eq!(director.real(&of_length(600)), real, "IPv{family}: what fits goes on");
        }
    }
}

/// The kernel takes the program with everything in it: its instructions, and its stack, are limited.
#[test]
fn everything_at_once() {
    let features = [
        Features::GUARD,
        Features::COUNTING,
        Features::TUNNEL,
        Features::UNPACK,
        Features::PEERS,
        Features::LOCAL,
        Features::CAPTURE,
        Features::MARKS,
        Features::VLANS,
        Features::FENCE,
    ];
    let all = features.into_iter().fold(Features::default(), Features::with);
    let mut director = Director::equipped(&web(THREE, "scheduler = \"wlc\""), all);
    for family in FAMILIES {
        let connections = director.open_all(family, 0..9);
        assert_eq!(Director::share(&connections, family.real(2)), 33, "IPv{family}");
    }
}
