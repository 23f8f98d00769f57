//! `cargo xtask bench checks`: what it costs to check ten thousand real servers every two seconds: CPU time, memory and
//! sockets of lb and of HAProxy, in turn, in labs that look the same.
//!
//! All the real servers' addresses are one host behind a router, so that neither needs ten thousand neighbours. How
//! many checks were begun is what the kernel says. keepalived is not among them: its checker starts only
//! where the kernel has IPVS.

mod product;
mod usage;

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lb_tests::interrupt::Interrupt;
use product::{Kind, Product, Running};
use usage::Usage;

/// How often each real server is checked.
const INTERVAL: Duration = Duration::from_secs(2);

struct Line {
    kind: Kind,
    product: Product,
    rounds: Vec<Usage>,
}

fn main() -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let number = |name: &str, usual: u32| -> Result<u32> {
        let text = env::args().skip_while(|argument| argument != name).nth(1);
        let value = text.map_or(Ok(usual), |text| text.parse());
        value.ok().filter(|value| *value > 0).with_context(|| format!("{name} takes a number"))
    };
    let (servers, rounds, seconds) =
        (number("--servers", 10_000)?, number("--rounds", 3)?, number("--seconds", 10)?);
    ensure!(servers <= product::MOST, "--servers takes at most {}", product::MOST);
    println!(
        "{servers} real servers, each checked every {} s; medians of {rounds} rounds of {seconds} s in turn.\n",
        INTERVAL.as_secs()
    );
    let pairs = Kind::ALL.into_iter().flat_map(|kind| Product::ALL.map(|product| (kind, product)));
    let mut lines: Vec<_> =
        pairs.map(|(kind, product)| Line { kind, product, rounds: Vec::new() }).collect();
    for _ in 0..rounds {
        for line in &mut lines {
            let mut running = Running::start(line.product, line.kind, servers)?;
            let time = Duration::from_secs(seconds.into());
            line.rounds.push(running.measure(time, &interrupt)?);
        }
    }
    println!(
        "{:<6}{:<10}{:>10}{:>12}{:>12}{:>12}{:>10}  CPU time of HAProxy's",
        "kind", "", "checks/s", "CPU, one", "µs/check", "memory, MB", "sockets"
    );
    for line in &lines {
        let other =
            lines.iter().find(|other| other.kind == line.kind && other.product == Product::HaProxy);
        line.print(other.context("a line of HAProxy")?);
    }
    Ok(())
}

impl Line {
    fn median(&self, of: impl Fn(&Usage) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    fn print(&self, haproxy: &Self) {
        let each = self.median(Usage::cpu_per_check);
        println!(
            "{:<6}{:<10}{:>10.0}{:>10.1} %{:>12.1}{:>12.1}{:>10.0}  {:.2}",
            self.kind.name(),
            self.product.name(),
            self.median(Usage::checks_per_second),
            self.median(Usage::cpu_share) * 100.0,
            each * 1e6,
            self.median(|usage| usage.memory as f64 / 1e6),
            self.median(|usage| usage.sockets as f64),
            each / haproxy.median(Usage::cpu_per_check),
        );
    }
}
