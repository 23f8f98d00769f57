//! Shares of every algorithm.

use std::cell::RefCell;

use proptest::{collection::vec, prelude::*};

use super::*;

/// Loads that a test sets.
#[derive(Default)]
struct Table(RefCell<Vec<Load>>);

impl Table {
    fn of(loads: &[(u32, u32)]) -> Self {
        Self(RefCell::new(loads.iter().map(|&(held, waiting)| Load { held, waiting }).collect()))
    }

    fn add(&self, place: Place) {
        let mut table = self.0.borrow_mut();
        let index = usize::from(place.0);
        if table.len() <= index {
            table.resize(index + 1, Load::default());
        }
        table[index].held += 1;
    }
}

impl Loads for Table {
    fn load(&self, place: Place) -> Load {
        self.0.borrow().get(usize::from(place.0)).copied().unwrap_or_default()
    }
}

fn servers(weights: &[u16]) -> Vec<Server> {
    (0..).zip(weights).map(|(number, &weight)| server(number, weight, 0)).collect()
}

fn picks(balancer: &mut Balancer, loads: &Table, count: usize) -> Vec<u16> {
    let pick = |_| match balancer.pick(&Request::default(), loads) {
        Pick::Go(place) => place.0,
        other => panic!("{other:?}"),
    };
    (0..count).map(pick).collect()
}

fn shares(picks: &[u16], servers: usize) -> Vec<usize> {
    (0..servers)
        .map(|number| picks.iter().filter(|pick| usize::from(**pick) == number).count())
        .collect()
}

#[test]
fn turns_are_spread() {
    let pool = snapshot(&servers(&[5, 1, 1]), Algorithm::RoundRobin);
    let mut balancer = Balancer::new(pool, 0);
    assert_eq!(
        picks(&mut balancer, &Table::default(), 14),
        [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]
    );
    // Threads do not begin with the same one.
    let pool = snapshot(&servers(&[1; 4]), Algorithm::RoundRobin);
    let firsts: Vec<_> = (0..4)
        .map(|seed| picks(&mut Balancer::new(Arc::clone(&pool), seed), &Table::default(), 1)[0])
        .collect();
    assert_eq!(firsts, [0, 1, 2, 3]);
}

#[test]
fn who_is_picked() {
    let full = |number| server(number, 1, 2);
    let backup = |number| Server { backup: true, ..server(number, 1, 0) };
    let not_up = |standing| Server { standing, ..server(0, 9, 0) };
    let idle = &[(0, 0), (0, 0)];
    let go = |number| Pick::Go(Place(number));
    use Algorithm::{First, LeastConnections, Random, RoundRobin};
    for (servers, algorithm, loads, expected) in [
        (vec![], RoundRobin, idle, Pick::Nobody),
        (vec![server(0, 0, 0)], RoundRobin, idle, Pick::Nobody),
        (vec![not_up(Standing::Down)], HASHED, idle, Pick::Nobody),
        (vec![not_up(Standing::Drain), server(1, 1, 0)], RoundRobin, idle, go(1)),
        (vec![not_up(Standing::Maintenance), server(1, 1, 0)], HASHED, idle, go(1)),
        (vec![not_up(Standing::Down), backup(1)], LeastConnections, idle, go(1)),
        (vec![backup(0), server(1, 1, 0)], First, idle, go(1)),
        // Full ones are passed over; all full: who has room first.
        (vec![full(0), full(1)], RoundRobin, &[(2, 0), (1, 0)], go(1)),
        (vec![full(0), full(1)], First, &[(2, 0), (1, 0)], go(1)),
        (vec![full(0), full(1)], First, &[(1, 0), (0, 0)], go(0)),
        (vec![full(0), full(1)], Random, &[(2, 0), (1, 0)], go(1)),
        (vec![full(0), full(1)], LeastConnections, &[(2, 0), (3, 0)], Pick::WaitForAny),
        // There is room, and somebody waits for it.
        (vec![full(0), full(1)], RoundRobin, &[(0, 1), (2, 3)], Pick::WaitForAny),
        // The fewest for the weight, with those that wait.
        (vec![server(0, 1, 0), server(1, 3, 0)], LeastConnections, &[(1, 0), (4, 0)], go(1)),
        (vec![server(0, 1, 0), server(1, 3, 0)], LeastConnections, &[(1, 0), (6, 0)], go(0)),
        (vec![server(0, 1, 0), server(1, 1, 0)], LeastConnections, &[(1, 5), (5, 0)], go(1)),
    ] {
        let pool = snapshot(&servers, algorithm);
        let mut balancer = Balancer::new(pool, 0);
        let request = Request { key: Some(1), ..Request::default() };
        let found = balancer.pick(&request, &Table::of(loads));
        assert_eq!(found, expected, "{algorithm:?} {loads:?} {servers:?}");
    }
}

