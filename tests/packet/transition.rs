//! A change of the ring under running connections: what stays, what moves, what is noted.

use lb_common::abi::{Note, NoteState};

use crate::{
    client::{Client, Connection, FIN, RST},
    director::Director,
    family::{FAMILIES, Family, SINGLE, web},
    frames::{ACK, L4, SYN, frame},
};

const TWO: &[(u16, u16)] = &[(1, 1), (2, 1)];
const THREE: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];

/// A connection whose slot a change has moved: where it is, and where new ones go.
struct Moved {
    client: Client,
    real: std::net::IpAddr,
    current: std::net::IpAddr,
}

/// A director that has just got a third real server, and connections that are older than that, in slots
/// that now belong to it. None of them has sent a packet since.
fn third_server(family: Family) -> (Director, Vec<Moved>) {
    let mut director = Director::with(&web(TWO, ""));
    let old = director.open_all(family, 0..60);
    director.reload(&web(THREE, ""));
    assert!(director.in_transition(family));
    let current = family.real(3);
    // What the new ring says, a twin tells that has never had another.
    let mut twin = Director::with(&web(THREE, ""));
    let moved = old.into_iter().filter(|(client, _)| twin.takes(*client, SYN) == current);
    let moved: Vec<_> = moved.map(|(client, real)| Moved { client, real, current }).collect();
    assert!(moved.len() > 10);
    (director, moved)
}

fn state(note: Option<Note>) -> Option<u8> {
    note.map(|note| note.state)
}

const NOTHING: (Option<u8>, Option<u8>) = (None, None);

/// What is noted of a client: states of the confirmed and of the unconfirmed note.
fn noted(director: &Director, client: Client) -> (Option<u8>, Option<u8>) {
    let (confirmed, unconfirmed) = client.notes(director);
    (state(confirmed), state(unconfirmed))
}

const fn confirmed(state: NoteState) -> (Option<u8>, Option<u8>) {
    (Some(state as u8), None)
}

/// The note of a flow that is older than the change: in the small table until it is seen again a second later.
const fn older(state: NoteState) -> (Option<u8>, Option<u8>) {
    (None, Some(state as u8))
}

const UNCONFIRMED: (Option<u8>, Option<u8>) = (None, Some(NoteState::Unconfirmed as u8));

#[test]
fn nothing_is_noted_while_nothing_changes() {
    let mut director = Director::with(&web(THREE, ""));
    for family in FAMILIES {
        assert!(!director.in_transition(family));
        for (client, _) in director.open_all(family, 0..60) {
            director.takes(client, FIN);
            director.takes(client, RST);
            assert_eq!(noted(&director, client), NOTHING, "{client:?}");
        }
    }
}

#[test]
fn only_moved_slots_are_noted() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family);
        for Moved { client, real, .. } in &moved {
            assert_eq!(director.takes(*client, ACK), *real);
            assert_eq!(noted(&director, *client), older(NoteState::Confirmed));
        }
        let new = director.open_all(family, 100..160);
        for (client, real) in new {
            let wanted =
                if real == family.real(3) { confirmed(NoteState::Confirmed) } else { NOTHING };
            assert_eq!(noted(&director, client), wanted, "{client:?}");
        }
    }
}

#[test]
fn an_added_server_gets_its_share_of_what_is_new() {
    let mut director = Director::with(&web(TWO, ""));
    for family in FAMILIES {
        director.reload(&web(TWO, ""));
        director.close_window(family);
        let old = director.open_all(family, 0..60);
        director.reload(&web(THREE, ""));
        director.assert_stay(&old, "added");
        let new = director.open_all(family, 100..200);
        let share = Director::share(&new, family.real(3));
        assert!((20..48).contains(&share), "IPv{family}: {share} %");
        director.assert_stay(&old, "with new ones");
        director.assert_stay(&new, "with new ones");
        // New connections have followed the new ring: the end of the window moves none of them.
        director.close_window(family);
        assert!(!director.in_transition(family));
        director.assert_stay(&new, "window closed");
    }
}

#[test]
fn a_removed_server_keeps_its_connections_until_the_window_closes() {
    let mut director = Director::with(&web(THREE, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..60);
        let gone = family.real(1);
        director.reload(&web(&THREE[1..], ""));
        director.assert_stay(&old, "removed");
        let new = director.open_all(family, 100..160);
        assert_eq!(Director::share(&new, gone), 0);
        director.close_window(family);
        director.assert_stay(&new, "window closed");
        // The others follow the ring: where a director goes that has never had the server.
        let mut twin = Director::with(&web(&THREE[1..], ""));
        for &(client, _) in &old {
            assert_eq!(director.takes(client, ACK), twin.takes(client, ACK), "{client:?}");
        }
        director.reload(&web(THREE, ""));
        director.close_window(family);
    }
}

