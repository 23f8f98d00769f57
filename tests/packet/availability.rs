//! Real servers that take no new connections, no connections, or no packets.

use lb_common::abi::Reason;
use lb_userspace::plan::Admin;

use crate::{
    client::{Client, FIN, RST},
    director::{
        Director,
        Outcome::{self, Dropped},
        names,
    },
    family::{FAMILIES, SINGLE, web},
    frames::{ACK, L4, SYN, frame},
    uplink::{remove_uplink, with_uplink},
};

const EVEN: &[(u16, u16)] = &[(1, 1), (2, 1), (3, 1)];

#[test]
fn a_drained_server_keeps_its_connections_and_gets_no_new_ones() {
    let mut director = Director::with(&web(EVEN, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..60);
        let drained = family.real(1);
        assert!(Director::share(&old, drained) > 20);
        director.set_state(family, 1, Admin::Drain);
        director.assert_stay(&old, "drained");
        let new = director.open_all(family, 100..160);
        assert_eq!(Director::share(&new, drained), 0);
        // Taken back: its share of what is new, and nobody moves.
        director.set_state(family, 1, Admin::Ready);
        director.assert_stay(&old, "taken back");
        director.assert_stay(&new, "taken back");
        assert!(Director::share(&director.open_all(family, 200..260), drained) > 20);
    }
}

#[test]
fn weight_zero_keeps_connections_and_takes_no_new_ones() {
    for by_operator in [false, true] {
        let mut director = Director::with(&web(EVEN, ""));
        for family in FAMILIES {
            let old = director.open_all(family, 0..60);
            if by_operator {
                let (pool, server) = names(family, 2);
                let weight = lb_userspace::model::Weight::new(0).expect("a weight");
                director.change(|plane| {
                    let set = plane.operator.set_weight(&plane.config, &pool, &server, weight);
                    set.expect("it is there");
                });
            } else {
                director.reload(&web(&[(1, 1), (2, 0), (3, 1)], ""));
            }
            director.assert_stay(&old, "weight 0");
            let new = director.open_all(family, 100..160);
            assert_eq!(Director::share(&new, family.real(2)), 0, "by the operator: {by_operator}");
            director.assert_stay(&new, "weight 0");
            director.reload(&web(EVEN, ""));
        }
    }
}

#[test]
fn weights_are_shares() {
    let mut director = Director::with(&web(&[(1, 1), (2, 3)], ""));
    for family in FAMILIES {
        let connections = director.open_all(family, 0..400);
        let share = Director::share(&connections, family.real(2));
        assert!((68..=82).contains(&share), "IPv{family}: {share} %");
    }
}

#[test]
fn maintenance_breaks_connections_and_gives_survivors_back() {
    let mut director = Director::with(&web(EVEN, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..60);
        let out = family.real(3);
        director.set_state(family, 3, Admin::Maintenance);
        for &(client, real) in &old {
            let now = director.takes(client, ACK);
            assert!(now != out && (now == real || real == out), "{client:?}: {real} to {now}");
        }
        let new = director.open_all(family, 100..160);
        assert_eq!(Director::share(&new, out), 0);
        director.set_state(family, 3, Admin::Ready);
        director.assert_stay(&old, "taken back");
        director.assert_stay(&new, "taken back");
    }
}

#[test]
fn a_server_that_flaps_gets_its_survivors_back() {
    let mut director = Director::with(&web(EVEN, ""));
    for family in FAMILIES {
        let mut connections = director.open_all(family, 0..40);
        let flapping = family.real(1);
        for round in 1..4 {
            director.change(|plane| _ = plane.down.insert(flapping));
            for &(client, real) in &connections {
                let now = director.takes(client, ACK);
                assert!(now != flapping && (now == real || real == flapping), "{client:?}");
            }
            let meanwhile = director.open_all(family, round * 100..round * 100 + 20);
            assert_eq!(Director::share(&meanwhile, flapping), 0);
            director.change(|plane| _ = plane.down.remove(&flapping));
            connections.extend(meanwhile);
            director.assert_stay(&connections, "back again");
            connections.extend(director.open_all(family, round * 100 + 20..round * 100 + 40));
            director.assert_stay(&connections, "back again, and new ones");
        }
    }
}

