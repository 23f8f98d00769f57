//! `cargo xtask bench ipvs`: IPVS and lb take turns between the same generator and real servers.
//!
//! This machine's kernel may have no IPVS, so all of it happens in a guest with Debian's kernel 6.1, in the
//! example `ipvs` of the package `lb-tests`. Its lines of figures become a table here.

mod figures;
mod table;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use lb_tests::contest::Told;

use crate::build;
use crate::cmd::{find_program, seconds, step};
use crate::kernel::{self, Guest, Hardware, executable};
use crate::setup::{self, Group};
use table::Unit;

/// Arguments of `cargo xtask bench ipvs`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Count instructions instead of time: the same figures on every machine, busy or not, but it takes
    /// longer
    #[arg(long)]
    instructions: bool,

    /// Packets of each director in each round
    #[arg(long, value_name = "NUMBER", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    packets: u32,

    /// Rounds; in each of them every director has its turn
    #[arg(long, value_name = "NUMBER", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// What IPVS's modules stand on goes before them. Its table of connections is as large as it can be, so
/// that no chain in it is long.
const MODULES: &[(&str, &str)] = &[
    ("veth", ""),
    ("libcrc32c", ""),
    ("nf_defrag_ipv4", ""),
    ("nf_defrag_ipv6", ""),
    ("nf_conntrack", ""),
    ("ip_vs", "conn_tab_bits=20"),
    ("ip_vs_mh", ""),
];

/// Calls through pointers, of which IPVS makes many more than lb, cost the least without these.
const SETTINGS: &[&str] = &["mitigations=off"];

/// Whose cost the others are compared with, as the guest calls it.
const YARDSTICK: &str = "IPVS";

pub(super) fn main(args: &Args) -> Result<()> {
    let start = Instant::now();
    setup::ensure(&[Group::Build, Group::Lab, Group::Kernel, Group::Ipvs])?;
    let lb =
        step("Building lb, whose XDP program is optimised in every profile", || build::lb(false))?;
    let main = step("Building what runs in the guest", || {
        executable("ipvs", &["build", "--package", "lb-tests", "--example", "ipvs"])
    })?;
    let guest = Guest {
        series: "6.1".parse().map_err(anyhow::Error::msg)?,
        // One CPU, so that nothing runs beside the thread whose time is taken.
        hardware: Hardware { cpus: "1", memory: "2G", clock_of_instructions: args.instructions },
        settings: SETTINGS,
        modules: MODULES,
        main: &main,
        args: &["--packets", &args.packets.to_string(), "--rounds", &args.rounds.to_string()]
            .map(OsString::from),
        tools: &tools(lb)?,
    };
    let (mut rounds, mut notes) = (Vec::new(), Vec::new());
    let report = kernel::run(&guest, |line| match Told::from_line(line) {
        Some(Told::Round(round)) => {
            eprintln!("{}", table::progress(&round));
            rounds.push(round);
        }
        Some(Told::Note(note)) => notes.push(note),
        None => eprintln!("{line}"),
    })?;
    let unit = if args.instructions { Unit::Instructions } else { Unit::Time };
    println!(
        "IPVS (direct routing, scheduler mh) and lb in turn: Linux {} under qemu (TCG, one CPU), 60-byte frames,\n\
         8 real servers, medians of {} rounds of {} packets\n",
        report.release, args.rounds, args.packets
    );
    println!("{}", table::render(&figures::rows(&rounds, YARDSTICK), unit));
    println!("\n{}\n", table::legend(unit));
    for note in notes {
        println!("{note}");
    }
    eprintln!("done in {}", seconds(start.elapsed()));
    Ok(())
}

/// The programs that the guest starts.
fn tools(lb: PathBuf) -> Result<Vec<PathBuf>> {
    let found = ["ipvsadm", "ethtool", "chrt"]
        .map(|name| find_program(name).with_context(|| format!("there is no {name}")));
    found.into_iter().chain([Ok(lb)]).collect()
}
