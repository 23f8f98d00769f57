//! `cargo xtask bench ipvs`: IPVS and lb take turns between the same generator and real servers.
//!
//! This machine's kernel may have no IPVS, so all of it happens in a guest with Debian's kernel 6.1, in the
//! example `ipvs` of the package `lb-tests`. Its lines of figures become a table here.

mod figures;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use lb_tests::contest::{Round, Told};

use crate::build;
use crate::cmd::{find_program, seconds, step};
use crate::kernel::{self, Guest, Hardware, executable};
use crate::setup::{self, Group};
use table::Clock;

/// Arguments of `cargo xtask bench ipvs`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// What the guest's clock counts; one boot and one table for each
    #[arg(long, value_enum, num_args = 1.., default_values_t = [Clock::Time, Clock::Instructions])]
    clock: Vec<Clock>,

    /// Packets of each director in each round
    #[arg(long, value_name = "NUMBER", default_value_t = 30_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    packets: u32,

    /// Rounds; in each of them every director has its turn
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
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

/// Whose cost the others are compared with, and who is compared, as the guest calls them.
const YARDSTICK: &str = "IPVS";
const LB: &str = "lb";

/// What a guest told.
struct Measured {
    release: String,
    rounds: Vec<Round>,
    notes: Vec<String>,
}

pub(super) fn main(args: &Args) -> Result<()> {
    let start = Instant::now();
    setup::ensure(&[Group::Build, Group::Lab, Group::Kernel, Group::Ipvs])?;
    let lb =
        step("Building lb, whose XDP program is optimised in every profile", || build::lb(false))?;
    let main = step("Building what runs in the guest", || {
        executable("ipvs", &["build", "--package", "lb-tests", "--example", "ipvs"])
    })?;
    let tools = tools(lb)?;
    let mut notes = Vec::new();
    for &clock in &args.clock {
        let measured = measure(args, clock, &main, &tools)?;
        let rows = figures::rows(&measured.rounds, YARDSTICK);
        println!(
            "\nIPVS and lb in turn, both by direct routing, on Linux {} under qemu (TCG, one CPU);\n\
             60-byte frames, 8 real servers, medians of {} rounds of {} packets\n\n{}\n{}\n{}",
            measured.release,
            args.rounds,
            args.packets,
            table::render(&rows, clock),
            table::summary(&rows, LB),
            table::meaning(clock)
        );
        notes = measured.notes;
    }
    println!("\n{}\n\n{}", table::LEGEND, notes.join("\n"));
    eprintln!("done in {}", seconds(start.elapsed()));
    Ok(())
}

/// Boots a guest and hears it out.
fn measure(args: &Args, clock: Clock, main: &Path, tools: &[PathBuf]) -> Result<Measured> {
    let numbers = [args.packets, args.rounds].map(|number| number.to_string());
    let guest = Guest {
        series: "6.1".parse().map_err(anyhow::Error::msg)?,
        hardware: Hardware {
            // So that nothing runs beside the thread whose time is taken.
            cpus: "1",
            memory: "2G",
            clock_of_instructions: clock == Clock::Instructions,
        },
        settings: SETTINGS,
        modules: MODULES,
        main,
        args: &["--packets", &numbers[0], "--rounds", &numbers[1]].map(OsString::from),
        tools,
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
    Ok(Measured { release: report.release, rounds, notes })
}

/// The programs that the guest starts.
fn tools(lb: PathBuf) -> Result<Vec<PathBuf>> {
    let found = ["ipvsadm", "ethtool", "chrt"]
        .map(|name| find_program(name).with_context(|| format!("there is no {name}")));
    found.into_iter().chain([Ok(lb)]).collect()
}
