//! `cargo xtask setup`: finds what this machine lacks and installs it.

mod apt;
mod bpf_linker;
mod by_hand;
mod install;
mod list;
mod machine;
mod requirement;
mod rust_src;
mod sources;

use std::time::Instant;

use anyhow::Result;

pub(crate) use apt::PrivateApt;
pub(crate) use machine::find_file;
pub(crate) use requirement::Group;
pub(crate) use sources::debian as debian_source;

use crate::cmd::seconds;
use machine::Machine;
use requirement::Requirement;

/// Arguments of `cargo xtask setup`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also what only the gate (.ci/run) needs
    #[arg(long)]
    gate: bool,

    /// Only say what is missing; exit 1 if anything is
    #[arg(long)]
    check: bool,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    let start = Instant::now();
    let groups: &[Group] = if args.gate {
        &[Group::Build, Group::Lab, Group::Test, Group::Gate]
    } else {
        &[Group::Build, Group::Lab, Group::Test]
    };
    let machine = Machine::this()?;
    let wanted = wanted(groups);
    let missing = missing(&wanted, &machine);
    if args.check && !missing.is_empty() {
        for requirement in &missing {
            println!("missing: {} ({})", requirement.name, requirement.why);
        }
        anyhow::bail!("{} of {} things are missing", missing.len(), wanted.len());
    }
    install::all(&missing, &machine)?;
    let (count, time) = (wanted.len(), seconds(start.elapsed()));
    match missing.len() {
        0 => println!("setup: all {count} requirements are met ({time})"),
        new => println!("setup: all {count} requirements are met, {new} of them new ({time})"),
    }
    Ok(())
}

/// Makes sure that what these groups need is there; says nothing if it is.
pub(crate) fn ensure(groups: &[Group]) -> Result<()> {
    let machine = Machine::this()?;
    let missing = missing(&wanted(groups), &machine);
    install::all(&missing, &machine)
}

fn wanted(groups: &[Group]) -> Vec<&'static Requirement> {
    let of_groups = |requirement: &&Requirement| groups.contains(&requirement.group);
    list::REQUIREMENTS.iter().filter(of_groups).collect()
}

fn missing(wanted: &[&'static Requirement], machine: &Machine) -> Vec<&'static Requirement> {
    wanted.iter().copied().filter(|requirement| !requirement.is_met(machine)).collect()
}
