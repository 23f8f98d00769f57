//! The processes of one `lb run`: what happens when one of them dies, hangs, or is told to end.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use lb_userspace::api::Status;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{LIMIT, RETRY_PAUSE, Stage, fails, output};

/// The probe of an agent that has been given so many before.
pub(crate) fn probe_after(stage: &Stage, restarts: u32) -> Pid {
    let is_there = |status: &Status| {
        status.probe.as_ref().is_some_and(|probe| probe.running && probe.restarts >= restarts)
    };
    stage.until("the probe is there", is_there);
    stage.director.probe().expect("it runs")
}

#[test]
fn a_probe_that_dies_leaves_everything_as_it_is() {
    let stage = Stage::up();
    let requests = stage.requests();
    let checks = |status: &Status| -> u64 {
        let servers = status.pools.iter().flat_map(|pool| &pool.servers);
        servers.filter_map(|server| server.health.as_ref()).map(|health| health.checks).sum()
    };
    let before = stage.status();
    for round in 1..=3 {
        let probe = probe_after(&stage, round - 1);
        kill(probe, Signal::SIGKILL).expect("it dies");
        assert_ne!(probe_after(&stage, round), probe);
    }
    let after = stage.status();
    let probe = after.probe.clone().expect("a probe");
    assert_eq!((probe.restarts, probe.last_end.as_deref()), (3, Some("it was killed by signal 9")));
    assert_eq!(after.warnings, before.warnings);
    // Checks go on, and nobody has gone down meanwhile.
    stage.until("checks go on", |status| checks(status) > checks(&after) + 4);
    for (before, after) in before.pools.iter().zip(&stage.status().pools) {
        for (before, after) in before.servers.iter().zip(&after.servers) {
            assert_eq!((&before.state, before.share), (&after.state, after.share), "{after:#?}");
        }
    }
    requests.await_more(200);
    requests.stop_whole();
}

#[test]
fn a_probe_that_hangs_is_started_again() {
    let stage = Stage::up();
    let probe = probe_after(&stage, 0);
    kill(probe, Signal::SIGSTOP).expect("it stops");
    assert_ne!(probe_after(&stage, 1), probe);
    assert!(stage.director.log().contains("the probe says nothing any more"));
}

#[test]
fn an_agent_that_dies_is_back_by_itself() {
    let stage = Stage::up();
    let requests = stage.requests();
    requests.await_more(200);
    let first = stage.director.agent().expect("it runs");
    kill(first, Signal::SIGKILL).expect("it dies");
    let is_back = |status: &Status| status.adopted && status.pid != first.as_raw().cast_unsigned();
    // The socket of the dead one answers nobody.
    let deadline = Instant::now() + LIMIT;
    while stage.director.status().is_err() {
        assert!(Instant::now() < deadline, "it is not back after {LIMIT:?}");
        thread::sleep(RETRY_PAUSE);
    }
    stage.until("the new agent has adopted what the dead one left", is_back);
    probe_after(&stage, 0);
    requests.await_more(200);
    requests.stop_whole();
}

#[test]
fn nobody_outlives_the_supervisor_or_starts_without_it() {
    let mut stage = Stage::up();
    let (agent, probe) = (stage.director.agent().expect("it runs"), probe_after(&stage, 0));
    stage.director.kill9().expect("all die");
    for pid in [agent, probe] {
        // One that nobody has reaped yet has no command line.
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(line.is_empty(), "{pid} lives");
    }
    let config = stage.director.paths.config.to_str().expect("a path").to_owned();
    for words in [
        &["agent", "--config", &config][..],
        &["probe", "--uid", "65534", "--gid", "65534"],
        &["worker", "--uid", "65534", "--gid", "65534", "--threads", "1"],
    ] {
        let mut command = Command::new(stage.director.binary());
        let output = output(stage.director.namespace(), command.args(words));
        let (_, said) = fails(&output, words);
        assert!(said.contains("it is started by `lb run`, not by hand"), "{said}");
    }
}

#[test]
fn the_probe_may_do_nothing() {
    let stage = Stage::up();
    let probe = probe_after(&stage, 0);
    is_shut_in(&fs::read_to_string(format!("/proc/{probe}/status")).expect("its status"));
}

/// By what the kernel says of a process.
pub(crate) fn is_shut_in(status: &str) {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.expect("the field").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(!field("Uid:").split(' ').any(|id| id == "0"), "{status}");
    assert!(!field("Gid:").split(' ').any(|id| id == "0"), "{status}");
    for (name, expected) in [
        ("Groups:", ""),
        ("CapEff:", "0000000000000000"),
        ("CapPrm:", "0000000000000000"),
        ("CapInh:", "0000000000000000"),
        ("CapAmb:", "0000000000000000"),
        ("NoNewPrivs:", "1"),
        ("Seccomp:", "2"),
    ] {
        assert_eq!(field(name), expected, "{name}");
    }
}
