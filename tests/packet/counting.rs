//! Schedulers that count: who gets the next connection, and what is counted.

use std::{net::IpAddr, time::Duration};

use lb_common::{
    abi::{Features, Load},
    verdict::Tables as _,
};
use lb_userspace::plan::Admin;

use crate::{
    client::{Client, FIN, RST},
    director::{Director, names},
    family::{FAMILIES, Family, LIMITS, SINGLE, pool, service, web},
    frames::{ACK, L4, SYN, frame},
};

const ONE_EACH: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];
const TWO_TO_ONE: &[(u16, u16)] = &[(1, 2), (2, 1)];

fn counting(servers: &[(u16, u16)], scheduler: &str) -> Director {
    Director::with(&web(servers, &format!("scheduler = \"{scheduler}\"")))
}

/// What clients send, and which real servers it should reach, one after the other.
fn series(director: &mut Director, family: Family, clients: u16, l4: L4, wanted: &[u16]) {
    let reals: Vec<_> = (clients..)
        .zip(wanted)
        .map(|(client, _)| director.takes(Client::new(family, client), l4))
        .collect();
    let wanted: Vec<_> = wanted.iter().map(|&number| family.real(number)).collect();
    assert_eq!(reals, wanted, "IPv{family}, {l4:?} from client {clients} on");
}

/// The connections of a real server of the pool `web`.
fn load(director: &Director, family: Family, real: u16) -> (u32, u32) {
    let (pool, _) = names(family, real);
    let pool = &director.plane.numbering.pools[&pool];
    let number = pool.reals.start + u32::from(pool.members[&family.real(real)]);
    let Load { active, inactive, .. } = director.plane.data.tables().load(number).expect("a load");
    (active, inactive)
}

#[test]
fn in_turns() {
    for (servers, scheduler, wanted) in [
        (ONE_EACH, "rr", &[1, 2, 3, 1, 2, 3, 1][..]),
        (TWO_TO_ONE, "rr", &[1, 2, 1, 2, 1]),
        (TWO_TO_ONE, "wrr", &[1, 2, 1, 1, 2, 1, 1]),
    ] {
        let mut director = counting(servers, scheduler);
        for family in FAMILIES {
            series(&mut director, family, 0, SYN, wanted);
            // Neither an ACK nor a SYN that is sent again takes a turn.
            for l4 in [ACK, SYN, L4::Tcp(0x18), FIN] {
                series(&mut director, family, 0, l4, wanted);
            }
        }
    }
}

/// Connections that only open count little: an established one is as much as 256 of them.
#[test]
fn the_fewest_connections() {
    let mut director = counting(ONE_EACH, "lc");
    for family in FAMILIES {
        series(&mut director, family, 0, SYN, &[1, 2, 3, 1, 2, 3]);
        series(&mut director, family, 0, ACK, &[1]);
        series(&mut director, family, 10, SYN, &[2, 3, 2, 3, 2]);
        series(&mut director, family, 1, ACK, &[2, 3]);
        // Now each has one that is established: one, four and three that open.
        assert_eq!([1, 2, 3].map(|n| load(&director, family, n)), [(1, 1), (1, 4), (1, 3)]);
        series(&mut director, family, 20, SYN, &[1, 1, 1, 3, 1]);
    }
}

#[test]
fn the_fewest_for_their_weight() {
    let mut director = counting(TWO_TO_ONE, "wlc");
    for family in FAMILIES {
        series(&mut director, family, 0, SYN, &[1, 2, 1, 1, 2, 1, 1]);
    }
}

/// Only established connections count, and the one that comes.
#[test]
fn the_shortest_delay() {
    for (scheduler, wanted) in [("sed", [1, 1, 2, 1, 1, 2]), ("nq", [1, 2, 1, 1, 1, 2])] {
        let mut director = counting(TWO_TO_ONE, scheduler);
        for family in FAMILIES {
            series(&mut director, family, 100, SYN, &[1, 1, 1]);
            for (client, real) in (0..).zip(wanted) {
                let taken = director.open(Client::new(family, client));
                assert_eq!(taken, family.real(real), "IPv{family}, {scheduler}, {client}");
            }
        }
    }
}

#[test]
fn what_is_counted() {
    let mut director = counting(&[(1, 1)], "lc");
    for family in FAMILIES {
        let client = Client::new(family, 1);
        let mut step = |l4, wanted| {
            director.takes(client, l4);
            assert_eq!(load(&director, family, 1), wanted, "IPv{family}, {l4:?}");
        };
        for (l4, wanted) in [
            (SYN, (0, 1)),
            (SYN, (0, 1)),
            (ACK, (1, 0)),
            (ACK, (1, 0)),
            (FIN, (0, 1)),
            (ACK, (0, 1)),
            (RST, (0, 1)),
            // Its ports are used again: the old connection is gone.
            (SYN, (0, 1)),
            (ACK, (1, 0)),
            (RST, (0, 1)),
            // A blind reset is taken back.
            (ACK, (1, 0)),
        ] {
            step(l4, wanted);
        }
        director.open(Client::new(family, 2));
        assert_eq!(load(&director, family, 1), (2, 0), "IPv{family}");
    }
}

