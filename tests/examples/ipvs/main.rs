//! The part of `cargo xtask bench ipvs` that runs in the guest: lays the wires, lets the directors take turns,
//! tells what came of each round.
//!
//! Everything shares the guest's one CPU. A burst of packets is made and given to a director's receive queue;
//! the director's thread goes through it, then that of the real servers, then comes the next burst. So no
//! queue overflows, and the kernel's account of the director's thread is what the director has cost.

mod bpf;
mod directors;
mod traffic;
mod wire;

use std::env;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    programs::{TestRun as _, TestRunAttrs, TestRunOptions},
};
use directors::{Director, ipvs, lb, mirror};
use lb_tests::contest::{Round, Told};
use traffic::{LOADS, Load};
use wire::cpu_time;

/// Packets that are under way at once: half of a veth's queue, two turns of a polled interface.
const BURST: u32 = 128;

fn main() -> Result<()> {
    let (packets, rounds) = (option("--packets")?, option("--rounds")?);
    // By default, threads that go before others have 95 % of each second.
    fs::write("/proc/sys/kernel/sched_rt_runtime_us", "-1").context("sched_rt_runtime_us")?;
    let directors = [ipvs()?, lb()?, mirror()?];
    for director in &directors {
        director.wire.poll_in_threads()?;
    }
    for load in LOADS {
        let mut generators = Vec::new();
        for director in &directors {
            generators.push(wire::load(&load.generator(director.wire.peer_index()?))?);
        }
        for (director, generator) in directors.iter().zip(&mut generators) {
            round(director, load, generator, packets.max(load.warm_up))?;
        }
        for _ in 0..rounds {
            for (director, generator) in directors.iter().zip(&mut generators) {
                tell(&Told::Round(round(director, load, generator, packets)?))?;
            }
        }
    }
    directors.iter().flat_map(Director::notes).try_for_each(|note| tell(&Told::Note(note)))
}

fn option(name: &str) -> Result<u32> {
    let value = env::args().skip_while(|argument| argument != name).nth(1);
    value.and_then(|text| text.parse().ok()).with_context(|| format!("{name} takes a number"))
}

fn tell(told: &Told) -> Result<()> {
    println!("{}", told.to_line()?);
    Ok(())
}

/// Sends so many packets through a director.
fn round(director: &Director, load: &Load, generator: &mut Ebpf, packets: u32) -> Result<Round> {
    let wire = &director.wire;
    let generator = wire::program(generator)?;
    let frame = load.frame();
    let options = TestRunOptions {
        data_in: Some(&frame),
        repeat: packets,
        // Frames as a card's driver has them, without what the kernel's stack adds.
        attrs: TestRunAttrs::new().xdp_live_frames(BURST),
        ..TestRunOptions::default()
    };
    let before = (wire.arrived()?, wire.directors_cpu()?, wire.reals_cpu()?);
    let generators_cpu = wire.generator.enter(|| -> Result<Duration> {
        let before = cpu_time("thread-self")?;
        generator.test_run(options).context("sending")?;
        Ok(cpu_time("thread-self")? - before)
    })??;
    let after = (wire.arrived()?, wire.directors_cpu()?, wire.reals_cpu()?);
    let cpu = after.1 - before.1;
    Ok(Round {
        load: load.name.to_owned(),
        director: director.name.to_owned(),
        sent: packets.into(),
        arrived: after.0 - before.0,
        // Not by the clock: the call waits for a while when it has sent everything.
        all: generators_cpu + cpu + (after.2 - before.2),
        cpu,
    })
}
