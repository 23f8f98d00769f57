//! Several changes in one window, one window after another, and errors within.

use std::time::{Duration, Instant};

use lb_common::abi::Reason;

use crate::{
    client::{Client, Connection},
    craft,
    director::{Director, Outcome, names},
    family::{FAMILIES, Family, LIMITS, SINGLE, pool, service, web},
    frames::{ACK, SYN, build},
};

const THREE: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];

/// A configuration, and what makes it different from the one before.
type Change = (&'static str, &'static [(u16, u16)], &'static str);

const CHANGES: &[Change] = &[
    ("a fourth", &[(1, 1), (2, 1), (3, 1), (4, 1)], ""),
    ("one removed", &[(1, 1), (3, 1), (4, 1)], ""),
    ("a larger ring", &[(1, 1), (3, 1), (4, 1)], "ring_size = 2503"),
    ("other weights", &[(1, 5), (3, 1), (4, 2)], "ring_size = 2503"),
    ("back again, and another", &[(1, 5), (2, 1), (3, 1), (4, 2), (5, 3)], "ring_size = 2503"),
    ("a smaller ring", &[(1, 5), (2, 1), (3, 1), (4, 2), (5, 3)], "ring_size = 1021"),
    ("as in the beginning", THREE, ""),
];

#[test]
fn changes_of_one_window_overlap() {
    let mut director = Director::with(&web(THREE, ""));
    for family in FAMILIES {
        director.reload(&web(THREE, ""));
        director.close_window(family);
        let mut connections = director.open_all(family, 0..40);
        // Half of them send nothing until the end.
        let silent = connections.split_off(20);
        let mut silent_later = Vec::new();
        for (round, &(what, servers, keys)) in (1..).zip(CHANGES) {
            director.reload(&web(servers, keys));
            director.assert_stay(&connections, what);
            connections.extend(director.open_all(family, round * 100..round * 100 + 20));
            silent_later.extend(director.open_all(family, round * 100 + 20..round * 100 + 40));
        }
        for connections in [connections, silent, silent_later] {
            director.assert_stay(&connections, "at the end");
        }
    }
}

#[test]
fn every_change_alone() {
    for family in FAMILIES {
        let mut director = Director::with(&web(THREE, ""));
        for (round, &(what, servers, keys)) in (1..).zip(CHANGES) {
            let old = director.open_all(family, round * 100..round * 100 + 40);
            director.reload(&web(servers, keys));
            let new = director.open_all(family, round * 100 + 40..round * 100 + 80);
            director.assert_stay(&old, what);
            director.close_window(family);
            director.assert_stay(&new, what);
        }
    }
}

/// Notes of a window that is over are void, also when the next one opens.
#[test]
fn a_closed_window_forgets() {
    for family in FAMILIES {
        let mut director = Director::with(&web(THREE, ""));
        let old = director.open_all(family, 0..60);
        let removed: &[_] = &THREE[1..];
        director.reload(&web(removed, ""));
        director.assert_stay(&old, "noted");
        director.close_window(family);
        // What the ring says now: these connections have moved, and begin anew there.
        let moved: Vec<Connection> =
            old.iter().map(|&(client, _)| (client, director.open(client))).collect();
        assert_eq!(Director::share(&moved, family.real(1)), 0);
        // The same slots move again, to the server that the old notes name.
        director.reload(&web(THREE, ""));
        director.assert_stay(&moved, "the next window");
    }
}

#[test]
fn other_pools_do_not_notice() {
    let mut director = Director::with(&web(THREE, ""));
    let connections = director.open_all(Family::V6, 0..40);
    let drain = |director: &mut Director, state| director.set_state(Family::V4, 1, state);
    drain(&mut director, lb_userspace::plan::Admin::Drain);
    assert!(director.in_transition(Family::V4) && !director.in_transition(Family::V6));
    director.assert_stay(&connections, "another pool has changed");
    for (client, _) in connections {
        assert_eq!(client.notes(&director), (None, None));
    }
}

/// A director with one pool, whose ring is as large as the arena allows: 16,384 words.
fn little_room(family: Family) -> (Director, u32, u32) {
    let config = [
        LIMITS.replace("ring_slots = 131072", "ring_slots = 65536"),
        pool(family, "web", THREE, "ring_size = 21841"),
        service(family, "web", SINGLE, &["tcp/80"], "web"),
    ];
    let director = Director::with(&config.concat());
    let pool = &director.plane.numbering.pools[&names(family, 0).0];
    let (number, reals) = (pool.number, pool.reals.start);
    (director, number, reals)
}

/// The arena is full when the window closes: its first ring has 1,366 words (4 bits a slot), each change takes
/// 2,731 (8 bits), and what is left after five is 3 words too few for a narrow ring. The ring in force stays
/// where it is, as wide as it is, without its tracked bits.
#[test]
fn a_window_closes_without_room() {
    for family in FAMILIES {
        let (mut director, number, reals) = little_room(family);
        let old = director.open_all(family, 0..60);
        // One moment for all: nothing that is replaced has rested, however long the test takes.
        let now = Instant::now();
        let mut next = director.plane.data.ring(number);
        let mut install = |director: &mut Director| {
            next.rotate_left(1);
            director.plane.data.install_ring(number, reals, &next, false, now)
        };
        let changes = (0..100).take_while(|_| install(&mut director).is_ok()).count();
        assert_eq!(changes, 5, "IPv{family}: the arena is full");
        let in_force = director.plane.data.ring(number);
        director.assert_stay(&old, "before the window closes");
        let new = director.open_all(family, 100..160);
        let noted = |director: &Director, connections: &[Connection]| {
            connections.iter().filter(|(client, _)| client.notes(director) != (None, None)).count()
        };
        assert!(noted(&director, &new) > 10);

        director.plane.data.close_window(number, now);
        assert!(!director.in_transition(family));
        assert_eq!(director.plane.data.ring(number), in_force);
        director.assert_stay(&new, "after it");
        // The others follow the ring: where a director goes that has it, too, and has seen none of them.
        let (mut twin, ..) = little_room(family);
        twin.plane.data.install_ring(number, reals, &in_force, false, now).expect("room for one");
        let moved: Vec<Connection> =
            old.iter().map(|&(client, _)| (client, twin.takes(client, SYN))).collect();
        assert!(moved.iter().zip(&old).filter(|(after, before)| after.1 != before.1).count() > 10);
        director.assert_stay(&moved, "after it");
        let later = director.open_all(family, 200..260);
        assert_eq!(noted(&director, &later), 0, "IPv{family}: nothing is tracked any more");

        // Once the others have rested, there is room for the next window, which begins from this ring.
        next.rotate_left(1);
        let rested = now + Duration::from_secs(60);
        let opened = director.plane.data.install_ring(number, reals, &next, false, rested);
        assert!(opened.expect("room for a change"));
        for connections in [&new, &moved, &later] {
            director.assert_stay(connections, "in the next window");
        }
    }
}

/// As at the start of a director: nobody can be reached yet, then one after the other. Whoever comes first
/// gets everything, and keeps what it has when the others come.
#[test]
fn servers_that_come_one_by_one() {
    for closed in [false, true] {
        let mut director = Director::with(&web(THREE, ""));
        for family in FAMILIES {
            director.change(|plane| plane.down.extend((1..=3).map(|number| family.real(number))));
            if closed {
                director.close_window(family);
            }
            let mut connections = Vec::new();
            for number in 1..=3 {
                director.change(|plane| _ = plane.down.remove(&family.real(number)));
                let new = director.open_all(family, number * 100..number * 100 + 40);
                assert!(Director::share(&new, family.real(number)) > 15);
                connections.extend(new);
                director.assert_stay(&connections, "one more");
            }
        }
    }
}

/// More real servers than a pool's block in the maps: it moves, with everything in it.
#[test]
fn a_pool_grows_out_of_its_block() {
    let many: Vec<_> = (1..=40).map(|number| (number, 1)).collect();
    let mut director = Director::with(&web(THREE, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..60);
        director.reload(&web(&many, ""));
        director.assert_stay(&old, "forty servers");
        let new = director.open_all(family, 100..200);
        assert!(Director::share(&new, family.real(1)) < 20);
        director.reload(&web(THREE, ""));
        director.assert_stay(&old, "three again");
        director.assert_stay(&new, "three again");
        director.close_window(family);
        director.assert_stay(&old, "window closed");
    }
}

#[test]
fn errors_find_the_owner_and_leave_no_trace() {
    for family in FAMILIES {
        let mut director = Director::with(&web(&THREE[..2], ""));
        let old = director.open_all(family, 0..60);
        director.reload(&web(THREE, ""));
        let error = |client: Client| too_big(family, client);
        for &(client, real) in &old {
            assert_eq!(director.real(&error(client)), real, "{client:?}: an older flow");
            assert_eq!(client.notes(&director), (None, None));
        }
        for number in 100..140 {
            let client = Client::new(family, number);
            let real = director.takes(client, SYN);
            let before = client.notes(&director);
            assert_eq!(director.real(&error(client)), real, "{client:?}: after its SYN");
            assert_eq!(client.notes(&director), before);
            assert_eq!(director.takes(client, ACK), real);
            let before = client.notes(&director);
            assert_eq!(director.real(&error(client)), real, "{client:?}: after its ACK");
            assert_eq!(client.notes(&director), before);
        }
        // An error about a flow that nobody has: base, as an older flow's.
        let outcome = director.send(&error(Client::new(family, 999)));
        assert!(matches!(outcome, Outcome::To(..)), "{outcome:?}");
        director.change(|plane| plane.down.extend((1..=3).map(|number| family.real(number))));
        assert_eq!(director.send(&error(old[0].0)), Outcome::Dropped(Reason::NoReal));
    }
}

/// "Packet too big" (or its IPv4 name) about what the real server has sent to a client: eight bytes of TCP.
fn too_big(family: Family, client: Client) -> Vec<u8> {
    let quote = build(client.vip(), client.socket(), ACK, 60, &[]);
    let quote = &quote[14..family.transport() + 8];
    // The frame of a router: the client's, with the ICMP message in place of TCP.
    let mut frame = client.segment(ACK);
    frame.truncate(family.transport());
    let (protocol, kind) = match family {
        Family::V4 => (23, [3, 4]),
        Family::V6 => (20, [2, 0]),
    };
    frame[protocol] = if family == Family::V4 { 1 } else { 58 };
    frame.extend(kind);
    frame.extend([0; 6]);
    frame.extend_from_slice(quote);
    craft::fit(&mut frame);
    frame
}