#[test]
fn one_backup_or_all() {
    let backups: Vec<_> =
        (0..3).map(|number| Server { backup: true, ..server(number, 1, 0) }).collect();
    for (rule, open) in [(Backups::All, 3), (Backups::First, 1)] {
        assert_eq!(Snapshot::new(backups.clone(), HASHED, rule).open().len(), open);
    }
}

#[test]
fn a_key_stays_where_it_is() {
    let mut all = servers(&[1, 2, 3, 4]);
    let keys: Vec<_> = (0x0a09_0000..0x0a09_07d0_u32)
        .map(|ip| source_key(7, std::net::Ipv4Addr::from(ip).into()))
        .collect();
    let owners = |servers: &[Server]| -> Vec<_> {
        let mut balancer = Balancer::new(snapshot(servers, HASHED), 0);
        let of = |key: &u64| {
            let request = Request { key: Some(*key), ..Request::default() };
            balancer.pick(&request, &Table::default())
        };
        keys.iter().map(of).collect()
    };
    let before = owners(&all);
    let third = Pick::Go(Place(2));
    let share = before.iter().filter(|owner| **owner == third).count();
    assert!((500..700).contains(&share), "{share} of 2000, 600 expected");
    all[2].standing = Standing::Down;
    for (before, after) in before.iter().zip(owners(&all)) {
        assert!((*before == third) != (*before == after), "{before:?} {after:?}");
    }
    all[2].standing = Standing::Up;
    assert_eq!(owners(&all), before);
}

#[test]
fn a_full_server_keeps_its_keys_unless_they_are_bounded() {
    let all: Vec<_> = (0..4).map(|number| server(number, 1, 10)).collect();
    let request = Request { key: Some(3), ..Request::default() };
    let bounded = Algorithm::Hashed { bound: LoadFactor::new(150) };
    let pick = |algorithm, loads: &Table| {
        Balancer::new(snapshot(&all, algorithm), 0).pick(&request, loads)
    };
    let Pick::Go(owner) = pick(HASHED, &Table::default()) else { panic!() };
    let busy = Table::of(&[(0, 0); 4]);
    (0..10).for_each(|_| busy.add(owner));
    assert_eq!(pick(HASHED, &busy), Pick::WaitFor(owner));
    let second = pick(bounded, &busy);
    assert!(matches!(second, Pick::Go(place) if place != owner), "{second:?}");
    assert_eq!(pick(bounded, &busy), second, "the same key, the same second choice");
    assert_eq!(pick(bounded, &Table::default()), Pick::Go(owner));
    assert_eq!((LoadFactor::new(100), LoadFactor::new(1_001)), (None, None));
}

