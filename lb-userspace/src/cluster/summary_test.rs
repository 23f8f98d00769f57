//! Tests of [`super`]: what differs is named, what may differ is not.

use super::*;
use crate::{
    model::{RealServer, Weight},
    plan::{
        Admin,
        sample::{name, pools, real},
    },
};

fn file() -> Config {
    pools(&[("web", &[1, 2, 3]), ("mail", &[7, 8, 9])])
}

fn summary(config: &Config, operator: &Operator) -> Summary {
    Summary::of(1, "0.1.0", config, operator)
}

#[test]
fn equal_files_differ_in_nothing() {
    let ours = summary(&file(), &Operator::default());
    let mut other = file();
    other.node.name = name("director-2");
    other.pools.reverse();
    other.pools[1].servers.reverse();
    let theirs = Summary::of(2, "0.2.0", &other, &Operator::default());
    assert_eq!(ours.differences(&theirs), [""; 0]);
}

#[test]
fn each_part_of_a_file_is_named() {
    let ours = summary(&file(), &Operator::default());
    let mut other = file();
    other.pools[0].servers[0].weight = Weight::new(7).unwrap();
    other.pools[1].name = name("post");
    let theirs = summary(&other, &Operator::default());
    let wanted = [
        "it has no pool mail",
        "its pool web is another",
        "it has a pool post, which this one has not",
    ];
    let services = |words: &&String| !words.contains("service");
    let found = ours.differences(&theirs);
    assert_eq!(found.iter().filter(services).collect::<Vec<_>>(), wanted);
}

#[test]
fn an_operators_word_is_compared_word_by_word() {
    let (web, file) = (name("web"), file());
    let mut here = Operator::default();
    here.set_state(&file, &web, &name("r1"), Admin::Drain).unwrap();
    here.set_weight(&file, &web, &name("r1"), Weight::new(3).unwrap()).unwrap();
    let mut there = Operator::default();
    let added = RealServer {
        max_connections: None,
        name: name("r4"),
        address: real(4),
        port: Some(81),
        weight: Weight::default(),
        backup: false,
    };
    there.add(&file, &web, added).unwrap();
    there.remove(&file, &web, &name("r2")).unwrap();
    let differences = summary(&file, &here).differences(&summary(&file, &there));
    let address = real(4);
    assert_eq!(
        differences,
        [
            "web/r1 is as in the file there and drain, of weight 3 here".to_owned(),
            "web/r2 is removed there and as in the file here".to_owned(),
            format!(
                "web/r4 is added at {address} port 81 with weight 1 there and as in the file here"
            ),
        ]
    );
    assert_eq!(summary(&file, &here).differences(&summary(&file, &here)), [""; 0]);
}
