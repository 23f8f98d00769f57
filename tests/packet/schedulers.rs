//! Schedulers that count, while they and their pools change: who stays, and who gets nothing.

use lb_common::abi::Features;

use crate::{
    client::FIN,
    director::Director,
    family::{FAMILIES, Family, LIMITS, SINGLE, pool, service, web},
    frames::ACK,
};

const ONE_EACH: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];
/// Schedulers that count.
const COUNTING: [&str; 6] = ["rr", "wrr", "lc", "wlc", "sed", "nq"];

/// A director whose program can count, whatever the scheduler is at the moment.
fn able_to_count() -> Director {
    Director::equipped(&web(ONE_EACH, ""), Features::default().with(Features::COUNTING))
}

/// Connections stay where the scheduler has put them when another one takes over, also where its ring is the same.
#[test]
fn another_scheduler_keeps_the_connections() {
    let mut director = able_to_count();
    let with = |scheduler: &str| web(ONE_EACH, &format!("scheduler = \"{scheduler}\""));
    for before in COUNTING {
        for after in ["maglev", "source", "lc", "rr"] {
            for family in FAMILIES {
                let what = format!("from {before} to {after}");
                director.reload(&with(before));
                director.close_window(family);
                let old = director.open_all(family, 0..40);
                director.reload(&with(after));
                director.assert_stay(&old, &what);
                let new = director.open_all(family, 100..140);
                director.assert_stay(&new, &what);
                director.assert_stay(&old, &what);
            }
        }
    }
}

/// What a window has noted is void when it has closed, also for a scheduler that counts from then on.
#[test]
fn counting_begins_with_no_notes() {
    let mut director = able_to_count();
    for family in FAMILIES {
        director.reload(&web(ONE_EACH, ""));
        director.close_window(family);
        let noted = director.open_all(family, 0..60);
        director.reload(&web(&ONE_EACH[1..], ""));
        director.assert_stay(&noted, "in the window");
        director.close_window(family);
        let moved: Vec<_> =
            noted.iter().map(|&(client, _)| (client, director.takes(client, ACK))).collect();
        assert!(moved.iter().zip(&noted).any(|(is, was)| is.1 != was.1), "IPv{family}");
        director.reload(&web(&ONE_EACH[1..], "scheduler = \"lc\""));
        director.assert_stay(&moved, "counting");
    }
}

/// Who has left the pool gets nothing new, though its number lies among those of the others.
#[test]
fn a_removed_server_gets_none() {
    let mut director = able_to_count();
    for scheduler in COUNTING {
        let with = |servers| web(servers, &format!("scheduler = \"{scheduler}\""));
        for family in FAMILIES {
            director.reload(&with(ONE_EACH));
            let old = director.open_all(family, 0..9);
            director.reload(&with(&ONE_EACH[1..]));
            let new = director.open_all(family, 20..60);
            assert_eq!(Director::share(&new, family.real(1)), 0, "IPv{family}, {scheduler}");
            director.assert_stay(&old, "one was removed");
        }
    }
}

/// The sorry server has no part while anybody else is there, though its number lies among those of the others.
#[test]
fn a_sorry_server_gets_none() {
    let config = |family: Family, scheduler: &str| {
        let address = family.real(1);
        let sorry = format!("sorry_server = {{ name = \"sorry\", address = \"{address}\" }}");
        let keys = format!("scheduler = \"{scheduler}\"\n{sorry}");
        let service = service(family, "web", SINGLE, &["tcp/80"], "web");
        pool(family, "web", &ONE_EACH[1..], &keys) + &service
    };
    let mut director = able_to_count();
    for scheduler in COUNTING {
        let both = FAMILIES.map(|family| config(family, scheduler)).concat();
        director.reload(&[LIMITS, &both].concat());
        for family in FAMILIES {
            let sorry = family.real(1);
            let new = director.open_all(family, 0..40);
            assert_eq!(Director::share(&new, sorry), 0, "IPv{family}, {scheduler}");
            let others = [2, 3].map(|number| family.real(number));
            director.change(|plane| plane.down.extend(others));
            let alone = director.open_all(family, 100..140);
            assert_eq!(Director::share(&alone, sorry), 100, "IPv{family}, {scheduler}: alone");
            director.change(|plane| plane.down.clear());
            for client in new.into_iter().chain(alone).map(|(client, _)| client) {
                director.takes(client, FIN);
            }
        }
    }
}
