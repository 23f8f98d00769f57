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
use generator::{Length, Load};

/// Where the proxy runs, and where everything else does.
const PROXY_CORE: usize = 0;
const OTHER_CORE: usize = 1;

const LOADS: [Load; 7] = [
    load("keep-alive, 1 KiB", "/1k", false, None),
    load("new connections, 1 KiB", "/1k", true, None),
    load("keep-alive, 1 MiB", "/1m", false, None),
    load("TLS 1.3, keep-alive, 1 KiB", "/1k", false, Some(false)),
    load("TLS 1.3, full handshakes, 1 KiB", "/1k", true, Some(false)),
    load("TLS 1.3, resumed handshakes, 1 KiB", "/1k", true, Some(true)),
    load("TLS 1.3, keep-alive, 1 MiB", "/1m", false, Some(false)),
];

const fn load(name: &'static str, path: &'static str, close: bool, tls: Option<bool>) -> Load {
    // Few of the large ones fill the way.
    let connections = if matches!(path.as_bytes(), b"/1m") { 8 } else { 50 };
    Load { name, path, connections, close, tls }
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
    for load in LOADS {
        let yardstick = if load.path == "/1m" { &tuned } else { &usual };
        let contestants = [yardstick, &nginx, &engine];
        let client = client(authority.clone(), load.tls == Some(true))?;
        let mut all: Vec<Vec<report::Round>> = contestants.iter().map(|_| Vec::new()).collect();
        for contestant in &contestants {
            let warm = Length::Time(length / 4);
            load.run(contestant.addresses(load.tls.is_some()), &client, warm)?;
        }
        for _ in 0..rounds {
            for (contestant, rounds) in contestants.iter().zip(&mut all) {
                let before = contestant.cpu_time()?;
                let addresses = contestant.addresses(load.tls.is_some());
                let done = load.run(addresses, &client, Length::Time(length))?;
                let cpu = contestant.cpu_time()? - before;
                rounds.push(report::Round { requests: done.requests, took: done.took, cpu });
            }
        }
        let names = contestants.map(Contestant::name);
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
