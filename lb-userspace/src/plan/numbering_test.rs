//! Tests of [`super`]: who gets which number, and how long it stays theirs.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::plan::sample::{name, pools, real};

const POOLS: u32 = 64;

fn assign(before: &Numbering, config: &Config) -> Numbering {
    before.assign(config, POOLS).unwrap()
}

/// Numbers of a pool's members by the last byte of their addresses.
fn numbers(numbering: &Numbering, pool: &str) -> Vec<(u8, u16)> {
    let members = &numbering.pools[&name(pool)].members;
    let last = |address: &IpAddr| match address {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(_) => panic!("IPv6"),
    };
    members.iter().map(|(address, number)| (last(address), *number)).collect()
}

const fn block_at(start: u32, length: u32) -> Block {
    Block { start, length }
}

#[test]
fn numbers_count_up_and_stay() {
    let first = assign(&Numbering::default(), &pools(&[("a", &[1, 2]), ("b", &[1])]));
    assert_eq!(numbers(&first, "a"), [(1, 0), (2, 1)]);
    assert_eq!(numbers(&first, "b"), [(1, 0)]);
    assert_eq!((first.pools[&name("a")].number, first.pools[&name("b")].number), (0, 1));
    assert_eq!(assign(&first, &pools(&[("a", &[1, 2]), ("b", &[1])])), first);
    // Another order in the file, and one more between them.
    let next = assign(&first, &pools(&[("b", &[1]), ("c", &[]), ("a", &[5, 2, 1])]));
    assert_eq!(numbers(&next, "a"), [(1, 0), (2, 1), (5, 2)]);
    assert_eq!((next.pools[&name("a")].number, next.pools[&name("b")].number), (0, 1));
    assert_eq!(next.pools[&name("c")].number, 2);
}

#[test]
fn a_number_is_kept_for_who_has_left_until_the_window_closes() {
    let mut numbering = assign(&Numbering::default(), &pools(&[("a", &[1, 2])]));
    numbering = assign(&numbering, &pools(&[("a", &[2, 3])]));
    assert_eq!(numbers(&numbering, "a"), [(2, 1), (3, 2)]);
    assert_eq!(numbering.pools[&name("a")].retired, BTreeMap::from([(real(1), 0)]));
    let back = assign(&numbering, &pools(&[("a", &[1, 2, 3])]));
    assert_eq!(numbers(&back, "a"), [(1, 0), (2, 1), (3, 2)]);
    assert!(back.pools[&name("a")].retired.is_empty());
    numbering.release(&name("a"), |_| true);
    assert!(!numbering.pools[&name("a")].retired.is_empty(), "as long as it is needed");
    numbering.release(&name("a"), |_| false);
    let reused = assign(&numbering, &pools(&[("a", &[2, 3, 4])]));
    assert_eq!(numbers(&reused, "a"), [(2, 1), (3, 2), (4, 0)]);
    numbering.release(&name("nobody"), |_| false);
}

#[test]
fn blocks_have_room_to_grow() {
    let many: Vec<u8> = (1..=17).collect();
    let first = assign(&Numbering::default(), &pools(&[("a", &[1]), ("b", &[])]));
    assert_eq!(first.pools[&name("a")].reals, block_at(0, 16));
    assert_eq!(first.services[&name("a")].counters, block_at(0, 16));
    // Nobody in it, no block yet.
    assert_eq!(first.pools[&name("b")].reals, block_at(0, 0));
    let full = assign(&first, &pools(&[("a", &many[..16]), ("b", &[1])]));
    assert_eq!(full.pools[&name("a")].reals, block_at(0, 16));
    assert_eq!(full.pools[&name("b")].reals, block_at(16, 16));
    let grown = assign(&full, &pools(&[("a", &many), ("b", &[1])]));
    assert_eq!(grown.pools[&name("a")].reals, block_at(32, 32));
    assert_eq!(grown.services[&name("a")].counters, block_at(32, 32));
    assert_eq!(grown.pools[&name("b")].reals, block_at(16, 16));
    // What was left is free from the next step on.
    let next = assign(&grown, &pools(&[("a", &many), ("b", &[1]), ("c", &[1])]));
    assert_eq!(next.pools[&name("c")].reals, block_at(0, 16));
}

/// Packets go on using a block until the plan has been carried out.
#[test]
fn a_block_that_is_left_has_no_new_owner_in_the_same_step() {
    let many: Vec<u8> = (1..=17).collect();
    let first = assign(&Numbering::default(), &pools(&[("a", &[1])]));
    let next = assign(&first, &pools(&[("a", &many), ("b", &[1])]));
    assert_eq!(next.pools[&name("a")].reals, block_at(16, 32));
    assert_eq!(next.pools[&name("b")].reals, block_at(48, 16));
    assert_eq!(next.services[&name("a")].counters, block_at(16, 32));
    assert_eq!(next.services[&name("b")].counters, block_at(48, 16));
}

#[test]
fn counters_belong_to_a_service_and_its_pool() {
    let config = pools(&[("a", &[1]), ("b", &[1])]);
    let first = assign(&Numbering::default(), &config);
    let mut other = config.clone();
    other.services[0].pool = name("b");
    let moved = assign(&first, &other);
    let old: Vec<_> = first.services.values().map(|service| service.counters).collect();
    assert!(!old.contains(&moved.services[&name("a")].counters));
    assert_eq!(moved.services[&name("b")], first.services[&name("b")]);
    other.services.remove(0);
    assert!(!assign(&moved, &other).services.contains_key(&name("a")));
}

