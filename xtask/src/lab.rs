//! `cargo xtask lab`: the lab as a playground, up until `lab down`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use lb_tests::lab::{Lab, LbConfig, Node, Topology};

use crate::cmd::{find_program, is_root, seconds};
use crate::setup::{self, Group};
use crate::workspace;

/// The name of the lab that stays; those of tests carry a process id.
const NAME: &str = "lb-lab";

/// Arguments of `cargo xtask lab`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Raise the lab, in place of one that is up; it stays until `lab down`
    Up {
        /// How many directors
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
        directors: u8,
        /// How many real servers
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=190))]
        reals: u8,
    },
    /// Remove the lab and everything that runs in it
    Down,
    /// Run a command in a node: `lab exec client -- curl http://10.8.8.51/`
    Exec {
        /// client, switch, director1, real1 and so on
        node: String,
        /// The command
        #[arg(required = true, last = true)]
        command: Vec<OsString>,
    },
    /// Show the nodes, their addresses and what runs in them
    Status,
}

pub(crate) fn main(args: Args) -> Result<()> {
    if let Action::Up { .. } = args.action {
        setup::ensure(&[Group::Lab])?;
    }
    if !is_root() {
        return Err(again_as_root(std::env::args_os().skip(1)));
    }
    match args.action {
        Action::Up { directors, reals } => {
            up(Topology::default().directors(directors).reals(reals))
        }
        Action::Down => down(),
        Action::Exec { node, command } => Err(exec(&node, &command)),
        Action::Status => status(&topology()?),
    }
}

/// Becomes `sudo xtask ARGS`. Only a failure comes back.
pub(crate) fn again_as_root(args: impl IntoIterator<Item = OsString>) -> anyhow::Error {
    if find_program("sudo").is_none() {
        return anyhow::anyhow!("this needs root, and there is no sudo here: run it as root");
    }
    match std::env::current_exe() {
        Ok(xtask) => {
            let error = Command::new("sudo").arg("--").arg(xtask).args(args).exec();
            anyhow::Error::new(error).context("cannot start sudo")
        }
        Err(error) => anyhow::Error::new(error).context("cannot find out where xtask itself lies"),
    }
}

fn up(topology: Topology) -> Result<()> {
    let start = Instant::now();
    let lab = Lab::up_named(NAME, topology)?;
    let config = LbConfig::new(lab.topology());
    let directors =
        lab.topology().nodes().into_iter().filter(|node| node.name.starts_with("director"));
    for director in directors {
        config.write(&lab, &director.name)?;
    }
    println!("the lab is up ({})", seconds(start.elapsed()));
    status(lab.topology())?;
    let config = lab.folder().join("director1/lb.toml");
    let (lb, config) = (workspace::lb_binary(true)?, config.display().to_string());
    println!("\nTry:");
    println!("  cargo xtask build --release");
    println!("  cargo xtask lab exec director1 -- {} run --config {config}", lb.display());
    println!("  cargo xtask lab exec client -- curl -s http://10.8.8.40/");
    println!("  cargo xtask lab exec switch -- tcpdump -n -i director1");
    println!("  cargo xtask lab down");
    lab.keep();
    Ok(())
}

fn down() -> Result<()> {
    match Lab::down(NAME)? {
        true => println!("the lab is removed"),
        false => println!("there was no lab"),
    }
    Ok(())
}

/// Becomes the command, inside the node. Only a failure comes back.
fn exec(node: &str, command: &[OsString]) -> anyhow::Error {
    let inside = || -> Result<anyhow::Error> {
        let topology = topology()?;
        let known = node == "switch" || topology.find(node).is_some();
        ensure!(known, "the lab has no node {node}: `cargo xtask lab status` lists them");
        Lab::namespace_of(NAME, node)?.join()?;
        let (program, rest) = command.split_first().context("no command given")?;
        let error = Command::new(program).args(rest).exec();
        Ok(anyhow::Error::new(error).context(format!("cannot start {}", program.display())))
    };
    inside().unwrap_or_else(|error| error)
}

fn topology() -> Result<Topology> {
    Lab::kept(NAME)?.context("the lab is not up: `cargo xtask lab up` raises it")
}

fn status(topology: &Topology) -> Result<()> {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(["node", "IPv4", "IPv6", "runs"]);
    for Node { name, ipv4, ipv6, .. } in topology.nodes() {
        let pids = Lab::namespace_of(NAME, &name)?.pids()?;
        let runs: Vec<_> =
            pids.into_iter().map(|pid| format!("{} ({pid})", program(pid))).collect();
        let ipv4 = ipv4.map(|address| address.to_string()).unwrap_or_default();
        let ipv6 = ipv6.map(|address| address.to_string()).unwrap_or_default();
        table.add_row([name, ipv4, ipv6, runs.join(", ")]);
    }
    println!("{table}");
    let vips: Vec<_> = topology.vips().map(|vip| vip.to_string()).collect();
    println!(" VIPs on the real servers: {}", vips.join(", "));
    Ok(())
}

/// The name of a program that runs; empty when it has just ended.
fn program(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}
