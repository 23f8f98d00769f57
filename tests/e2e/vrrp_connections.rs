//! Two thousand connections with data on each of them, and VRRP moves the VIPs: none breaks.

use lb_tests::lab::Topology;
use lb_userspace::api::Status;

use crate::consistency::{assert_whole, by_server, open};
use crate::stage::{Stage, has_been_checked, service, status, until};
use crate::vrrp::{FIRST, Pair, SECOND};

const CONNECTIONS: usize = 2_001;
const REALS: u8 = 3;
/// The shortest there is: that of the start has to end.
const WINDOW: &str = "window = \"10s\"\n";

fn packets(status: &Status) -> u64 {
    ["web4", "web6", "bundle"].iter().map(|name| service(status, name).packets).sum()
}

/// Every real server has its share, and no window is open.
fn until_steady(pair: &Pair) {
    let steady = |status: &Status| {
        status.pools.iter().all(|pool| {
            let share = 1.0 / f64::from(REALS);
            let has_its_share = pool
                .servers
                .iter()
                .all(|one| (one.share - share).abs() < 0.01 && has_been_checked(one));
            pool.transition_seconds.is_none() && has_its_share
        })
    };
    pair.stage.until("the steady state", steady);
    until(&pair.second, "the steady state", steady);
}

#[test]
fn connections_survive_the_death_of_their_master() {
    let topology = Topology::default().directors(2).reals(REALS);
    let stage = Stage::prepared(topology, |config| WINDOW.clone_into(&mut config.pool));
    let mut pair = Pair::up_on(stage, 3, (150, 100), "advert_interval = \"100ms\"\n");
    until_steady(&pair);
    pair.assert_master(FIRST);
    let connections = open(&pair.stage, CONNECTIONS);
    assert_eq!(by_server(&connections.records()).len(), usize::from(REALS));
    assert_eq!(packets(&status(&pair.second)), 0, "everything goes by the master");

    pair.connect(FIRST, "down");
    pair.stage.director.kill9().expect("the first agent is killed");
    pair.until(SECOND, "master");
    assert_whole(&[&connections], "the master is dead");
    assert_whole(&[&connections], "the second one goes on");
    let by_second = packets(&status(&pair.second));
    assert!(by_second > CONNECTIONS as u64, "{by_second} packets by the second one");

    pair.connect(FIRST, "up");
    pair.stage.director.start().expect("the first agent starts again");
    pair.assert_master(FIRST);
    assert_whole(&[&connections], "the first one is back");

    // Only the agent dies: XDP forwards until the other one has the VIPs, and after that.
    until_steady(&pair);
    pair.stage.director.kill9().expect("the first agent is killed");
    pair.until(SECOND, "master");
    assert_whole(&[&connections], "the master's agent is dead");
    pair.stage.director.start().expect("the first agent starts again");
    pair.assert_master(FIRST);
    pair.stage.director.terminate().expect("the first agent ends");
    pair.until(SECOND, "master");
    assert_whole(&[&connections], "the master has left");

    let records = connections.stop().expect("they are closed");
    let bytes: u64 = records.iter().map(|record| record.bytes).sum();
    let broken = records.iter().filter(|record| record.broken.is_some()).count();
    println!("{} connections, {bytes} bytes, 5 takeovers: {broken} broken", records.len());
    assert_eq!(broken, 0);
}