#[test]
fn a_server_that_comes_back_within_the_window_is_the_same() {
    let mut director = Director::with(&web(THREE, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..60);
        director.reload(&web(&THREE[1..], ""));
        let meanwhile = director.open_all(family, 100..160);
        director.reload(&web(THREE, ""));
        director.assert_stay(&old, "back");
        director.assert_stay(&meanwhile, "back");
        director.close_window(family);
        director.assert_stay(&old, "back, window closed");
    }
}

#[test]
fn a_retransmitted_syn_goes_where_the_first_went() {
    for family in FAMILIES {
        let (mut director, _) = third_server(family);
        let first: Vec<Connection> = (100..160)
            .map(|number| Client::new(family, number))
            .map(|client| (client, director.takes(client, SYN)))
            .filter(|(_, real)| *real == family.real(3))
            .collect();
        for (client, real) in &first {
            assert_eq!(noted(&director, *client), UNCONFIRMED);
            assert_eq!(director.takes(*client, SYN), *real);
            assert_eq!(noted(&director, *client), UNCONFIRMED);
        }
        // Also after another change, which gives their slots back.
        director.reload(&web(TWO, ""));
        for (client, real) in first {
            assert_eq!(director.takes(client, SYN), real, "{client:?}");
            assert_eq!(director.takes(client, ACK), real, "{client:?}");
            assert_eq!(noted(&director, client), confirmed(NoteState::Confirmed));
        }
    }
}

#[test]
fn a_syn_over_a_connection_moves_nobody() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family);
        for Moved { client, real, .. } in moved {
            assert_eq!(director.takes(client, ACK), real);
            for l4 in [SYN, SYN, ACK, SYN, ACK] {
                assert_eq!(director.takes(client, l4), real, "{client:?} {l4:?}");
            }
            assert_eq!(noted(&director, client), older(NoteState::Confirmed));
        }
    }
}

#[test]
fn a_reset_is_taken_back_by_traffic_and_frees_the_ports() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family);
        for Moved { client, real, current } in moved {
            // An older flow that is reset before anything was noted: nothing to note.
            assert_eq!(director.takes(client, RST), real);
            assert_eq!(noted(&director, client), NOTHING);
            assert_eq!(director.takes(client, ACK), real);
            assert_eq!(director.takes(client, RST), real);
            assert_eq!(noted(&director, client), older(NoteState::Reset));
            assert_eq!(director.takes(client, ACK), real, "a blind reset");
            assert_eq!(noted(&director, client), older(NoteState::Confirmed));
            assert_eq!(director.takes(client, RST), real);
            assert_eq!(director.takes(client, SYN), current, "the same ports again");
            assert_eq!(noted(&director, client), UNCONFIRMED);
            assert_eq!(director.takes(client, RST), current, "refused");
            assert_eq!(noted(&director, client), UNCONFIRMED);
            assert_eq!(director.takes(client, ACK), current);
        }
    }
}

#[test]
fn a_fin_ends_a_connection_only_when_the_next_begins() {
    for family in FAMILIES {
        let (mut director, moved) = third_server(family);
        for Moved { client, real, current } in moved {
            assert_eq!(director.takes(client, FIN), real);
            assert_eq!(noted(&director, client), older(NoteState::Closing));
            for _ in 0..3 {
                assert_eq!(director.takes(client, ACK), real, "a half-closed download");
            }
            assert_eq!(noted(&director, client), older(NoteState::Closing));
            assert_eq!(director.open(client), current, "the same ports again");
            assert_eq!(noted(&director, client), confirmed(NoteState::Confirmed));
        }
    }
}

#[test]
fn datagrams_follow_the_ring() {
    let config = |servers: &[(u16, u16)]| web(servers, "").replace("tcp/80", "udp/80");
    let mut director = Director::with(&config(TWO));
    for family in FAMILIES {
        let send = |director: &mut Director, number| {
            director.real(&frame(family.client(number), (family.vip(SINGLE), 80), L4::Udp))
        };
        director.reload(&config(THREE));
        let during: Vec<_> = (0..60).map(|number| send(&mut director, number)).collect();
        assert!(during.contains(&family.real(3)));
        director.close_window(family);
        let after: Vec<_> = (0..60).map(|number| send(&mut director, number)).collect();
        assert_eq!(during, after);
    }
}
