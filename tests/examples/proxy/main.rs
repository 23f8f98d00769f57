//! The part of `cargo xtask bench proxy` that measures: this proxy's engine and HAProxy do the same work in turn, each
//! with one thread pinned to the first core. The generator and the servers (nginx) share the second core.
//!
//! What is compared is the CPU time of the proxy's thread a request, by the kernel's account of it; requests a second
//! depend on the other core, too. The engine writes its access log into its buffer, HAProxy writes none.

mod contestants;
mod generator;
mod report;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use contestants::{Contestant, engine, haproxy, nginx};
use generator::Load;

/// Where the proxy runs, and where everything else does.
const PROXY_CORE: usize = 0;
const OTHER_CORE: usize = 1;

const LOADS: [Load; 3] = [
    Load { name: "keep-alive, 1 KiB", path: "/1k", connections: 50, close: false },
    Load { name: "new connections, 1 KiB", path: "/1k", connections: 50, close: true },
    Load { name: "keep-alive, 1 MiB", path: "/1m", connections: 8, close: false },
];

fn main() -> Result<()> {
    let rounds = option("--rounds", 5)?;
    let length = Duration::from_secs(option("--seconds", 2)?);
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > OTHER_CORE, "two cores are needed, and there is {cores}");
    contestants::pin(OTHER_CORE)?;
    let folder = tempfile::tempdir()?;
    let servers = nginx(folder.path())?;
    let contestants = [haproxy(folder.path(), servers.address)?, engine(servers.address)?];
    for load in LOADS {
        let mut all: Vec<Vec<report::Round>> = contestants.iter().map(|_| Vec::new()).collect();
        for contestant in &contestants {
            load.run(contestant.address(), length / 4)?;
        }
        for _ in 0..rounds {
            for (contestant, rounds) in contestants.iter().zip(&mut all) {
                let before = contestant.cpu_time()?;
                let done = load.run(contestant.address(), length)?;
                let cpu = contestant.cpu_time()? - before;
                rounds.push(report::Round { requests: done.requests, took: done.took, cpu });
            }
        }
        let names: Vec<_> = contestants.iter().map(Contestant::name).collect();
        report::print(load.name, &names, &all);
    }
    Ok(())
}

fn option(name: &str, usual: u64) -> Result<u64> {
    let mut rest = std::env::args().skip_while(|argument| argument != name).skip(1);
    rest.next().map_or(Ok(usual), |text| text.parse().with_context(|| format!("{name} {text}")))
}
