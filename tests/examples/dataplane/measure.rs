//! Timing single packets: the kernel's own clock around the program, the empty program in turn with it.

use std::{
    fs,
    net::IpAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use lb_common::flow_hash::split_mix;

use crate::{
    frames::{ACK, frame},
    plane::Plane,
};

const STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";
/// Packets of each measurement come in rounds that take turns with the empty program.
const ROUNDS: u32 = 20;
/// A flow that is seen again after this time is confirmed.
const CONFIRMED: Duration = Duration::from_millis(1_100);

/// What a packet costs over the empty program, in nanoseconds.
pub(crate) struct Cost {
    /// Median of the rounds.
    pub(crate) median: f64,
    /// The smallest and the largest round.
    pub(crate) range: (f64, f64),
    /// The empty program itself.
    pub(crate) empty: f64,
}

/// Sends `packets` ACKs of random flows, each a run of its own: `repeat` would run one flow in a loop and
/// measure the L1 cache.
pub(crate) fn cost(plane: &mut Plane, vips: &[IpAddr], flows: u32, packets: u32) -> Result<Cost> {
    let mut programs = plane.data.bench_programs()?;
    let mut random = Random(u64::from(flows));
    let (mut balanced, mut empty) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for balance in [false, true] {
            let before = programs.run_time(balance)?;
            for _ in 0..packets / ROUNDS {
                let flow = random.below(flows)?;
                let vip = vips[random.below(u32::try_from(vips.len())?)? as usize];
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
    let (median, empty) = (middle(&mut costs), middle(&mut empty));
    Ok(Cost { median, range: (costs[0], costs[costs.len() - 1]), empty })
}

/// Sends a packet of every flow, and another one when a note of the first is old enough to be confirmed.
pub(crate) fn note_all(plane: &mut Plane, vips: &[IpAddr], flows: u32) -> Result<()> {
    let mut programs = plane.data.bench_programs()?;
    for _ in 0..2 {
        let began = Instant::now();
        for (flow, vip) in (0..flows).zip(vips.iter().cycle()) {
            programs.run(&nth_flow(*vip, flow), true)?;
        }
        thread::sleep(CONFIRMED.saturating_sub(began.elapsed()));
    }
    Ok(())
}

/// A frame of the `n`th flow: a client and a port of its own.
fn nth_flow(vip: IpAddr, n: u32) -> Vec<u8> {
    let port = 1_024 + u16::try_from(n % 50_021).unwrap_or(0);
    let client = match vip {
        IpAddr::V4(_) => IpAddr::from((0x0a40_0000 + n).to_be_bytes()),
        IpAddr::V6(_) => IpAddr::from(
            ((0xfd00_u128 << 112) | (u128::from(n) << 64) | u128::from(n)).to_be_bytes(),
        ),
    };
    frame((client, port), (vip, 80), ACK)
}

/// The median; sorts.
pub(crate) fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `kernel.bpf_stats_enabled` for as long as it lives.
pub(crate) struct Stats {
    before: String,
}

impl Stats {
    pub(crate) fn enable() -> Result<Self> {
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
    fn below(&mut self, range: u32) -> Result<u32> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Ok(u32::try_from(split_mix(self.0) % u64::from(range))?)
    }
}
