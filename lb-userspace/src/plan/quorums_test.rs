//! Tests of [`super`]: the band, what closes a pool, and who is told.

use std::cell::Cell;

use super::*;
use crate::plan::{
    Admin, Operator,
    sample::{config, name, pools, real},
};

/// A pool of servers with these weights and keys.
fn web(weights: &[u16], keys: &str) -> Effective {
    let mut config = config(&format!(
        "[[pool]]\nname = \"web\"\n{keys}\n[[service]]\nname = \"s\"\naddress = \"10.0.0.1\"\nports = [\"tcp/80\"]\npool = \"web\"\n"
    ));
    let all: Vec<u8> = (1..).take(weights.len()).collect();
    config.pools[0].servers = pools(&[("web", &all)]).pools.remove(0).servers;
    for (server, &weight) in config.pools[0].servers.iter_mut().zip(weights) {
        server.weight = crate::model::Weight::new(weight).unwrap();
    }
    Operator::default().apply(&config)
}

/// The pool, with the first `alive` real servers alive.
fn look(quorums: &mut Quorums, effective: &Effective, alive: u8, settled: bool) -> Vec<bool> {
    let known = |_: &Pool, server: &RealServer| Known {
        admin: Admin::Ready,
        alive: (1..=alive).any(|number| server.address == real(number)),
        reached: true,
    };
    let changes = quorums.look(effective, known, |_| settled);
    changes.into_iter().map(|change| change.holds).collect()
}

#[test]
fn the_band_between_up_and_down() {
    let effective = web(&[1; 5], "quorum = 3\nquorum_hysteresis = 1");
    let mut quorums = Quorums::default();
    for (alive, told, closed) in [
        (5, vec![], false),
        (3, vec![], false),
        (2, vec![], false),
        (1, vec![false], true),
        (3, vec![], true),
        (4, vec![true], false),
        (2, vec![], false),
    ] {
        assert_eq!(look(&mut quorums, &effective, alive, true), told, "{alive} alive");
        assert_eq!(quorums.closed().contains(&name("web")), closed, "{alive} alive");
    }
}

#[test]
fn nobody_is_told_of_how_things_begin() {
    let effective = web(&[2, 2], "quorum = 2\nquorum_hysteresis = 1");
    let mut quorums = Quorums::default();
    // What is assumed, then what is found: 4, nothing, 2. The band does not count yet.
    for (alive, holds) in [(2, true), (0, false), (1, true), (0, false)] {
        assert_eq!(look(&mut quorums, &effective, alive, false), [true; 0]);
        assert_eq!(quorums.of(&name("web")).unwrap().holds, holds);
    }
    assert_eq!(look(&mut quorums, &effective, 0, true), [true; 0]);
    assert_eq!(look(&mut quorums, &effective, 1, true), [true; 0], "2 is within the band");
    assert_eq!(look(&mut quorums, &effective, 2, true), [true]);
}

#[test]
fn what_was_before_a_restart_counts() {
    let effective = web(&[1, 1], "quorum = 2\nquorum_hysteresis = 1");
    let mut quorums = Quorums::default();
    quorums.restore(name("web"), true);
    assert_eq!(look(&mut quorums, &effective, 1, false), [true; 0], "within the band");
    assert!(quorums.decided().eq([(&name("web"), true)]));
    quorums.restore(name("web"), true);
    assert_eq!(look(&mut quorums, &effective, 0, false), [false]);
}

#[test]
fn what_closes_a_pool() {
    for (keys, alive, holds, closed) in [
        ("", 0, false, false),
        ("", 1, true, false),
        ("quorum = 2", 1, false, true),
        ("quorum = 2\nbelow_quorum = \"serve\"", 1, false, false),
    ] {
        let mut quorums = Quorums::default();
        look(&mut quorums, &web(&[1, 1], keys), alive, true);
        let found = (quorums.of(&name("web")).unwrap().holds, !quorums.closed().is_empty());
        assert_eq!(found, (holds, closed), "{keys} {alive}");
    }
}

proptest::proptest! {
    /// Never a change without the weight having gone beyond the band, and none while it stays within.
    #[test]
    fn no_flapping(
        alive in proptest::collection::vec(0_u8..=8, 2..50), quorum in 1_u8..=8, band in 0_u8..8,
    ) {
        let band = band.min(quorum - 1);
        let effective = web(&[1; 8], &format!("quorum = {quorum}\nquorum_hysteresis = {band}"));
        let mut quorums = Quorums::default();
        let holds = Cell::new(alive[0] >= quorum);
        look(&mut quorums, &effective, alive[0], true);
        for &alive in &alive[1..] {
            let changes = look(&mut quorums, &effective, alive, true);
            if let [now] = changes[..] {
                let beyond = if now { alive >= quorum + band } else { alive < quorum - band };
                proptest::prop_assert!(beyond && now != holds.get(), "{alive}: {now}");
                holds.set(now);
            } else {
                proptest::prop_assert!(changes.is_empty());
                let stays = if holds.get() { alive >= quorum - band } else { alive < quorum + band };
                proptest::prop_assert!(stays, "{alive}");
            }
            proptest::prop_assert_eq!(quorums.of(&name("web")).unwrap().holds, holds.get());
        }
    }
}
