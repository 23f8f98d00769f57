//! Checks through VIPs: a real server that lacks one is found, by a director that has it, too.

use lb_tests::lab::{Director, Topology, VIP4, VIP6};
use lb_userspace::api::{ServerStatus, Status};

use crate::{
    requests::assert_shares,
    stage::{Stage, server},
    tunnel::{FAR, far_end, lead_to},
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

/// Real servers in tunnels, by IPv4 behind a router; each with a VIP of its own family, and one of the other. The
/// request does not fit into one packet.
fn in_tunnels(kind: &str) -> (Stage, Director) {
    let long = "x".repeat(2_000);
    let more = format!(r#"{{ headers = ["X-Long: {long}"], type"#);
    let mut stage = Stage::prepared(Topology::default(), |config| {
        config.reals = 1;
        config.check = CHECK.replace("{ type", &more);
        config.pool = kind.to_owned();
        for (name, vip, pool) in
            [("mixed4", VIP6.to_string(), "web4"), ("mixed6", VIP4.to_string(), "web6")]
        {
            config.more += &format!(
                "\n[[service]]\nname = \"{name}\"\naddress = \"{vip}\"\nports = [\"tcp/8080\"]\n\
                 mode = \"tunnel\"\npool = \"{pool}\"\n"
            );
        }
    });
    let near = stage.lab.topology().find("real1").expect("it is in the lab");
    let near6 = near.ipv6.expect("both families").to_string();
    let near4 = near.ipv4.expect("both families").to_string();
    let toml = stage.toml().replace(&format!("{near4:?}"), &format!("{FAR:?}"));
    stage
        .director
        .write_config(&toml.replace("direct-routing", "tunnel"))
        .expect("lb.toml is written");
    let far = format!("address add {FAR}/32 dev lo\n");
    stage.lab.namespace("real1").ip_batch(&far).expect("the far address");
    lead_to(&stage, &near4);
    let end = far_end(&stage, &[FAR, &near6], &["10.8.8.0/24", "fd00:8:8::/64"]);
    stage.director.start().expect("the agent starts");
    (stage, end)
}

#[test]
fn a_missing_vip_is_found_through_a_tunnel() {
    for kind in ["", "tunnel = { type = \"gue\" }\n"] {
        let (stage, end) = in_tunnels(kind);
        let both = |state: &'static str| {
            move |status: &Status| {
                ["web4", "web6"].iter().all(|pool| server(status, pool, "real1").state == state)
            }
        };
        stage.until("real1 is up by both families", both("up"));
        assert_shares(&stage.ask(200), &[("real1", 1.0)]);
        let real = stage.lab.namespace("real1");
        for (vip, prefix) in [(VIP4.to_string(), "32"), (VIP6.to_string(), "128")] {
            real.ip_batch(&format!("addr del {vip}/{prefix} dev lo\n")).unwrap();
            let status = stage.until("real1 lacks a VIP", both("down"));
            let words = format!(
                "answers at its own address, but not through VIP {vip} (no answer within 300ms): does it take \
                 the tunnel apart, and is the VIP on its lo? `lb real-server setup` puts it there"
            );
            for pool in ["web4", "web6"] {
                assert_eq!(reason(server(&status, pool, "real1")), words, "{pool}");
            }
            let nodad = if prefix == "128" { " nodad" } else { "" };
            real.ip_batch(&format!("addr add {vip}/{prefix} dev lo{nodad}\n")).unwrap();
            stage.until("real1 is back", both("up"));
        }
        drop(end);
        let status = stage.until("nobody takes the tunnels apart", both("down"));
        let found = reason(server(&status, "web6", "real1"));
        assert!(found.contains("does it take the tunnel apart"), "{found}");
    }
}
