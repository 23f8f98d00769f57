//! The part of `cargo xtask bench proxy` that measures: this proxy's engine and HAProxy do the same work in turn, each
//! with one thread pinned to the first core. The generator and the servers (nginx) share the second core.
//!
//! What is compared is the CPU time of the proxy's thread a request, by the kernel's account of it; requests a second
//! depend on the other core, too. All have one rule, limits, timeouts and an access log; HAProxy and the engine write its
//! lines into memory. HAProxy* has larger buffers, and splices.

mod contestants;
mod encryption;
mod generator;
mod instructions;
mod report;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use contestants::{Contestant, engine, haproxy, nginx, nginx_proxy};
use encryption::{certificate, client, openssl};
use generator::{By, Length, Load};

/// Where the proxy runs, and where everything else does.
const PROXY_CORE: usize = 0;
const OTHER_CORE: usize = 1;

/// `--only` takes their numbers, counted from 1.
const LOADS: [Load; 9] = [
    load("keep-alive, 1 KiB", "/1k", false, By::Http),
    load("new connections, 1 KiB", "/1k", true, By::Http),
    load("keep-alive, 1 MiB", "/1m", false, By::Http),
    load("TLS 1.3, keep-alive, 1 KiB", "/1k", false, By::Tls { resumes: false }),
    load("TLS 1.3, full handshakes, 1 KiB", "/1k", true, By::Tls { resumes: false }),
    load("TLS 1.3, resumed handshakes, 1 KiB", "/1k", true, By::Tls { resumes: true }),
    load("TLS 1.3, keep-alive, 1 MiB", "/1m", false, By::Tls { resumes: false }),
    load("TCP, messages of 1 KiB", "/1k", false, By::Tcp),
    load("TCP, 256 streams, 1 MiB at a time", "/1m", false, By::Tcp),
];

const fn load(name: &'static str, path: &'static str, close: bool, by: By) -> Load {
    // Few of the large ones fill the way.
    let connections = match (by, path.as_bytes()) {
        (By::Tcp, b"/1m") => 256,
        (_, b"/1m") => 8,
        _ => 50,
    };
    Load { name, path, connections, close, by }
}

fn main() -> Result<()> {
    if flag("--counted") {
        return instructions::counted();
    }
    let folder = tempfile::tempdir()?;
    let servers = nginx(folder.path())?;
    let authority = certificate(folder.path())?;
    if flag("--instructions") {
        return instructions::print(folder.path(), servers.address);
    }
    let rounds = option("--rounds", 5)?;
    let length = Duration::from_secs(option("--seconds", 2)?);
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > OTHER_CORE, "two cores are needed, and there is {cores}");
    contestants::pin(OTHER_CORE)?;
    let [usual, tuned] = [false, true].map(|tuned| haproxy(folder.path(), servers.address, tuned));
    let (usual, tuned) = (usual?, tuned?);
    let (nginx, engine) =
        (nginx_proxy(folder.path(), servers.address)?, engine(folder.path(), servers.address)?);
    println!("TLS by {} (HAProxy) and by rustls with AWS-LC (lb)\n", openssl()?);
    let only = option("--only", 0)?;
    for (number, load) in (1..).zip(LOADS) {
        if only != 0 && number != only {
            continue;
        }
        let yardstick = if load.path == "/1m" { &tuned } else { &usual };
        // nginx would need a module for streams.
        let contestants: &[&Contestant] = match load.by {
            By::Tcp => &[yardstick, &engine],
            _ => &[yardstick, &nginx, &engine],
        };
        let client = client(authority.clone(), load.by == By::Tls { resumes: true })?;
        let mut all: Vec<Vec<report::Round>> = contestants.iter().map(|_| Vec::new()).collect();
        for contestant in contestants {
            let warm = Length::Time(length / 4);
            load.run(contestant.addresses(load.by), &client, warm)?;
        }
        for _ in 0..rounds {
            for (contestant, rounds) in contestants.iter().zip(&mut all) {
                let before = contestant.cpu_time()?;
                let addresses = contestant.addresses(load.by);
                let done = load.run(addresses, &client, Length::Time(length))?;
                let cpu = contestant.cpu_time()? - before;
                rounds.push(report::Round { requests: done.requests, took: done.took, cpu });
            }
        }
        let names: Vec<_> = contestants.iter().map(|one| one.name()).collect();
        report::print(load.name, &names, &all);
    }
    Ok(())
}

fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

pub(crate) fn option(name: &str, usual: u64) -> Result<u64> {
    let mut rest = std::env::args().skip_while(|argument| argument != name).skip(1);
    rest.next().map_or(Ok(usual), |text| text.parse().with_context(|| format!("{name} {text}")))
}
