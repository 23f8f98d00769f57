//! What counts as the same process.

use std::{process, time::Duration};

use super::*;

fn wanted(process: &str, arguments: &[&str]) -> TrackProcess {
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let interval = Duration::from_secs(1);
    TrackProcess { process: process.to_owned(), arguments, at_least: 1, interval }
}

#[test]
fn by_name_and_state() {
    let cases: [(&str, &str, bool); 8] = [
        ("12 (haproxy) S 1 12", "haproxy", true),
        ("12 (haproxy) Z 1 12", "haproxy", false),
        ("12 (haproxy) X 1 12", "haproxy", false),
        ("12 (haproxy2) S 1", "haproxy", false),
        ("12 (a) (b) R 1", "a) (b", true),
        ("12 (systemd-network) S 1", "systemd-networkd", true),
        ("12 (haproxy", "haproxy", false),
        ("", "haproxy", false),
    ];
    for (stat, name, same) in cases {
        assert_eq!(is_named(stat.as_bytes(), name.as_bytes()), same, "{stat}");
    }
}

#[test]
fn by_long_names_and_arguments() {
    let line = b"/lib/systemd/systemd-networkd\0-f\0/etc/a b\0";
    let cases: [(&str, &[&str], bool); 7] = [
        ("systemd-networkd", &[], true),
        ("systemd-networkx", &[], false),
        ("systemd-networkd", &["-f"], true),
        ("systemd-networkd", &["-f", "/etc/a b"], true),
        ("systemd-networkd", &["/etc/a b"], false),
        ("systemd-networkd", &["-f", "/etc/a b", ""], false),
        // The kernel's short name has been compared already.
        ("networkd", &["-f"], true),
    ];
    for (name, arguments, same) in cases {
        assert_eq!(is_called(line, &wanted(name, arguments)), same, "{name} {arguments:?}");
    }
}

#[test]
fn this_process_is_found_and_an_ended_one_is_not() {
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    assert!(find(&wanted(name.trim(), &[])).contains(&process::id()));
    let mut child = process::Command::new("sleep").arg("86399").spawn().unwrap();
    let sleeps = wanted("sleep", &["86399"]);
    let found = |pid| find(&sleeps).contains(&pid);
    // Until it is another program.
    while !found(child.id()) {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    // A zombie until it is waited for.
    while !fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
    assert!(!found(child.id()));
    child.wait().unwrap();
}

#[test]
fn enough_or_not() {
    let cases = [
        (0, 1, Reading::Down, "no process"),
        (1, 1, Reading::Up, "1 process"),
        (2, 3, Reading::Down, "2 processes, fewer than 3"),
        (3, 3, Reading::Up, "3 processes"),
    ];
    for (alive, at_least, reading, reason) in cases {
        let expected = Finding { reading, reason: reason.to_owned(), said: None };
        assert_eq!(finding(alive, at_least), expected);
    }
}
