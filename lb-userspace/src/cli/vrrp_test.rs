//! What people see.

use super::*;
use crate::api::{Deliveries, HeardMaster, RejectStatus};

fn step(seconds_ago: f64, from: &str, to: &str, reason: &str) -> TransitionStatus {
    let (from, to, reason) = (from.to_owned(), to.to_owned(), reason.to_owned());
    TransitionStatus { seconds_ago, from, to, reason }
}

fn master() -> VrrpStatus {
    VrrpStatus {
        name: "LVS_HAP".parse().expect("a name"),
        group: None,
        interface: "eth0".to_owned(),
        virtual_mac: None,
        version: 2,
        virtual_router_id: 51,
        state: "master".to_owned(),
        since_seconds: 4_000.0,
        priority: 5,
        configured_priority: 5,
        trackers: Vec::new(),
        fault: None,
        addresses: vec!["10.8.8.40/32".parse().expect("a network")],
        held: true,
        lease: Some(LeaseStatus {
            seconds_left: Some(2.75),
            claimed_seconds_ago: None,
            fenced: false,
        }),
        problem: None,
        heard_master: None,
        sent: 4_000,
        not_sent: 0,
        heard: 0,
        rejected: Vec::new(),
        transitions: vec![
            step(4_003.6, "initialize", "backup", "started"),
            step(4_000.0, "backup", "master", "no master heard"),
        ],
        untold: 0,
        notifications: Notifications::default(),
        group_notifications: Notifications::default(),
    }
}

#[test]
fn a_master() {
    let expected = "\
LVS_HAP  master for 1h 6m, priority 5
  VRID 51 on eth0, VRRPv2
  VIPs 10.8.8.40/32
  advertisements: 4000 sent, 0 heard
  lease: 2.8s left
    AGO  FROM        TO      WHY
  1h 6m  backup      master  no master heard
  1h 6m  initialize  backup  started
";
    assert_eq!(text(&[master()], Paint::Plain), expected);
}

#[test]
fn a_virtual_mac() {
    let (mac, interface) = ("00:00:5e:00:01:33".to_owned(), "vrrp.51".to_owned());
    let one = VrrpStatus { virtual_mac: Some(VirtualMacStatus { mac, interface }), ..master() };
    let shown = text(&[one], Paint::Plain);
    let lines = "VRID 51 on eth0, VRRPv2\n  virtual MAC 00:00:5e:00:01:33 on vrrp.51\n  VIPs";
    assert!(shown.contains(lines), "{shown}");
}

#[test]
fn a_backup_that_hears_things() {
    let backup = VrrpStatus {
        state: "backup".to_owned(),
        since_seconds: 1.25,
        held: false,
        lease: Some(LeaseStatus {
            seconds_left: None,
            claimed_seconds_ago: Some(0.5),
            fenced: false,
        }),
        heard_master: Some(HeardMaster {
            address: [10, 8, 8, 41].into(),
            priority: 100,
            seconds_ago: 0.5,
            other_addresses: true,
        }),
        heard: 7,
        sent: 0,
        rejected: vec![RejectStatus {
            reason: "authentication_data".to_owned(),
            words: "wrong password or authentication code".to_owned(),
            packets: 3,
        }],
        transitions: Vec::new(),
        group: Some("both".parse().expect("a name")),
        ..master()
    };
    let expected = "\
LVS_HAP  backup for 1.2s, priority 5
  VRID 51 on eth0, VRRPv2, group both
  VIPs 10.8.8.40/32 (not on this host)
  heard 10.8.8.41: priority 100, 0.5s ago, with other VIPs
  advertisements: 0 sent, 7 heard
  dropped 3: wrong password or authentication code
";
    assert_eq!(text(&[backup], Paint::Plain), expected);
}

#[test]
fn a_lease_with_a_rival() {
    let lease =
        |fenced| LeaseStatus { seconds_left: Some(0.0), claimed_seconds_ago: Some(12.0), fenced };
    let shown =
        |fenced| text(&[VrrpStatus { lease: Some(lease(fenced)), ..master() }], Paint::Plain);
    let wanted = "  lease: 0.0s left; another host has claimed the VIPs 12s ago\n";
    assert!(shown(false).contains(wanted), "{}", shown(false));
    let wanted =
        "  fenced: another host has claimed the VIPs 12s ago, and gets all requests for them\n";
    assert!(shown(true).contains(wanted), "{}", shown(true));
}

#[test]
fn each_tracker_has_its_share() {
    let tracker = |name: &str, weight, state: &str, share, reason: &str| TrackerStatus {
        name: name.parse().expect("a name"),
        weight,
        state: state.to_owned(),
        share,
        forbids: false,
        reason: reason.to_owned(),
        said: None,
    };
    let master = VrrpStatus {
        priority: 4,
        trackers: vec![
            tracker("haproxy", 2, "up", 2, "1 process"),
            TrackerStatus {
                said: Some("no route".to_owned()),
                ..tracker("gateway", -10, "down", -10, "exit code 1")
            },
            tracker("weight", 1, "7", 7, ""),
            TrackerStatus { forbids: true, ..tracker("db", 0, "down", 0, "no process") },
        ],
        transitions: Vec::new(),
        ..master()
    };
    let expected = "\
LVS_HAP  master for 1h 6m, priority 4 (5 configured)
  VRID 51 on eth0, VRRPv2
  VIPs 10.8.8.40/32
  advertisements: 4000 sent, 0 heard
  lease: 2.8s left
  TRACKER  STATE  WEIGHT  SHARE  WHY
  haproxy  up          2     +2  1 process
  gateway  down      -10    -10  exit code 1: no route
  weight   7           1     +7
  db       down        0  fault  no process
";
    assert_eq!(text(&[master], Paint::Plain), expected);
}

#[test]
fn what_is_wrong_is_said() {
    let faulty = VrrpStatus {
        state: "fault".to_owned(),
        fault: Some("eth0 is down".to_owned()),
        problem: Some("cannot add 10.8.8.40/32 to eth0".to_owned()),
        not_sent: 2,
        group: Some("both".parse().expect("a name")),
        untold: 3,
        notifications: Notifications {
            scripts: Deliveries { sent: 4, failed: 1, dropped: 0 },
            fifo: Deliveries { sent: 0, failed: 0, dropped: 5 },
            mail: Deliveries { sent: 1, failed: 1, dropped: 0 },
            webhook: Deliveries::default(),
            last_problem: Some("/etc/lb/master.sh ended with status 3".to_owned()),
        },
        group_notifications: Notifications {
            scripts: Deliveries { sent: 1, failed: 1, dropped: 0 },
            ..Notifications::default()
        },
        ..master()
    };
    let text = text(&[faulty], Paint::Plain);
    for words in [
        "  eth0 is down\n",
        "  cannot add 10.8.8.40/32 to eth0\n",
        "  2 could not be sent\n",
        "  nobody was told of 3 transitions\n",
        "  notifications: 2 failed, 5 dropped; /etc/lb/master.sh ended with status 3\n",
        "  notifications of group both: 1 failed\n",
    ] {
        assert!(text.contains(words), "{text}");
    }
}
