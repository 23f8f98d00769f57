//! Tests of [`super`]: the operator's word lies over the file, and what is refused changes nothing.

use std::net::IpAddr;

use super::*;
use crate::plan::sample::{name, pools, real};

fn file() -> Config {
    pools(&[("web", &[1, 2, 3]), ("mail", &[9])])
}

fn server(number: u8) -> RealServer {
    let weight = Weight::new(1).unwrap();
    let (name, address) = (name(&format!("r{number}")), real(number));
    RealServer { name, address, port: None, weight, backup: false, max_connections: None }
}

/// Real servers in force, with their weights.
fn in_force(operator: &Operator, config: &Config) -> Vec<(String, u16)> {
    let effective = operator.apply(config);
    let pool = effective.config.pool("web").unwrap();
    pool.servers.iter().map(|s| (s.name.as_str().to_owned(), s.weight.get())).collect()
}

fn names(operator: &Operator, config: &Config) -> Vec<String> {
    in_force(operator, config).into_iter().map(|(name, _)| name).collect()
}

fn admin(operator: &Operator, number: u8) -> Admin {
    operator.apply(&file()).admin(&name("web"), &name(&format!("r{number}")))
}

#[test]
fn without_a_word_the_file_is_in_force() {
    let effective = Operator::default().apply(&file());
    assert_eq!(effective.config, file());
    assert!(effective.states.is_empty());
}

#[test]
fn servers_are_added_and_removed() {
    let (mut operator, file, web) = (Operator::default(), file(), name("web"));
    operator.add(&file, &web, server(4)).unwrap();
    operator.remove(&file, &web, &name("r2")).unwrap();
    assert_eq!(names(&operator, &file), ["r1", "r3", "r4"]);
    operator.remove(&file, &web, &name("r4")).unwrap();
    operator.add(&file, &web, server(2)).unwrap();
    assert_eq!(names(&operator, &file), ["r1", "r2", "r3"]);
    assert_eq!(operator.pools[&web], PoolChanges::default(), "nothing differs from the file");
}

#[test]
fn a_removed_server_may_come_back_as_another() {
    let (mut operator, file, web) = (Operator::default(), file(), name("web"));
    operator.remove(&file, &web, &name("r2")).unwrap();
    let moved = RealServer { address: real(22), ..server(2) };
    operator.add(&file, &web, moved.clone()).unwrap();
    assert_eq!(operator.apply(&file).config.pool("web").unwrap().server("r2"), Some(&moved));
    operator.remove(&file, &web, &name("r2")).unwrap();
    assert_eq!(names(&operator, &file), ["r1", "r3"]);
}

#[test]
fn what_is_refused_says_why() {
    let (mut operator, file, web) = (Operator::default(), file(), name("web"));
    operator.add(&file, &web, server(4)).unwrap();
    let before = operator.clone();
    let six: IpAddr = "fd00::4".parse().unwrap();
    for (result, words) in [
        (
            operator.add(&file, &name("wbe"), server(5)),
            "there is no pool `wbe`; the pools are: web, mail",
        ),
        (
            operator.add(&file, &web, RealServer { address: real(5), ..server(4) }),
            "pool `web` has a real server `r4` already",
        ),
        (
            operator.add(&file, &web, RealServer { name: name("r5"), ..server(4) }),
            "pool `web` has a real server with the address 10.0.1.4 already: `r4`",
        ),
        (
            operator.add(&file, &web, RealServer { address: six, ..server(6) }),
            "service `web` at 10.0.0.1 uses pool `web`: direct routing cannot send it to fd00::4, \
             which is of the other family",
        ),
        (
            operator.remove(&file, &web, &name("r7")),
            "pool `web` has no real server `r7`; it has: r1, r2, r3, r4",
        ),
        (
            operator.set_state(&file, &web, &name("r7"), Admin::Drain),
            "pool `web` has no real server `r7`; it has: r1, r2, r3, r4",
        ),
        (
            operator.set_weight(&file, &name("dns"), &name("r1"), Weight::ZERO),
            "there is no pool `dns`; the pools are: web, mail",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), words);
    }
    assert_eq!(operator, before);
    operator.remove(&file, &name("mail"), &name("r9")).unwrap();
    let nobody = operator.remove(&file, &name("mail"), &name("r9")).unwrap_err().to_string();
    assert_eq!(nobody, "pool `mail` has no real server `r9`; it has: none");
}