/// A connection from before the director began to count, or whose note was lost: by the ring, and counted.
#[test]
fn a_connection_that_nobody_noted() {
    let mut director = counting(ONE_EACH, "lc");
    for family in FAMILIES {
        let client = Client::new(family, 1);
        let real = director.takes(client, ACK);
        let number = (1..=3).find(|&number| family.real(number) == real).expect("one of them");
        assert_eq!(load(&director, family, number), (1, 0), "IPv{family}");
        assert_eq!(director.takes(client, ACK), real, "IPv{family}");
        assert_eq!(load(&director, family, number), (1, 0), "IPv{family}");
    }
}

#[test]
fn a_drained_server_gets_none() {
    for scheduler in ["rr", "wrr", "lc", "wlc", "sed", "nq"] {
        let mut director = counting(ONE_EACH, scheduler);
        for family in FAMILIES {
            let old = director.open_all(family, 0..9);
            let drained = family.real(2);
            assert!(old.iter().any(|(_, real)| *real == drained), "IPv{family}, {scheduler}");
            director.set_state(family, 2, Admin::Drain);
            let new = director.open_all(family, 20..40);
            assert_eq!(Director::share(&new, drained), 0, "IPv{family}, {scheduler}");
            director.assert_stay(&old, "drained");
            // Notes of a scheduler that counts hold at all times.
            director.close_window(family);
            director.assert_stay(&old, "the window closed");
            director.assert_stay(&new, "the window closed");
            director.set_state(family, 2, Admin::Ready);
            let back = director.open_all(family, 50..70);
            assert_ne!(Director::share(&back, drained), 0, "IPv{family}, {scheduler}");
            director.assert_stay(&old, "ready again");
        }
    }
}

/// All connections of a client go to one real server; the next client takes the next turn.
#[test]
fn a_bundle_keeps_clients_together() {
    let services = |family| {
        let pool = pool(family, "web", ONE_EACH, "scheduler = \"rr\"");
        pool + &service(family, "web", SINGLE, &["tcp/80", "tcp/443"], "web")
    };
    let config = [LIMITS.to_owned(), services(Family::V4), services(Family::V6)].concat();
    let mut director = Director::with(&config);
    for family in FAMILIES {
        for (client, real) in (0..9).zip([1, 2, 3].iter().cycle()) {
            let (address, port) = family.client(client);
            for (port, vip_port) in [(port, 80), (port, 443), (port + 1, 80), (port + 2, 443)] {
                for l4 in [SYN, ACK] {
                    let vip = (family.vip(SINGLE), vip_port);
                    let taken = director.real(&frame((address, port), vip, l4));
                    assert_eq!(taken, family.real(*real), "IPv{family}, {client}: {vip_port}");
                }
            }
        }
    }
}

/// A flow of UDP keeps its real server until it has been silent for so long.
#[test]
fn datagrams() {
    let services = |family| {
        let pool = pool(family, "web", ONE_EACH, "scheduler = \"rr\"");
        let service = service(family, "dns", SINGLE, &["udp/53"], "web");
        pool + &service + "udp_idle = \"30s\"\n"
    };
    let config = [LIMITS.to_owned(), services(Family::V4), services(Family::V6)].concat();
    let mut director = Director::equipped(&config, Features::CLOCK);
    let at = |director: &mut Director, seconds, family: Family, client| -> IpAddr {
        director.plane.data.set_clock(Duration::from_secs(seconds)).expect("a clock");
        director.real(&frame(family.client(client), (family.vip(SINGLE), 53), L4::Udp))
    };
    for family in FAMILIES {
        for (seconds, client, real, when) in [
            (1_000, 1, 1, "the first"),
            (1_000, 2, 2, "the second"),
            (1_001, 1, 1, "again"),
            (1_001, 3, 3, "the third"),
            (1_020, 1, 1, "again, and noted anew"),
            (1_031, 2, 1, "silent for too long: the next turn"),
            (1_050, 1, 1, "30 s after its last one"),
            (1_081, 1, 2, "31 s after its last one"),
        ] {
            let taken = at(&mut director, seconds, family, client);
            assert_eq!(taken, family.real(real), "IPv{family}, client {client}: {when}");
        }
    }
}
