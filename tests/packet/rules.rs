//! Rules of a pool as packets meet them: who gets new connections, and who keeps those that it has.

use lb_common::abi::Reason;
use lb_userspace::plan::Admin;

use crate::{
    client::Client,
    director::{Director, Outcome},
    family::{FAMILIES, Family, web},
    frames::SYN,
};

/// What schedulers decide by: a ring, turns, the numbers of connections.
const SCHEDULERS: [&str; 3] = ["maglev", "wrr", "wlc"];
const EVEN: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];

/// With `backup = true` in these.
fn backups(text: &str, numbers: &[u16]) -> String {
    numbers.iter().fold(text.to_owned(), |text, number| {
        let name = format!("name = \"r{number}\"");
        text.replace(&name, &format!("{name}, backup = true"))
    })
}

fn fail(director: &mut Director, family: Family, numbers: &[u16]) {
    let down = numbers.iter().map(|&number| family.real(number)).collect();
    director.change(|plane| plane.down = down);
}

#[test]
fn backups_take_over_and_give_back() {
    for scheduler in SCHEDULERS {
        for (keys, second) in [("", 50), ("backups = \"first\"", 0)] {
            let keys = format!("scheduler = \"{scheduler}\"\n{keys}");
            let text = backups(&web(&[(1, 1), (2, 3), (3, 3)], &keys), &[2, 3]);
            let mut director = Director::with(&text);
            for family in FAMILIES {
                let what = format!("IPv{family}, {keys}");
                let before = director.open_all(family, 0..40);
                assert_eq!(Director::share(&before, family.real(1)), 100, "{what}");
                fail(&mut director, family, &[1]);
                let during = director.open_all(family, 100..400);
                assert_eq!(Director::share(&during, family.real(1)), 0, "{what}");
                let share = Director::share(&during, family.real(3));
                assert!(share.abs_diff(second) <= 10, "{what}: {share} %");
                // Given back: what is new, and nothing else.
                fail(&mut director, family, &[]);
                director.assert_stay(&during, "given back");
                let after = director.open_all(family, 500..540);
                assert_eq!(Director::share(&after, family.real(1)), 100, "{what}");
            }
        }
    }
}

#[test]
fn a_failed_server_keeps_its_connections_where_it_may() {
    for scheduler in SCHEDULERS {
        let keys = format!("scheduler = \"{scheduler}\"\non_down = \"keep\"");
        let mut director = Director::with(&web(EVEN, &keys));
        for family in FAMILIES {
            let what = format!("IPv{family}, {scheduler}");
            let old = director.open_all(family, 0..60);
            fail(&mut director, family, &[1]);
            director.assert_stay(&old, &what);
            let new = director.open_all(family, 100..160);
            assert_eq!(Director::share(&new, family.real(1)), 0, "{what}");
            // An operator's word stands above it.
            director.set_state(family, 1, Admin::Maintenance);
            for &(client, real) in &old {
                let now = director.takes(client, crate::frames::ACK);
                assert!(now != family.real(1) && (now == real || real == family.real(1)), "{what}");
            }
            director.set_state(family, 1, Admin::Ready);
        }
    }
}

#[test]
fn below_the_quorum_nobody_gets_anything_new() {
    for scheduler in SCHEDULERS {
        let keys = format!("scheduler = \"{scheduler}\"\nquorum = 2");
        let mut director = Director::with(&web(EVEN, &keys));
        for family in FAMILIES {
            fail(&mut director, family, &[1]);
            let old = director.open_all(family, 0..40);
            fail(&mut director, family, &[1, 2]);
            for number in 100..120 {
                let syn = Client::new(family, number).segment(SYN);
                assert_eq!(director.send(&syn), Outcome::Dropped(Reason::NoReal), "{scheduler}");
            }
            let kept: Vec<_> =
                old.into_iter().filter(|(_, real)| *real == family.real(3)).collect();
            assert!(kept.len() > 5);
            director.assert_stay(&kept, "it is alive");
            fail(&mut director, family, &[2]);
            let new = director.open_all(family, 200..240);
            assert_eq!(Director::share(&new, family.real(2)), 0, "{scheduler}");
        }
    }
}

#[test]
fn in_a_panic_all_are_used() {
    for scheduler in SCHEDULERS {
        let keys = format!("scheduler = \"{scheduler}\"\npanic_threshold = \"50%\"");
        let mut director = Director::with(&web(EVEN, &keys));
        for family in FAMILIES {
            let old = director.open_all(family, 0..60);
            fail(&mut director, family, &[1, 2]);
            director.assert_stay(&old, "a panic");
            let new = director.open_all(family, 100..400);
            for number in 1..=3 {
                let share = Director::share(&new, family.real(number));
                assert!((25..=41).contains(&share), "IPv{family}, {scheduler}: {share} %");
            }
            fail(&mut director, family, &[1]);
            let calm = director.open_all(family, 500..560);
            assert_eq!(Director::share(&calm, family.real(1)), 0, "IPv{family}, {scheduler}");
        }
    }
}
