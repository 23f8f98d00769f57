//! Tests of [`super`]: a table of cases, and what holds of any pool.

use proptest::prelude::*;

use super::*;
use crate::{
    model::{BelowQuorum, PoolRules, Quorum, Weight},
    plan::sample::{pools, real},
};

/// Real server 1, 2, 3, ...: weight, backup, what is known.
type Hosts = Vec<(u16, bool, Known)>;

const UP: Known = Known { admin: Admin::Ready, alive: true, reached: true };
const DEAD: Known = Known { alive: false, ..UP };
const LOST: Known = Known { reached: false, ..UP };
const DRAINED: Known = Known { admin: Admin::Drain, ..UP };
const OUT: Known = Known { admin: Admin::Maintenance, ..UP };

fn pool(hosts: &Hosts, rules: PoolRules) -> Pool {
    let all: Vec<u8> = (1..).take(hosts.len()).collect();
    let mut pool = pools(&[("web", &all)]).pools.remove(0);
    for (server, (weight, backup, _)) in pool.servers.iter_mut().zip(hosts) {
        (server.weight, server.backup) = (Weight::new(*weight).unwrap(), *backup);
    }
    pool.rules = rules;
    pool
}

fn known(hosts: &Hosts) -> impl Fn(&RealServer) -> Known {
    |server| {
        let index = (1..).position(|number| server.address == real(number)).unwrap();
        hosts[index].2
    }
}

/// Who of them gets new flows.
fn open(hosts: &Hosts, rules: PoolRules, closed: bool) -> (Crew, Vec<u8>) {
    let pool = pool(hosts, rules);
    let roster = Roster::of(&pool, closed, known(hosts));
    let numbers = (1..).zip(&pool.servers).filter(|(_, server)| roster.is_open(server));
    (roster.crew(), numbers.map(|(number, _)| number).collect())
}

#[test]
fn each_rule_in_its_turn() {
    let plain = PoolRules::default;
    let panic = || PoolRules { panic: Some("50%".parse().unwrap()), ..plain() };
    let first = || PoolRules { backups: Backups::First, ..plain() };
    let all = |healthy, all| Crew::Everybody { healthy, all };
    let (server, backup) = (|known| (1, false, known), |known| (1, true, known));
    for (what, hosts, rules, closed, expected) in [
        (
            "whoever can",
            vec![
                server(UP),
                server(DEAD),
                server(LOST),
                server(DRAINED),
                server(OUT),
                (0, false, UP),
            ],
            plain(),
            false,
            (Crew::Servers, vec![1]),
        ),
        ("a backup waits", vec![server(UP), backup(UP)], plain(), false, (Crew::Servers, vec![1])),
        (
            "all backups",
            vec![server(DEAD), backup(UP), backup(UP), backup(DEAD)],
            plain(),
            false,
            (Crew::Backups, vec![2, 3]),
        ),
        (
            "the first backup",
            vec![server(OUT), backup(DEAD), backup(UP), backup(UP)],
            first(),
            false,
            (Crew::Backups, vec![3]),
        ),
        ("nobody", vec![server(DEAD), backup(DEAD)], plain(), false, (Crew::Nobody, vec![])),
        ("closed", vec![server(UP), backup(UP)], panic(), true, (Crew::Closed, vec![])),
        ("closed and empty", vec![server(DEAD)], plain(), true, (Crew::Closed, vec![])),
        (
            "half is no panic",
            vec![server(UP), server(DEAD)],
            panic(),
            false,
            (Crew::Servers, vec![1]),
        ),
        (
            "panic, but not for who is out or not reached",
            vec![
                server(UP),
                server(DEAD),
                server(DEAD),
                server(OUT),
                server(DRAINED),
                server(LOST),
                backup(DEAD),
            ],
            panic(),
            false,
            (all(1, 5), vec![1, 2, 3, 7]),
        ),
        (
            "nobody alive is a panic, too",
            vec![server(DEAD), server(DEAD)],
            panic(),
            false,
            (all(0, 2), vec![1, 2]),
        ),
        (
            "backups that are alive are no panic",
            vec![server(DEAD), backup(UP)],
            panic(),
            false,
            (Crew::Backups, vec![2]),
        ),
        ("a panic without anybody", vec![server(LOST)], panic(), false, (Crew::Nobody, vec![])),
    ] {
        assert_eq!(open(&hosts, rules, closed), expected, "{what}");
    }
}

