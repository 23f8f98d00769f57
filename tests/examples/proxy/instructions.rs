//! What a request costs in user instructions and system calls of the proxy's thread, counted by callgrind: figures that
//! do not depend on what else the machine does.
//!
//! A second run of this program, under callgrind, serves so many requests and ends; what two runs of different length
//! have between them is what the requests between them cost.

use std::env::{args, current_exe};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::contestants::engine;
use super::encryption::{bundle, client};
use super::generator::{By, Length, Load};
use super::{LOADS, option};

/// The data thread is the first that this program starts.
const THREAD: &str = "02";
/// Requests of the short run and of the long one.
const RUNS: [u32; 2] = [500, 1_500];
/// As under load: a turn of the loop serves several.
const CONNECTIONS: u64 = 50;

/// Of the thread.
#[derive(Clone, Copy, Debug)]
struct Counts {
    instructions: u64,
    calls: u64,
}

/// The run under callgrind: `--load`, `--requests` and `--server` say what to do.
pub(crate) fn counted() -> Result<()> {
    let load = LOADS[usize::try_from(option("--load", 0)?)?];
    let requests = u32::try_from(option("--requests", 0)?)?;
    let text = |name: &str| {
        args().skip_while(|argument| argument != name).nth(1).with_context(|| name.to_owned())
    };
    let (server, folder) = (text("--server")?.parse()?, text("--folder")?);
    let folder = Path::new(&folder);
    let engine = engine(folder, server)?;
    let authority = CertificateDer::from_pem_file(bundle(folder))?;
    let client = client(authority, load.by == By::Tls { resumes: true })?;
    let load = Load { connections: CONNECTIONS, ..load };
    load.run(engine.addresses(load.by), &client, Length::Requests(requests))?;
    Ok(())
}

/// The table.
pub(crate) fn print(folder: &Path, server: SocketAddr) -> Result<()> {
    println!("| load | user instructions a request | system calls a request |");
    println!("| --- | ---: | ---: |");
    for (index, load) in LOADS.iter().enumerate() {
        if load.path != "/1k" {
            continue;
        }
        let [short, long] = RUNS.map(|requests| count(folder, server, index, requests));
        let (short, long) = (short?, long?);
        let between = f64::from(RUNS[1] - RUNS[0]);
        #[expect(clippy::cast_precision_loss, reason = "they are far below 2^52")]
        let of = |short: u64, long: u64| long.saturating_sub(short) as f64 / between;
        let instructions = of(short.instructions, long.instructions);
        println!("| {} | {instructions:.0} | {:.1} |", load.name, of(short.calls, long.calls));
    }
    Ok(())
}

fn count(folder: &Path, server: SocketAddr, load: usize, requests: u32) -> Result<Counts> {
    let out = folder.join("callgrind");
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--tool=callgrind",
        "--separate-threads=yes",
        "--collect-systime=yes",
    ]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(current_exe()?).args(["--counted", "--load", &load.to_string()]);
    command.args(["--requests", &requests.to_string(), "--server", &server.to_string()]);
    command.arg("--folder").arg(folder);
    let done = command.status().context("valgrind does not start")?;
    ensure!(done.success(), "{command:?}: {done}");
    let file = format!("{}-{THREAD}", out.display());
    totals(&fs::read_to_string(&file).context(file)?)
}

/// From the lines `events:` and `totals:` of callgrind's output.
fn totals(text: &str) -> Result<Counts> {
    let line = |name: &str| text.lines().rev().find_map(|line| line.strip_prefix(name));
    let events = line("events:").context("no events")?.split_whitespace();
    let totals = line("totals:").context("no totals")?.split_whitespace();
    let all: Vec<_> = events.zip(totals).collect();
    let of = |event: &str| -> Result<u64> {
        let found =
            all.iter().find(|(name, _)| *name == event).with_context(|| event.to_owned())?;
        Ok(found.1.parse()?)
    };
    Ok(Counts { instructions: of("Ir")?, calls: of("sysCount")? })
}
