//! Directors that compare what they have, and changes that are for all of them.

use std::fs;
use std::path::PathBuf;

use lb_tests::lab::{Director, Families, Topology, write_secret};
use lb_userspace::api::{DirectorStatus, Status};
use lb_userspace::model::Name;

use crate::stage::{Stage, server, until};

const SECOND: &str = "director2";
/// Both directors and a third that is not there: all share one list.
const PEERS: &str =
    "peers = [\"10.8.8.41\", \"10.8.8.42\", \"10.8.8.49\"]\nmanage_addresses = false\n";

/// Two directors, each with its own files. Dropped in this order.
struct Pair {
    second: Director,
    stage: Stage,
}

impl Pair {
    /// With one seed, or with one each.
    fn up(one_seed: bool) -> Self {
        let topology = Topology::default().directors(2).families(Families::Ipv4);
        let mut stage = Stage::prepared(topology, |config| config.check = String::new());
        let seed = stage.director.paths.state.join("seed");
        let second = Director::new(&stage.lab, SECOND).expect("a second director");
        let seed = |own: bool| -> PathBuf {
            if own { second.paths.state.join("another") } else { seed.clone() }
        };
        write_secret(&seed(true), &"5eed".repeat(16).replace('5', "6")).expect("a seed");
        stage.config.node = format!("{PEERS}seed_file = {:?}\n", seed(false));
        stage.director.write_config(&stage.toml()).expect("lb.toml is written");
        stage.config.node = format!("{PEERS}seed_file = {:?}\n", seed(!one_seed));
        stage.config.write(&stage.lab, SECOND).expect("lb.toml of the second is written");
        let mut pair = Self { second, stage };
        pair.stage.director.start().expect("the first agent starts");
        pair.second.start().expect("the second agent starts");
        pair
    }
}

/// What the status says of director 2: `this host` is not among the others, the one that is not there is.
fn other(status: &Status) -> &DirectorStatus {
    let addresses: Vec<_> = status.directors.iter().map(|d| d.address.to_string()).collect();
    assert!(addresses.contains(&"10.8.8.49".to_owned()), "{addresses:?}");
    let found =
        status.directors.iter().find(|director| director.address.to_string() == "10.8.8.42");
    found.expect("the other director")
}

fn differences(status: &Status) -> Vec<&str> {
    other(status).differences.iter().map(String::as_str).collect()
}

#[test]
fn they_name_what_differs() {
    let pair = Pair::up(true);
    let status = pair.stage.until("both are heard, and this host is known", |status| {
        other(status).heard_seconds.is_some() && status.directors.len() == 2
    });
    assert_eq!(differences(&status), [""; 0]);
    assert_eq!(other(&status).name.as_ref().map(Name::as_str), Some(SECOND));
    let gone = status.directors.iter().find(|d| d.address.to_string() == "10.8.8.49").unwrap();
    assert_eq!(gone.heard_seconds, None);

    // An operator drains on one, and changes the file of the other.
    pair.stage.lb(&["backend", "drain", "web4/real1"]);
    pair.stage.until("the drain differs", |status| {
        differences(status) == ["web4/real1 is as in the file there and drain here"]
    });
    let toml = fs::read_to_string(&pair.second.paths.config).expect("lb.toml");
    let toml = toml.replacen("scheduler = \"maglev\"", "ring_size = 2039", 1);
    pair.second.write_config(&toml).unwrap();
    pair.second.lb(&["reload"]).unwrap();
    pair.stage.until("the file differs, too", |status| {
        differences(status)
            == ["its pool web4 is another", "web4/real1 is as in the file there and drain here"]
    });
    let page = pair.stage.lb(&["status"]);
    assert!(page.contains("10.8.8.42: its pool web4 is another"), "{page}");
}

#[test]
fn everywhere_means_everywhere() {
    let pair = Pair::up(true);
    pair.stage.until("both are heard, and this host is known", |status| {
        other(status).heard_seconds.is_some() && status.directors.len() == 2
    });
    // One of the three is not there, and is named.
    let (code, said) = pair.stage.lb_fails(&["backend", "drain", "web4/real1", "--everywhere"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("not on 10.8.8.49: "), "{said}");
    let drained = |status: &Status| server(status, "web4", "real1").state == "drain";
    assert!(drained(&pair.stage.status()) && drained(&crate::stage::status(&pair.second)));

    for director in [&pair.stage.director, &pair.second] {
        let toml = fs::read_to_string(&director.paths.config).unwrap();
        director.write_config(&toml.replace(", \"10.8.8.49\"", "")).unwrap();
        director.lb(&["reload"]).unwrap();
    }
    let known = |status: &Status| {
        status.directors.len() == 1 && status.directors.iter().all(|d| d.heard_seconds.is_some())
    };
    pair.stage.until("the new list is asked", known);
    let said = pair.stage.lb(&["backend", "weight", "web4/real2", "3", "--everywhere"]);
    assert!(said.contains("the same on 10.8.8.42"), "{said}");
    assert_eq!(server(&crate::stage::status(&pair.second), "web4", "real2").weight, 3);

    // What is refused here is asked of nobody.
    let add = ["backend", "add", "web4/real1", "--address", "10.8.8.77", "--everywhere"];
    let (_, said) = pair.stage.lb_fails(&add);
    assert!(said.contains("has a real server `real1` already"), "{said}");
}

#[test]
fn another_seed_is_no_director_of_ours() {
    let pair = Pair::up(false);
    let seed = |director: &Director| {
        until(director, "the seeds differ", |status| {
            status.directors.iter().any(|director| {
                director.silent.as_ref().is_some_and(|words| words.contains("seed"))
            })
        })
    };
    seed(&pair.stage.director);
    seed(&pair.second);
    let (_, said) = pair.stage.lb_fails(&["backend", "drain", "web4/real1", "--everywhere"]);
    assert!(said.contains("not on 10.8.8.42: it has hung up: its seed is another"), "{said}");
    assert_eq!(server(&crate::stage::status(&pair.second), "web4", "real1").state, "up");
}
