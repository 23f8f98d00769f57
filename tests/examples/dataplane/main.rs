//! `cargo xtask bench dataplane`: nanoseconds a packet costs, over a program that does nothing, and how long
//! a change takes.

#[path = "../../packet/frames.rs"]
#[expect(dead_code, reason = "the packet tests send more kinds of frames")]
mod frames;
mod measure;
#[path = "../../packet/plane.rs"]
mod plane;
mod prefixes;
mod scenario;

use std::{env, fs, time::Instant};

use anyhow::{Context as _, Result};
use lb_common::ring::{Member, build};
use lb_userspace::plan::Admin;
use measure::{Stats, cost, middle, note_all};
use plane::Plane;
use scenario::{Scenario, all};
use serde::Serialize;

/// One line of the table, for `--json FILE`.
#[derive(Serialize)]
struct Line {
    what: String,
    family: &'static str,
    flows: u32,
    /// Nanoseconds over the empty program.
    ns: f64,
    /// The smallest and the largest round.
    range: (f64, f64),
    empty_ns: f64,
}

/// How long a change takes, in milliseconds: medians.
#[derive(Serialize)]
struct Changes {
    build_ring_ms: f64,
    health_to_ring_ms: f64,
    load_prefixes_ms: f64,
}

#[derive(Serialize)]
struct Results {
    lines: Vec<Line>,
    changes: Changes,
}

fn main() -> Result<()> {
    let option = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let packets = option("--packets")
        .map_or(Ok(1_000_000), |number| number.parse())
        .context("--packets takes a number")?;
    let only = option("--only").unwrap_or_default();
    let stats = Stats::enable()?;
    println!(
        "{packets} packets a line, 64-byte TCP ACK, random flows; nanoseconds over an empty program\n"
    );
    println!("what                     family     flows   ns/packet      (rounds)   empty");
    let mut lines = Vec::new();
    for scenario in all().iter().filter(|scenario| scenario.name.contains(&only)) {
        let line = measure(scenario, packets)?;
        println!(
            "{:<25}{:<6} {:>9} {:>11.1} {:>6.1}–{:<7.1} {:>6.1}",
            line.what, line.family, line.flows, line.ns, line.range.0, line.range.1, line.empty_ns
        );
        lines.push(line);
    }
    drop(stats);
    if !only.is_empty() {
        return Ok(());
    }
    let changes = Changes {
        build_ring_ms: build_ring(),
        health_to_ring_ms: health_to_ring(),
        load_prefixes_ms: prefixes::load(&all()[0].config()),
    };
    println!(
        "\nring of 65,537 slots for 1,000 real servers, built: {:.2} ms",
        changes.build_ring_ms
    );
    println!(
        "health change of one of 100 real servers to the ring in force: {:.2} ms",
        changes.health_to_ring_ms
    );
    println!("load 100,000 prefixes: {:.0} ms", changes.load_prefixes_ms);
    if let Some(path) = option("--json") {
        let results = Results { lines, changes };
        fs::write(&path, serde_json::to_string_pretty(&results)?).context(path)?;
    }
    Ok(())
}

fn measure(scenario: &Scenario, packets: u32) -> Result<Line> {
    let mut plane = Plane::new(&scenario.config());
    for real in 0..scenario.drained {
        let (pool, server) = ("pool0".parse()?, format!("real{real}").parse()?);
        plane.operator.set_state(&plane.config, &pool, &server, Admin::Drain)?;
    }
    plane.update();
    if scenario.noted {
        note_all(&mut plane, &scenario.busy_vips(), scenario.flows)?;
    }
    let cost = cost(&mut plane, &scenario.busy_vips(), scenario.flows, packets)?;
    Ok(Line {
        what: scenario.name.to_owned(),
        family: scenario.family.name(),
        flows: scenario.flows,
        ns: cost.median,
        range: cost.range,
        empty_ns: cost.empty,
    })
}

fn build_ring() -> f64 {
    let members: Vec<_> = (0..1_000_u16)
        .map(|number| Member {
            number,
            address: std::net::Ipv4Addr::from(0x0a08_0000 + u32::from(number)).into(),
            weight: 1,
        })
        .collect();
    timed(|_| drop(build(&members, 65_537)))
}

/// From the agent's knowing to the store that publishes the ring: plan, difference, steps.
fn health_to_ring() -> f64 {
    let steady = &all()[0];
    let mut plane = Plane::new(&steady.config());
    let server = plane.config.pools[0].servers[0].address;
    timed(|round| {
        if round % 2 == 0 {
            plane.down.insert(server)
        } else {
            plane.down.remove(&server)
        };
        plane.update();
    })
}

/// In milliseconds.
fn timed_once(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1_000.0
}

fn timed(mut work: impl FnMut(u32)) -> f64 {
    let mut times: Vec<_> = (0..21).map(|round| timed_once(|| work(round))).collect();
    middle(&mut times)
}
