//! `cargo xtask bench`: hands on to the measuring programs of the package `lb-tests`.

mod ipvs;

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;

use crate::cmd::{Cmd, step};
use crate::setup::{self, Group};
use crate::{build, runner, workspace};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Nanoseconds per packet in the XDP program
    Dataplane {
        /// Handed on to the measuring program (try --help)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// What a client sees of a takeover, beside keepalived
    Failover {
        /// Handed on to the measuring program: --runs NUMBER, --only WORDS
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// How late advertisements are while the CPUs are busy
    Lateness {
        /// Handed on to the measuring program: --seconds NUMBER
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// How soon a real server that does not answer is out of the ring
    Health {
        /// Handed on to the measuring program: --runs NUMBER
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// What ten thousand health checks cost, beside HAProxy
    Checks {
        /// Handed on to the measuring program: --servers, --rounds, --seconds NUMBER
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// The proxy's engine and HAProxy in turn, one thread each
    Proxy {
        /// Handed on to the measuring program: --rounds, --seconds, --only NUMBER, or --instructions
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// lb and IPVS in turn, in a guest with Debian's kernel 6.1
    Ipvs(ipvs::Args),
}

pub(crate) fn main(args: &Args) -> Result<()> {
    match &args.what {
        What::Dataplane { args } => dataplane(args),
        What::Failover { args } => in_the_lab("failover", args),
        What::Lateness { args } => in_the_lab("lateness", args),
        What::Health { args } => in_the_lab("health", args),
        What::Checks { args } => in_the_lab("checks", args),
        What::Proxy { args } => proxy(args),
        What::Ipvs(args) => ipvs::main(args),
    }
}

fn dataplane(args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build])?;
    let cargo = example("dataplane");
    runner::through(cargo)?.arg("--").args(args).run()
}

fn proxy(args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build, Group::Lab, Group::Test])?;
    // Optimised across crates, as packages are.
    let cargo = of_profile("dist", "proxy");
    runner::through(cargo)?.arg("--").args(args).run()
}

/// A measuring program that starts `lb`, as it would be installed, in the lab.
fn in_the_lab(name: &str, args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build, Group::Lab, Group::Test])?;
    let lb = step("Building lb", || build::lb(true))?;
    let cargo = example(name).env("LB_BIN", lb);
    runner::through(cargo)?.arg("--").args(args).run()
}

fn example(name: &str) -> Cmd {
    of_profile("release", name)
}

fn of_profile(profile: &str, name: &str) -> Cmd {
    Cmd::new(workspace::cargo())
        .args(["run", "--quiet", "--profile", profile, "--package", "lb-tests", "--example", name])
        .dir(workspace::root())
}
