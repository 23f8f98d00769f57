//! Clients of a service with persistence, and flows of tracked UDP: they stay through a change.

use std::net::IpAddr;

use lb_userspace::plan::Admin;

use crate::{
    director::Director,
    family::{FAMILIES, Family, SINGLE, web},
    frames::{ACK, L4, SYN, frame},
};

const TWO: &[(u16, u16)] = &[(1, 1), (2, 1)];
const THREE: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];
const CLIENTS: std::ops::Range<u16> = 0..60;

/// The configuration of [`web`] with another key for its services.
fn with_key(servers: &[(u16, u16)], key: &str) -> String {
    web(servers, "").replace("mode =", &format!("{key}\nmode ="))
}

fn persistent(servers: &[(u16, u16)]) -> String {
    with_key(servers, "persistence = { source = \"/32\", source6 = \"/128\", timeout = \"6m\" }")
}

fn datagrams(servers: &[(u16, u16)], key: &str) -> String {
    with_key(servers, key).replace("tcp/80", "udp/53")
}

/// A packet of a client from a port of its own choice.
fn from_port(family: Family, client: u16, port: u16, to: u16, l4: L4) -> Vec<u8> {
    let (address, _) = family.client(client);
    frame((address, port), (family.vip(SINGLE), to), l4)
}

/// Where every client's packet goes.
fn places(director: &mut Director, frames: impl Fn(u16) -> Vec<u8>) -> Vec<IpAddr> {
    CLIENTS.map(|client| director.real(&frames(client))).collect()
}

#[test]
fn clients_with_persistence_come_back() {
    for family in FAMILIES {
        let mut director = Director::with(&persistent(TWO));
        let connect = |port, l4| move |client| from_port(family, client, port, 80, l4);
        let first = places(&mut director, connect(5_000, SYN));
        assert_eq!(places(&mut director, connect(5_000, ACK)), first);
        director.reload(&persistent(THREE));
        assert!(director.in_transition(family));
        // Another connection, from another port, to the same real server: base first, then by the note.
        for port in [6_000, 7_000] {
            assert_eq!(places(&mut director, connect(port, SYN)), first, "IPv{family}, {port}");
            assert_eq!(places(&mut director, connect(port, ACK)), first, "IPv{family}, {port}");
        }
        // A drained real server keeps connections and loses clients, at once.
        director.set_state(family, 1, Admin::Drain);
        assert_eq!(places(&mut director, connect(5_000, ACK)), first);
        let second = places(&mut director, connect(8_000, SYN));
        for (before, after) in first.iter().zip(&second) {
            assert_ne!(*after, family.real(1));
            assert!(before == after || *before == family.real(1), "only its clients move");
        }
        // And they stay where they went when it comes back.
        director.set_state(family, 1, Admin::Ready);
        assert_eq!(places(&mut director, connect(9_000, SYN)), second);
        assert_eq!(places(&mut director, connect(5_000, ACK)), first);
    }
}

#[test]
fn a_dead_server_loses_its_clients() {
    for family in FAMILIES {
        let mut director = Director::with(&persistent(TWO));
        let connect = |port| move |client| from_port(family, client, port, 80, SYN);
        places(&mut director, connect(5_000));
        director.change(|plane| _ = plane.down.insert(family.real(1)));
        let after = places(&mut director, connect(6_000));
        assert!(after.iter().all(|real| *real == family.real(2)));
    }
}

#[test]
fn tracked_datagrams_stay_and_stateless_ones_do_not() {
    for family in FAMILIES {
        let ask = |client| from_port(family, client, 5_000, 53, L4::Udp);
        let mut director = Director::with(&datagrams(TWO, "udp_idle = \"30s\""));
        let first = places(&mut director, ask);
        director.reload(&datagrams(THREE, "udp_idle = \"30s\""));
        assert_eq!(places(&mut director, ask), first, "IPv{family}, one more real server");
        director.set_state(family, 1, Admin::Drain);
        assert_eq!(places(&mut director, ask), first, "IPv{family}, a drained one");
        director.set_state(family, 1, Admin::Maintenance);
        assert!(places(&mut director, ask).iter().all(|real| *real != family.real(1)));

        let mut director = Director::with(&datagrams(TWO, ""));
        let first = places(&mut director, ask);
        director.reload(&datagrams(THREE, ""));
        let second = places(&mut director, ask);
        assert!(second.iter().any(|real| *real == family.real(3)), "IPv{family}");
        let moved = first.iter().zip(&second).filter(|(before, after)| before != after).count();
        assert!(moved > 5, "{moved}");
    }
}