#[test]
fn nobody_left() {
    let mut director = Director::with(&web(EVEN, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..30);
        let fresh = Client::new(family, 99);
        for server in 1..=3 {
            director.set_state(family, server, Admin::Drain);
        }
        for l4 in [SYN, SYN] {
            assert_eq!(director.send(&fresh.segment(l4)), Dropped(Reason::NoReal), "all drained");
        }
        director.assert_stay(&old, "all drained");
        director.change(|plane| plane.down.extend((1..=3).map(|number| family.real(number))));
        for l4 in [SYN, ACK, FIN, RST] {
            for client in [fresh, old[0].0] {
                assert_eq!(director.send(&client.segment(l4)), Dropped(Reason::NoReal), "all down");
            }
        }
        director.change(|plane| plane.down.clear());
        director.assert_stay(&old[1..], "back, still drained");
        for server in 1..=3 {
            director.set_state(family, server, Admin::Ready);
        }
        director.assert_stay(&old[1..], "all ready");
        director.open(fresh);
    }
}

#[test]
fn a_pool_without_servers() {
    let mut director = Director::with(&web(&[], ""));
    for family in FAMILIES {
        let udp = frame(family.client(1), (family.vip(SINGLE), 80), L4::Udp);
        assert_eq!(director.send(&udp), Outcome::Passed(Reason::NoService));
        for l4 in [SYN, ACK, RST] {
            let outcome = director.send(&Client::new(family, 1).segment(l4));
            assert_eq!(outcome, Dropped(Reason::NoReal), "IPv{family}");
        }
    }
    director.reload(&web(EVEN, ""));
    for family in FAMILIES {
        director.open(Client::new(family, 2));
    }
}

#[test]
fn a_server_without_a_mac_address() {
    let mut director = Director::with(&web(EVEN, ""));
    for family in FAMILIES {
        let old = director.open_all(family, 0..40);
        let lost = family.real(1);
        director.change(|plane| _ = plane.unresolved.insert(lost));
        // New connections go elsewhere; those that it has must not.
        assert_eq!(Director::share(&director.open_all(family, 100..140), lost), 0);
        for &(client, real) in &old {
            let outcome = director.send(&client.segment(ACK));
            if real == lost {
                assert_eq!(outcome, Dropped(Reason::Unresolved), "{client:?}");
            } else {
                assert_eq!(outcome.real(), real, "{client:?}");
            }
        }
        director.change(|plane| plane.unresolved.extend((1..=3).map(|number| family.real(number))));
        let outcome = director.send(&Client::new(family, 200).segment(SYN));
        assert_eq!(outcome, Dropped(Reason::NoReal), "none has one");
        director.change(|plane| plane.unresolved.clear());
        director.assert_stay(&old, "all have one");
    }
}

#[test]
fn a_server_behind_another_interface() {
    with_uplink(|| {
        let mut director = Director::with(&web(EVEN, ""));
        for family in FAMILIES {
            director.change(|plane| _ = plane.elsewhere.insert(family.real(2)));
            let connections = director.open_all(family, 0..40);
            assert!(Director::share(&connections, family.real(2)) > 20);
            let tagged = |client: Client| crate::craft::tagged(&client.segment(ACK), &[0x8100]);
            for &(client, real) in &connections {
                assert_eq!(director.real(&tagged(client)), real);
            }
        }
        // The interface goes, and with it its entry in the redirect table.
        remove_uplink();
        let mut lost = |number| {
            director.send(&Client::new(FAMILIES[0], number).segment(ACK))
                == Dropped(Reason::NoDevice)
        };
        assert!((0..40).filter(|number| lost(*number)).count() > 5);
    });
}