#[test]
fn pools_that_are_gone_give_their_numbers_back() {
    let mut numbering =
        assign(&Numbering::default(), &pools(&[("a", &[1]), ("b", &[1]), ("c", &[1])]));
    let without = pools(&[("b", &[1])]);
    assert_eq!(numbering.remove_pools(&without), [0, 2]);
    assert!(numbering.remove_pools(&without).is_empty());
    let next = assign(&numbering, &pools(&[("b", &[1]), ("d", &[1])]));
    assert_eq!(next.pools[&name("d")].number, 0);
    assert_eq!(next.pools[&name("d")].reals, block_at(0, 16));
}

/// A configuration that is larger than the maps.
fn limited(reals: u32, counters: u32, wanted: &[(&str, &[u8])]) -> Config {
    let mut config = pools(wanted);
    (config.limits.reals, config.limits.counters) = (reals, counters);
    config
}

#[test]
fn a_full_map_is_named() {
    let full = |config: &Config| Numbering::default().assign(config, 2).unwrap_err().to_string();
    assert_eq!(
        full(&limited(4, 99, &[("a", &[1, 2]), ("b", &[1, 2, 3])])),
        "the map of real servers is full: 3 more do not fit in 4; raise `reals` under [limits] and restart"
    );
    assert_eq!(
        full(&limited(99, 2, &[("a", &[1, 2, 3])])),
        "the map of counters is full: 16 more do not fit in 2; raise `counters` under [limits] and restart"
    );
    let pools = full(&pools(&[("a", &[1]), ("b", &[1]), ("c", &[1])]));
    assert!(pools.starts_with("the map of pools is full: 1 more do not fit in 2"), "{pools}");
}

#[test]
fn a_block_without_spare_room_is_better_than_none() {
    let numbering =
        assign(&Numbering::default(), &limited(20, 20, &[("a", &[1]), ("b", &[1, 2, 3])]));
    assert_eq!(numbering.pools[&name("a")].reals, block_at(0, 16));
    assert_eq!(numbering.pools[&name("b")].reals, block_at(16, 3));
}

#[test]
fn numbers_can_be_written_down() {
    let numbering = assign(&Numbering::default(), &pools(&[("a", &[1, 2]), ("b", &[3])]));
    let numbering = assign(&numbering, &pools(&[("a", &[2]), ("b", &[3])]));
    let text = serde_json::to_string(&numbering).unwrap();
    assert_eq!(serde_json::from_str::<Numbering>(&text).unwrap(), numbering);
}

/// What must hold between two numberings of one director.
fn assert_sound(before: &Numbering, next: &Numbering) {
    for (pool, numbers) in &next.pools {
        let all: Vec<_> = numbers.members.values().chain(numbers.retired.values()).collect();
        let different: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), different.len(), "{pool}: a number has two owners");
        assert!(all.iter().all(|number| u32::from(**number) < numbers.reals.length), "{pool}");
        if let Some(old) = before.pools.get(pool) {
            assert_eq!(numbers.number, old.number);
            for (address, number) in old.members.iter().chain(&old.retired) {
                let now = numbers.members.get(address).or_else(|| numbers.retired.get(address));
                assert_eq!(now, Some(number), "{pool}: {address} has lost its number");
            }
        }
    }
    let apart = |a: Block, b: Block| a.start + a.length <= b.start || b.start + b.length <= a.start;
    for (one, a) in &next.pools {
        // Nobody else is there, and nobody else was there just now.
        for (other, b) in next.pools.iter().chain(&before.pools).filter(|(other, _)| *other != one)
        {
            assert!(apart(a.reals, b.reals), "reals of {one} and {other}");
        }
    }
    for (one, a) in &next.services {
        let others = next.services.iter().chain(&before.services);
        for (other, b) in others.filter(|(other, _)| *other != one) {
            assert!(apart(a.counters, b.counters), "counters of {one} and {other}");
        }
        assert!(a.counters.length >= next.pools[&a.pool].reals.length);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_series_of_changes_is_sound(steps in vec((vec((1_u8..60, 0_u8..40), 3), any::<bool>()), 1..10)) {
        let mut numbering = Numbering::default();
        for (ranges, release) in steps {
            let servers: Vec<Vec<u8>> =
                ranges.iter().map(|(first, count)| (*first..first + count).collect()).collect();
            let named: Vec<_> = ["a", "b", "c"].into_iter().zip(&servers).collect();
            let named: Vec<(&str, &[u8])> = named.iter().map(|(n, s)| (*n, &s[..])).collect();
            let next = assign(&numbering, &pools(&named));
            assert_sound(&numbering, &next);
            numbering = next;
            if release {
                numbering.release(&name("a"), |_| false);
            }
        }
    }
}

#[test]
fn the_proxy_has_a_pool_for_as_long_as_it_has_services() {
    let config = crate::plan::sample::config(
        "[[pool]]\nname = \"app\"\nservers = [{ name = \"a\", address = \"10.0.1.1:80\" }]\n\
         [[service]]\nname = \"shop\"\naddress = \"10.0.0.1\"\nports = [\"tcp/80\"]\nmode = \"tcp\"\npool = \"app\"\n",
    );
    let mut numbering = assign(&Numbering::default(), &config);
    let names: Vec<_> = numbering.pools.keys().collect();
    assert_eq!(names, [&Name::of_proxy()]);
    assert_eq!(numbering.services[&name("shop")].pool, Name::of_proxy());
    assert_eq!(numbering, assign(&numbering, &config), "nothing is new");
    assert!(numbering.remove_pools(&config).is_empty());
    let written = serde_json::to_string(&numbering).expect("it is written");
    assert_eq!(serde_json::from_str::<Numbering>(&written).expect("it is read"), numbering);
    let next = assign(&numbering, &pools(&[("b", &[1])]));
    assert!(!next.services.contains_key(&name("shop")));
    assert_eq!(numbering.remove_pools(&pools(&[("b", &[1])])), [0]);
}
