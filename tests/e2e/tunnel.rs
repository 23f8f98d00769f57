//! Tunnels from a director to real servers behind a router, taken apart by `lb` on the real server.

use std::fs;

use lb_tests::lab::{Director, DirectorPaths, Families, Topology, VIP4};

use crate::requests::assert_shares;
use crate::stage::{Stage, server};
use crate::trace::trace;

/// The real server's address behind the router, and the routers' addresses on the segment.
const FAR: &str = "192.0.2.51";
const ROUTERS: [&str; 2] = ["10.8.8.51", "10.8.8.52"];

/// One real server, `real1`, which is its own router.
fn prepared(more: &str) -> Stage {
    let topology = Topology::default().reals(2).families(Families::Ipv4);
    let mut stage = Stage::prepared(topology, |config| {
        config.reals = 1;
        config.check = String::new();
        config.pool = more.to_owned();
    });
    let toml = stage.toml().replace(ROUTERS[0], FAR).replace("direct-routing", "tunnel");
    stage.director.write_config(&toml).expect("lb.toml is written");
    let far = format!("address add {FAR}/32 dev lo\n");
    stage.lab.namespace("real1").ip_batch(&far).expect("the far address");
    lead_to(&stage, ROUTERS[0]);
    stage.director.start().expect("the agent starts");
    stage.until("real1 is in the ring", |status| server(status, "web4", "real1").share > 0.9);
    stage
}

fn lead_to(stage: &Stage, router: &str) {
    let route = format!("route replace {FAR} via {router}\n");
    stage.director.namespace().ip_batch(&route).expect("the route");
}

/// `lb` on `real1`, which takes tunnels apart. Started as a director, it has no services.
fn far_end(stage: &Stage, from: &str) -> Director {
    let paths = DirectorPaths::new(&stage.lab, "real1");
    fs::create_dir_all(&paths.state).expect("a folder");
    let mut end = Director::new(&stage.lab, "real1").expect("a far end");
    let toml = format!(
        "[node]\nname = \"real1\"\ninterface = \"eth0\"\nsocket = {:?}\npin_folder = {:?}\n\
         state_folder = {:?}\ndecapsulate = [\"{FAR}\"]\ndecapsulate_from = [\"{from}\"]\n",
        paths.socket, paths.pins, paths.state
    );
    end.write_config(&toml).expect("lb.toml is written");
    end.start().expect("the agent starts");
    end
}

fn reason(director: &Director, name: &str) -> u64 {
    let status = crate::stage::status(director);
    let found = status.reasons.iter().find(|reason| reason.reason == name);
    found.unwrap_or_else(|| panic!("no reason {name}")).packets
}

#[test]
fn packets_go_through_a_router_and_come_out_of_their_tunnel() {
    for kind in ["", "tunnel = { type = \"gue\" }\n"] {
        let stage = prepared(kind);
        assert_eq!(stage.status().warnings, [""; 0]);
        let end = far_end(&stage, "10.8.8.0/24");
        assert_shares(&stage.ask(300), &[("real1", 1.0)]);
        assert!(reason(&end, "unpacked") > 300);

        let said = trace(&stage, "10.100.0.1:20001".parse().unwrap(), (VIP4, 80).into());
        let way = said.steps.last().unwrap();
        let from_to = format!("from 10.8.8.41 to {FAR}");
        assert!(way.contains("in a tunnel") && way.contains(&from_to), "{way}");
        assert_eq!(way.contains("GUE"), !kind.is_empty(), "{way}");
    }
}

#[test]
fn who_may_not_send_is_refused_until_a_reload_lets_it() {
    let stage = prepared("");
    let end = far_end(&stage, "10.8.9.0/24");
    let refused = stage.requests();
    crate::stage::until(&end, "strangers are counted", |status| {
        status.reasons.iter().any(|reason| reason.reason == "stranger" && reason.packets > 0)
    });
    assert_eq!(reason(&end, "unpacked"), 0);
    refused.stop();
    let toml = fs::read_to_string(&end.paths.config).unwrap();
    end.write_config(&toml.replace("10.8.9.0/24", "10.8.8.41/32")).unwrap();
    end.lb(&["reload"]).unwrap();
    stage.ask(50);
    // Nothing is taken apart any more: the packets meet a host that knows no tunnels.
    end.write_config(&toml.replace("\"192.0.2.51\"", "").replace("\"10.8.9.0/24\"", "")).unwrap();
    end.lb(&["reload"]).unwrap();
    let (unpacked, passed) = (reason(&end, "unpacked"), reason(&end, "other_protocol"));
    let lost = stage.requests();
    crate::stage::until(&end, "packets pass", |status| {
        let mut reasons = status.reasons.iter();
        reasons.any(|reason| reason.reason == "other_protocol" && reason.packets > passed)
    });
    lost.stop();
    assert_eq!(reason(&end, "unpacked"), unpacked);
}

#[test]
fn a_route_that_changes_takes_the_tunnel_along() {
    let stage = prepared("");
    let mac = || {
        let said = trace(&stage, "10.100.0.1:20001".parse().unwrap(), (VIP4, 80).into());
        said.mac.unwrap_or_else(|| panic!("{:?}", said.steps))
    };
    let first = mac();
    let next_hop = |mac: &str| {
        stage.until("the other router", |status| {
            let hop = server(status, "web4", "real1").next_hop.as_ref();
            hop.is_some_and(|hop| hop.mac != mac)
        })
    };
    lead_to(&stage, ROUTERS[1]);
    stage.lb(&["reload"]);
    next_hop(&first);
    assert_ne!(mac(), first);
    assert!(server(&stage.status(), "web4", "real1").share > 0.9, "it was never without a way");
}
