//! A second interface for real servers to be behind.

use std::{process::Command, thread};

use nix::sched::{CloneFlags, unshare};

/// Its name.
const UPLINK: &str = "uplink";

/// Runs a test where there is one, with the number that [`crate::plane::Plane::elsewhere`] means: the redirect
/// table takes interfaces of the thread's network namespace alone.
pub(crate) fn with_uplink(test: impl FnOnce() + Send + 'static) {
    let in_namespace = || {
        unshare(CloneFlags::CLONE_NEWNET).expect("root may");
        ip(&["link", "add", UPLINK, "index", "2", "type", "veth", "peer", "index", "3"]);
        test();
    };
    thread::spawn(in_namespace).join().expect("the test in its namespace");
}

/// Takes it away.
pub(crate) fn remove_uplink() {
    ip(&["link", "delete", UPLINK]);
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("iproute2");
    assert!(status.success(), "ip {}", arguments.join(" "));
}
