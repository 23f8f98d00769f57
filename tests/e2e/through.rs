//! Checks through VIPs: a real server that lacks one is found, by a director that has it, too.

use lb_tests::lab::{Topology, VIP4, VIP6};
use lb_userspace::api::{ServerStatus, Status};

use crate::{
    requests::assert_shares,
    stage::{Stage, server},
};

const CHECK: &str = r#"{ type = "http", through_vip = true, interval = "200ms", timeout = "300ms", rise = 1, fall = 2 }"#;

fn reason(server: &ServerStatus) -> String {
    server.health.as_ref().and_then(|health| health.reason.clone()).unwrap_or_default()
}

fn is(pool: &'static str, name: &'static str, state: &'static str) -> impl Fn(&Status) -> bool {
    move |status| server(status, pool, name).state == state
}

#[test]
fn a_missing_vip_is_found_by_a_director_that_has_it() {
    let stage = Stage::up_with(Topology::default(), |config| config.check = CHECK.to_owned());
    let director = stage.director.namespace();
    assert!(director.has(VIP4.into()).unwrap() && director.has(VIP6.into()).unwrap());
    // It forwards: what has come for the VIP would go back to the director, and be answered by the other one.
    let forwards = [("net/ipv4/ip_forward", "1"), ("net/ipv6/conf/all/forwarding", "1")];
    stage.lab.namespace("real1").sysctls(&forwards).unwrap();
    let requests = stage.requests();
    requests.await_more(100);

    stage.lab.namespace("real1").ip_batch(&format!("addr del {VIP4}/32 dev lo\n")).unwrap();
    let status = stage.until("real1 is down by IPv4", is("web4", "real1", "down"));
    let words = format!(
        "answers at its own address, but not through VIP {VIP4} (no answer within 300ms): is the VIP on its \
         lo? `lb real-server setup` puts it there"
    );
    assert_eq!(reason(server(&status, "web4", "real1")), words);
    // Not one of the next checks is answered, by whomever.
    let checks = |status: &Status| server(status, "web4", "real1").health.as_ref().unwrap().checks;
    let before = checks(&status);
    let status = stage.until("15 checks more", |status| checks(status) >= before + 15);
    assert_eq!(server(&status, "web4", "real1").transitions, 1);
    for (pool, name) in [("web4", "real2"), ("web6", "real1"), ("web6", "real2")] {
        assert_eq!(server(&status, pool, name).state, "up", "{pool} {name}");
    }
    stage.lab.namespace("real2").ip_batch(&format!("addr del {VIP6}/128 dev lo\n")).unwrap();
    let status = stage.until("real2 is down by IPv6", is("web6", "real2", "down"));
    let found = reason(server(&status, "web6", "real2"));
    assert!(found.contains(&format!("not through VIP {VIP6} (no answer")), "{found}");

    for (real, vip) in [("real1", format!("{VIP4}/32")), ("real2", format!("{VIP6}/128 nodad"))] {
        stage.lab.namespace(real).ip_batch(&format!("addr add {vip} dev lo\n")).unwrap();
    }
    stage.until("all are back", |status| {
        status.pools.iter().flat_map(|pool| &pool.servers).all(|server| server.state == "up")
    });
    requests.stop();
    assert_shares(&stage.ask(2000), &[("real1", 0.5), ("real2", 0.5)]);
}

#[test]
fn a_dead_server_is_not_said_to_lack_a_vip() {
    let mut stage = Stage::up_with(Topology::default(), |config| config.check = CHECK.to_owned());
    stage.lab.stop_server("real2").unwrap();
    let status = stage.until("real2 is down", is("web4", "real2", "down"));
    assert_eq!(reason(server(&status, "web4", "real2")), "connection refused");
    // A restart finds passages of the former agent in the table, and closes them.
    stage.director.kill9().unwrap();
    stage.lab.start_server("real2").unwrap();
    stage.director.start().unwrap();
    stage.until("real2 is back", is("web4", "real2", "up"));
}
