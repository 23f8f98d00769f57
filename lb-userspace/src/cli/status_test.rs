//! Tests of the tables that `lb status` prints.

use super::*;
use crate::{
    api::{
        Deliveries, DirectorStatus, HealthStatus, InterfaceStatus, Leaving, NextHopStatus,
        Notifications, PoolStatus, QuorumStatus, Rates, RealTraffic, ReasonStatus, RemovedStatus,
        ServerStatus, ServiceStatus,
    },
    model::Name,
    plan::Admin,
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn rates(packets: u64) -> Rates {
    Rates {
        packets_per_second: packets,
        bits_per_second: packets * 5_600,
        connections_per_second: packets / 10,
    }
}

fn real(number: u8, state: &str, share: f64, packets: u64) -> RealTraffic {
    RealTraffic {
        name: name(&format!("lvs-hap0{number}")),
        address: [10, 8, 8, 40 + number].into(),
        state: state.to_owned(),
        weight: 1,
        share,
        sorry: false,
        packets,
        bytes: packets * 700,
        connections: packets / 10,
        rates: rates(packets / 100),
    }
}

fn server(number: u8, state: &str, share: f64) -> ServerStatus {
    let RealTraffic { name, address, state, weight, share, .. } = real(number, state, share, 0);
    ServerStatus {
        name,
        address,
        weight,
        sorry: false,
        transitions: 0,
        backup: false,
        damped_seconds: None,
        ejected_seconds: None,
        keeps_flows: false,
        admin: Admin::Ready,
        advice: None,
        differs_from_file: false,
        state,
        share,
        health: Some(HealthStatus {
            kind: "tcp".to_owned(),
            state: "up".to_owned(),
            since_seconds: 303,
            reason: None,
            checks: 150,
        }),
        leaving: None,
        next_hop: Some(NextHopStatus {
            mac: format!("02:00:00:00:00:0{number}"),
            interface: "eth0".to_owned(),
            state: "reachable".to_owned(),
            age_seconds: Some(7),
        }),
        local: false,
    }
}

fn reason(words: &str, drops: bool, packets: u64) -> ReasonStatus {
    let key = words.replace(' ', "_");
    ReasonStatus { reason: key, words: words.to_owned(), drops, packets, bytes: packets * 60 }
}

/// A director with something of everything.
pub(in crate::cli) fn example() -> Status {
    let mut drained = server(4, "drain", 0.0);
    (drained.admin, drained.differs_from_file) = (Admin::Drain, true);
    drained.leaving = Some(Leaving { connections_left: 12, drained: false });
    let mut down = server(5, "down", 0.0);
    down.health = Some(HealthStatus {
        kind: "tcp".to_owned(),
        state: "down".to_owned(),
        since_seconds: 8_040,
        reason: Some("connection refused".to_owned()),
        checks: 4_000,
    });
    down.keeps_flows = true;
    let mut unresolved = server(6, "unresolved", 0.0);
    (unresolved.health, unresolved.next_hop) = (None, None);
    unresolved.sorry = true;
    let mut backup = server(3, "up", 1.0);
    backup.backup = true;
    let mut damped = server(9, "damped", 0.0);
    damped.damped_seconds = Some(95);
    Status {
        node: name("lvs-hap01"),
        version: "0.1.0".to_owned(),
        pid: 4711,
        uptime_seconds: 273_600,
        config: "/etc/lb/lb.toml".into(),
        adopted: true,
        interfaces: vec![
            InterfaceStatus {
                name: "eth0".to_owned(),
                xdp_mode: "native".to_owned(),
                fell_back: None,
            },
            InterfaceStatus {
                name: "eth1".to_owned(),
                xdp_mode: "generic".to_owned(),
                fell_back: Some("the driver has no XDP".to_owned()),
            },
        ],
        services: vec![ServiceStatus {
            name: name("web-direct"),
            address: [10, 8, 8, 40].into(),
            ports: vec!["tcp/80".to_owned(), "tcp/443".to_owned()],
            mark: Some(80),
            mark_on_packets: true,
            mode: "direct-routing".to_owned(),
            pool: name("web"),
            packets: 1_234_567,
            bytes: 1_234_567 * 700,
            connections: 123_456,
            rates: rates(12_345),
            flood: true,
            flood_seconds: Some(75),
            reals: vec![
                real(3, "up", 1.0, 1_230_000),
                real(4, "drain", 0.0, 4_567),
                real(5, "down", 0.0, 0),
            ],
        }],
        pools: vec![
            PoolStatus {
                name: name("web"),
                scheduler: "maglev".to_owned(),
                ring_slots: 1021,
                transition_seconds: Some(723),
                transition_held: false,
                notifications: Notifications {
                    scripts: Deliveries { sent: 3, failed: 1, dropped: 0 },
                    last_problem: Some("/etc/lb/down.sh ended with status 1".to_owned()),
                    ..Notifications::default()
                },
                crew: "backups".to_owned(),
                odd: Some("backups are used: no other server is alive".to_owned()),
                quorum: Some(QuorumStatus { needed: 2, hysteresis: 1, alive: 3, holds: true }),
                servers: vec![backup, drained, down, damped],
                removed: vec![RemovedStatus {
                    address: [10, 8, 8, 47].into(),
                    leaving: Leaving { connections_left: 1, drained: false },
                }],
            },
            PoolStatus {
                name: name("dns"),
                scheduler: "source".to_owned(),
                ring_slots: 1021,
                transition_seconds: Some(0),
                transition_held: true,
                notifications: Notifications::default(),
                crew: "nobody".to_owned(),
                odd: None,
                quorum: None,
                servers: vec![unresolved],
                removed: vec![RemovedStatus {
                    address: [10, 8, 8, 48].into(),
                    leaving: Leaving { connections_left: 0, drained: true },
                }],
            },
        ],
        reasons: vec![
            reason("not IP (ARP among it)", false, 42),
            reason("a later fragment, not for a VIP", false, 0),
            reason("no real server is available", true, 7),
        ],
        worker: None,
        probe: None,
        directors: vec![
            DirectorStatus {
                address: [10, 8, 8, 42].into(),
                name: Some(name("lvs-hap02")),
                version: Some("0.1.0".to_owned()),
                heard_seconds: Some(3),
                silent: None,
                differences: vec![
                    "web/lvs-hap04 is as in the file there and drain here".to_owned(),
                ],
            },
            DirectorStatus {
                address: [10, 8, 8, 44].into(),
                name: Some(name("lvs-hap04")),
                version: Some("0.1.0".to_owned()),
                heard_seconds: Some(1),
                silent: None,
                differences: Vec::new(),
            },
            DirectorStatus {
                address: [10, 8, 8, 49].into(),
                name: None,
                version: None,
                heard_seconds: None,
                silent: Some("it is not reached: No route to host".to_owned()),
                differences: Vec::new(),
            },
        ],
        warnings: vec!["eth1 is slow:\nuse another driver".to_owned()],
    }
}

#[test]
fn the_page() {
    assert_eq!(text(&example(), Paint::Plain), include_str!("status_test.txt"));
}

#[test]
fn colours_change_nothing_else() {
    let mut coloured = text(&example(), Paint::Ansi);
    for code in ["01", "31", "32", "33", "39"] {
        let sequence = format!("\x1b[{code}m");
        assert!(coloured.contains(&sequence), "{code} is not used");
        coloured = coloured.replace(&sequence, "");
    }
    let coloured = coloured.replace("\x1b[0m", "");
    assert_eq!(coloured, include_str!("status_test.txt"));
}

#[test]
fn an_idle_director_has_no_counters() {
    let mut status = example();
    status.warnings.clear();
    status.services.clear();
    status.pools.clear();
    status.directors.clear();
    status.reasons.iter_mut().for_each(|reason| reason.packets = 0);
    assert_eq!(
        text(&status, Paint::Plain),
        "lvs-hap01  lb 0.1.0, up 3d 4h (pid 4711), forwarding was adopted\n\
         configuration /etc/lb/lb.toml\n\
         interface eth0  XDP native\n\
         interface eth1  XDP generic (not native: the driver has no XDP)\n"
    );
}

#[test]
fn json_is_the_answer_itself() {
    let status = example();
    let json = serde_json::to_string_pretty(&status).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
}
