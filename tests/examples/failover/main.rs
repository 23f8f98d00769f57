//! `cargo xtask bench failover`: how long a client is without its VIP when the master goes, and how long it takes
//! until another director has it. keepalived is measured in the same run, in a lab that looks the same.
//!
//! Each pair of directors (product, interval, case) has a lab of its own. At an interval of a second the labs wait
//! for timers side by side; at 10 ms, where the machine's load would count, they take turns.

mod figures;
mod stand;

use std::env;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use figures::Table;
use lb_tests::interrupt::Interrupt;
use stand::{Case, Product, Run, Stand};

const INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_millis(10)];

fn main() -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let option = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let runs = option("--runs").map_or(Ok(10), |number| number.parse());
    let runs: u32 = runs.context("--runs takes a number")?;
    let only = option("--only").unwrap_or_default();
    println!(
        "A client asks the VIP every 10 ms; {runs} runs a line, spread over the interval of advertisements.\n\
         Milliseconds: least / median / most.\n"
    );
    let table = Table::begin();
    for interval in INTERVALS {
        let cases = Case::ALL.into_iter().filter(|case| case.words().contains(&only));
        let pairs = cases.flat_map(|case| Product::ALL.map(|product| (case, product)));
        let stands = pairs.map(|(case, product)| Stand::up(case, product, interval));
        let mut stands = stands.collect::<Result<Vec<_>>>()?;
        let mut results: Vec<Vec<Run>> = vec![Vec::new(); stands.len()];
        for number in 0..runs {
            if interrupt.raised() {
                bail!("interrupted");
            }
            let phase = interval.mul_f64((f64::from(number) + 0.5) / f64::from(runs));
            let outcomes = if interval < Duration::from_secs(1) {
                stands.iter_mut().map(|stand| stand.run(phase)).collect::<Result<Vec<_>>>()?
            } else {
                side_by_side(&mut stands, phase)?
            };
            for (runs, run) in results.iter_mut().zip(outcomes) {
                runs.push(run);
            }
        }
        for (stand, runs) in stands.iter().zip(&results) {
            table.line(stand, interval, runs);
        }
    }
    Ok(())
}

fn side_by_side(stands: &mut [Stand], phase: Duration) -> Result<Vec<Run>> {
    thread::scope(|scope| {
        let start = |stand| scope.spawn(move || Stand::run(stand, phase));
        let threads: Vec<_> = stands.iter_mut().map(start).collect();
        let ended = threads.into_iter().map(thread::ScopedJoinHandle::join);
        ended.map(|run| run.map_err(|_| anyhow!("a run has panicked"))?).collect()
    })
}