#[test]
fn another_server_after_a_failure_where_there_is_one() {
    for algorithm in [
        Algorithm::RoundRobin,
        Algorithm::LeastConnections,
        Algorithm::Random,
        Algorithm::First,
        HASHED,
    ] {
        for (count, expected) in [(2, Pick::Go(Place(1))), (1, Pick::Go(Place(0)))] {
            let mut balancer = Balancer::new(snapshot(&servers(&vec![1; count]), algorithm), 0);
            for random in [0, u64::MAX] {
                let request = Request { key: Some(random), avoid: Some(Place(0)), random };
                assert_eq!(balancer.pick(&request, &Table::default()), expected, "{algorithm:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_of_turns_are_exact_in_every_cycle(
        weights in vec(1_u16..=256, 1..12), ramp in 1_u8..=100, seed in any::<u64>(), into in 0_usize..50,
    ) {
        let mut all = servers(&weights);
        all[0].ramp = Ramp::new(ramp);
        let cycle: usize = all.iter().map(|server| usize::from(server.share())).sum();
        let mut balancer = Balancer::new(snapshot(&all, Algorithm::RoundRobin), seed);
        let loads = Table::default();
        picks(&mut balancer, &loads, into);
        let found = shares(&picks(&mut balancer, &loads, cycle), all.len());
        let wanted: Vec<_> = all.iter().map(|server| usize::from(server.share())).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn a_change_gives_nobody_much_more_or_less(
        before in vec(0_u16..=20, 6), after in vec(0_u16..=20, 6), into in 0_usize..200, rounds in 1_usize..4,
    ) {
        prop_assume!(before.iter().any(|w| *w > 0) && after.iter().any(|w| *w > 0));
        let mut balancer = Balancer::new(snapshot(&servers(&before), Algorithm::RoundRobin), 0);
        let loads = Table::default();
        picks(&mut balancer, &loads, into);
        balancer.change(snapshot(&servers(&after), Algorithm::RoundRobin));
        let total: usize = after.iter().map(|w| usize::from(*w)).sum();
        let found = shares(&picks(&mut balancer, &loads, rounds * total), 6);
        for (found, weight) in found.iter().zip(&after) {
            let wanted = rounds * usize::from(*weight);
            prop_assert!(found.abs_diff(wanted) <= 6, "{found} in place of {wanted}");
            prop_assert!(*weight > 0 || *found == 0);
        }
    }

    #[test]
    fn nobody_starves(
        weights in vec(1_u16..=9, 2..8), changes in vec((0_usize..8, 1_u16..=9), 0..20), seed in any::<u64>(),
    ) {
        // A weight changes after every pick: still everybody's turn comes.
        let mut all = servers(&weights);
        let mut balancer = Balancer::new(snapshot(&all, Algorithm::RoundRobin), seed);
        let loads = Table::default();
        let mut found = Vec::new();
        for (which, weight) in changes.iter().cycle().take(200) {
            let which = which % all.len();
            all[which].weight = Weight::new(*weight).unwrap();
            balancer.change(snapshot(&all, Algorithm::RoundRobin));
            found.extend(picks(&mut balancer, &loads, 1));
        }
        if !changes.is_empty() {
            prop_assert!(shares(&found, all.len()).iter().all(|share| *share > 0), "{found:?}");
        }
    }

    #[test]
    fn connections_that_stay_are_shared_by_weight(
        weights in vec(1_u16..=20, 2..8), two in any::<bool>(), seed in any::<u64>(),
    ) {
        let algorithm = if two { Algorithm::Random } else { Algorithm::LeastConnections };
        let all = servers(&weights);
        let mut balancer = Balancer::new(snapshot(&all, algorithm), seed);
        let loads = Table::of(&vec![(0, 0); all.len()]);
        let total: u32 = weights.iter().map(|w| u32::from(*w)).sum();
        let mut random = seed;
        for _ in 0..total * 20 {
            random = lb_common::flow_hash::split_mix(random.wrapping_add(0x9e37_79b9_7f4a_7c15));
            let Pick::Go(place) = balancer.pick(&Request { random, ..Request::default() }, &loads) else {
                panic!("nobody");
            };
            loads.add(place);
        }
        for (number, weight) in (0..).zip(&weights) {
            let (held, wanted) = (loads.load(Place(number)).held, u32::from(*weight) * 20);
            let most = if two { wanted / 2 + 20 } else { wanted / 10 + 3 };
            prop_assert!(held.abs_diff(wanted) <= most, "{held} in place of {wanted}");
        }
    }
}