#[test]
fn who_keeps_the_flows_it_has() {
    let hosts = vec![(1, false, UP), (1, false, DEAD)];
    let keep = PoolRules { on_down: OnDown::Keep, ..PoolRules::default() };
    let panic = PoolRules { panic: Some("60%".parse().unwrap()), ..PoolRules::default() };
    for (rules, closed, expected) in [
        (PoolRules::default(), false, [true, false, true, false]),
        (PoolRules::default(), true, [true, false, true, false]),
        (keep, false, [true, true, true, false]),
        (panic, false, [true, true, true, false]),
    ] {
        let pool = pool(&hosts, rules);
        let roster = Roster::of(&pool, closed, known(&hosts));
        let found = [UP, DEAD, DRAINED, OUT].map(|known| roster.keeps_flows(&pool, known));
        assert_eq!(found, expected, "{:?}", pool.rules);
    }
}

fn hosts() -> impl Strategy<Value = Hosts> {
    let admin =
        prop::sample::select(vec![Admin::Ready, Admin::Ready, Admin::Drain, Admin::Maintenance]);
    let known = (admin, any::<bool>(), prop::bool::weighted(0.9));
    let known = known.prop_map(|(admin, alive, reached)| Known { admin, alive, reached });
    prop::collection::vec((0_u16..3, prop::bool::weighted(0.3), known), 0..8)
}

fn rules() -> impl Strategy<Value = PoolRules> {
    let panic = prop::option::of(1_u8..=100);
    (any::<bool>(), any::<bool>(), any::<bool>(), panic, prop::option::of(1_i128..6)).prop_map(
        |(first, keep, serve, panic, quorum)| PoolRules {
            backups: if first { Backups::First } else { Backups::All },
            on_down: if keep { OnDown::Keep } else { OnDown::Move },
            below_quorum: if serve { BelowQuorum::Serve } else { BelowQuorum::Close },
            panic: panic.map(|percent| format!("{percent}%").parse().unwrap()),
            quorum: quorum.map(|needed| Quorum::new(needed).unwrap()),
            damping: None,
        },
    )
}

proptest! {
    #[test]
    fn whatever_the_pool_is(hosts in hosts(), rules in rules(), closed in any::<bool>()) {
        let pool = pool(&hosts, rules);
        let known = known(&hosts);
        let roster = Roster::of(&pool, closed, &known);
        let panic = matches!(roster.crew(), Crew::Everybody { .. });
        let is_open = |server: &&RealServer| roster.is_open(server);
        let ready = |server: &&RealServer| known(server).is_ready() && !server.weight.is_zero();
        let servers = || pool.servers.iter().filter(|server| !server.backup);
        for server in pool.servers.iter().filter(is_open) {
            let known = known(server);
            prop_assert!(!closed, "nobody below the quorum");
            prop_assert_eq!(known.admin, Admin::Ready, "the operator's word stands above all");
            prop_assert!(known.reached && !server.weight.is_zero());
            prop_assert!(known.alive || panic, "the dead only in a panic");
            prop_assert!(roster.has_slots(server), "whoever is given flows has slots");
            prop_assert!(roster.keeps_flows(&pool, known), "and keeps what it is given");
            if server.backup && !panic {
                prop_assert!(!servers().any(|server| ready(&server)), "a backup beside a server");
            }
        }
        for server in &pool.servers {
            let known = known(server);
            prop_assert!(known.admin != Admin::Maintenance || !roster.keeps_flows(&pool, known));
            prop_assert!(
                !known.alive || known.admin == Admin::Maintenance || roster.keeps_flows(&pool, known),
                "no rule takes flows from who is alive"
            );
        }
        // Nobody only where nobody can.
        let can = !closed && pool.servers.iter().any(|server| ready(&server));
        prop_assert!(roster.has_anybody() || !can);
        let alive = pool.servers.iter().filter(is_open).filter(|server| known(server).alive);
        prop_assert_eq!(roster.alive(), if roster.has_anybody() { alive.count() } else { 0 });
        let count = pool.servers.iter().filter(is_open).count();
        match roster.crew() {
            Crew::Servers => prop_assert_eq!(count, servers().filter(ready).count(), "all of them"),
            Crew::Backups if pool.rules.backups == Backups::First => prop_assert_eq!(count, 1),
            Crew::Closed => prop_assert!(closed),
            Crew::Backups | Crew::Everybody { .. } | Crew::Nobody => {}
        }
    }
}