#[test]
fn tunnels_take_servers_of_either_family() {
    let (mut operator, mut file, web) = (Operator::default(), file(), name("web"));
    file.services[0].mode = Mode::Tunnel;
    operator
        .add(&file, &web, RealServer { address: "fd00::4".parse().unwrap(), ..server(4) })
        .unwrap();
    assert_eq!(names(&operator, &file), ["r1", "r2", "r3", "r4"]);
}

#[test]
fn states_come_and_go() {
    let (mut operator, file, web) = (Operator::default(), file(), name("web"));
    assert_eq!(admin(&operator, 1), Admin::Ready);
    for state in [Admin::Drain, Admin::Maintenance, Admin::Ready] {
        operator.set_state(&file, &web, &name("r1"), state).unwrap();
        assert_eq!((admin(&operator, 1), admin(&operator, 2)), (state, Admin::Ready));
    }
    assert_eq!(operator.pools[&web], PoolChanges::default());
    // Whoever leaves and returns is ready, with the file's weight.
    operator.set_state(&file, &web, &name("r1"), Admin::Drain).unwrap();
    operator.set_weight(&file, &web, &name("r1"), Weight::ZERO).unwrap();
    operator.remove(&file, &web, &name("r1")).unwrap();
    operator.add(&file, &web, server(1)).unwrap();
    assert_eq!(operator.pools[&web], PoolChanges::default());
}

#[test]
fn weights_replace_the_files() {
    let (mut operator, file, web) = (Operator::default(), file(), name("web"));
    operator.add(&file, &web, server(4)).unwrap();
    let weight = |number| Weight::new(number).unwrap();
    for (server, value) in [("r1", 5), ("r4", 7)] {
        operator.set_weight(&file, &web, &name(server), weight(value)).unwrap();
    }
    let with = |a, b| [("r1", a), ("r2", 1), ("r3", 1), ("r4", b)].map(|(n, w)| (n.to_owned(), w));
    assert_eq!(in_force(&operator, &file), with(5, 7));
    operator.set_weight(&file, &web, &name("r1"), weight(1)).unwrap();
    assert_eq!(in_force(&operator, &file), with(1, 7));
    assert!(!operator.pools[&web].weights.contains_key(&name("r1")), "it is the file's");
}

#[test]
fn the_file_catches_up() {
    let (mut operator, web) = (Operator::default(), name("web"));
    operator.add(&file(), &web, server(4)).unwrap();
    operator.set_state(&file(), &web, &name("r4"), Admin::Drain).unwrap();
    // With the same name, or with the same address under another.
    let same = pools(&[("web", &[1, 4])]);
    assert_eq!(names(&operator, &same), ["r1", "r4"]);
    let mut renamed = same.clone();
    renamed.pools[0].servers[1].name = name("new");
    assert_eq!(names(&operator, &renamed), ["r1", "new"]);
    // What names somebody who is gone is left out, and a pool that is gone too.
    operator.remove(&same, &web, &name("r1")).unwrap();
    assert_eq!(names(&operator, &pools(&[("web", &[2])])), ["r2", "r4"]);
    let other = pools(&[("other", &[1])]);
    assert_eq!(operator.apply(&other).config, other);
}

#[test]
fn the_word_survives_a_restart() {
    let (mut operator, file, web) = (Operator::default(), file(), name("web"));
    operator.add(&file, &web, server(4)).unwrap();
    operator.remove(&file, &web, &name("r1")).unwrap();
    operator.set_state(&file, &web, &name("r2"), Admin::Maintenance).unwrap();
    operator.set_weight(&file, &web, &name("r3"), Weight::ZERO).unwrap();
    let text = serde_json::to_string(&operator).unwrap();
    assert_eq!(serde_json::from_str::<Operator>(&text).unwrap(), operator);
    assert_eq!(serde_json::from_str::<Operator>("{}").unwrap(), Operator::default());
}
