//! `cargo xtask bench dataplane`: nanoseconds a packet costs, over a program that does nothing.
//!
//! Every frame is a run of BPF_PROG_TEST_RUN of its own (`repeat` would run one flow in a loop and measure
//! the L1 cache). The kernel's own clock (`kernel.bpf_stats_enabled`) times the program alone; the empty
//! program runs in turn with the balancer, round by round, and its cost is subtracted.

#[path = "../../packet/frames.rs"]
mod frames;
#[path = "../../packet/plane.rs"]
mod plane;

use std::{env, fs, net::IpAddr};

use anyhow::{Context as _, Result};
use frames::{ACK, frame};
use plane::Plane;
use serde::Serialize;

const STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";
const FLOWS: [u32; 4] = [1, 1_000, 100_000, 1_000_000];
/// Packets of each measurement, in rounds that take turns with the empty program.
const ROUNDS: u32 = 20;

/// One line of the table.
#[derive(Serialize)]
struct Line {
    family: &'static str,
    flows: u32,
    /// Nanoseconds over the empty program: median of the rounds.
    ns: f64,
    /// The smallest and the largest round.
    range: (f64, f64),
    empty_ns: f64,
}

fn main() -> Result<()> {
    let out = env::args().skip_while(|argument| argument != "--json").nth(1);
    let packets = env::args()
        .skip_while(|argument| argument != "--packets")
        .nth(1)
        .map_or(Ok(1_000_000), |number| number.parse())
        .context("--packets takes a number")?;
    let _stats = Stats::enable()?;
    println!("{packets} packets a line, 100 real servers, random flows, 64-byte TCP ACK\n");
    println!("family     flows   ns/packet     (rounds)   empty program");
    let mut lines = Vec::new();
    for (family, vip) in [("IPv4", "10.8.8.40"), ("IPv6", "fd00:8:8::40")] {
        let mut plane = Plane::new(&config(vip));
        let vip: IpAddr = vip.parse()?;
        for flows in FLOWS {
            let line = measure(&mut plane, family, vip, flows, packets)?;
            println!(
                "{:<6} {:>9} {:>11.1} {:>6.1}–{:<6.1} {:>10.1}",
                line.family, line.flows, line.ns, line.range.0, line.range.1, line.empty_ns
            );
            lines.push(line);
        }
    }
    if let Some(path) = out {
        fs::write(&path, serde_json::to_string_pretty(&lines)?).context(path)?;
    }
    Ok(())
}

fn measure(
    plane: &mut Plane,
    family: &'static str,
    vip: IpAddr,
    flows: u32,
    packets: u32,
) -> Result<Line> {
    let mut programs = plane.data.bench_programs()?;
    let mut random = Random(u64::from(flows));
    let (mut balanced, mut empty) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for balance in [false, true] {
            let before = programs.run_time(balance)?;
            for _ in 0..packets / ROUNDS {
                let flow = u32::try_from(random.next() % u64::from(flows))?;
                programs.run(&nth_flow(vip, flow), balance)?;
            }
            let after = programs.run_time(balance)?;
            let ns = (after.0 - before.0).as_nanos() as f64 / (after.1 - before.1) as f64;
            // The first round warms the caches.
            if round > 0 {
                if balance { &mut balanced } else { &mut empty }.push(ns);
            }
        }
    }
    let mut costs: Vec<_> = balanced.iter().zip(&empty).map(|(b, e)| b - e).collect();
    let (ns, empty_ns) = (median(&mut costs), median(&mut empty));
    let range = (costs[0], costs[costs.len() - 1]);
    Ok(Line { family, flows, ns, range, empty_ns })
}

/// A frame of the `n`th flow: clients of one /12 with ports all over the range.
fn nth_flow(vip: IpAddr, n: u32) -> Vec<u8> {
    let port = 1_024 + u16::try_from(n % 50_021).unwrap_or(0);
    let client = match vip {
        IpAddr::V4(_) => IpAddr::from((0x0a10_0000 + n).to_be_bytes()),
        IpAddr::V6(_) => IpAddr::from(
            ((0xfd00_u128 << 112) | (u128::from(n) << 64) | u128::from(n)).to_be_bytes(),
        ),
    };
    frame((client, port), (vip, 80), ACK)
}

fn config(vip: &str) -> String {
    let address = |n: u32| match vip.contains(':') {
        true => format!("fd00:8:8::1:{n:x}"),
        false => format!("10.8.9.{n}"),
    };
    let servers: String = (1..=100)
        .map(|n| format!("  {{ name = \"real{n}\", address = \"{}\" }},\n", address(n)))
        .collect();
    format!(
        "[[pool]]\nname = \"web\"\nring_size = 65537\nservers = [\n{servers}]\n\
         [[service]]\nname = \"web\"\naddress = \"{vip}\"\nports = [\"tcp/80\"]\n\
         mode = \"direct-routing\"\npool = \"web\"\n"
    )
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `kernel.bpf_stats_enabled` for as long as it lives.
struct Stats {
    before: String,
}

impl Stats {
    fn enable() -> Result<Self> {
        let before = fs::read_to_string(STATS).context(STATS)?;
        fs::write(STATS, "1").context(STATS)?;
        Ok(Self { before })
    }
}

impl Drop for Stats {
    fn drop(&mut self) {
        // A benchmark that is over has nobody to tell.
        let _ = fs::write(STATS, &self.before);
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        lb_common::flow_hash::split_mix(self.0)
    }
}
