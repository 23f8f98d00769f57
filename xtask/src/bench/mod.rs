//! `cargo xtask bench`: hands on to the measuring programs of the package `lb-tests`.

mod ipvs;

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;

use crate::cmd::Cmd;
use crate::setup::{self, Group};
use crate::{runner, workspace};

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
    /// lb and IPVS in turn, in a guest with Debian's kernel 6.1
    Ipvs(ipvs::Args),
}

pub(crate) fn main(args: &Args) -> Result<()> {
    match &args.what {
        What::Dataplane { args } => dataplane(args),
        What::Ipvs(args) => ipvs::main(args),
    }
}

fn dataplane(args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build])?;
    let cargo = Cmd::new(workspace::cargo())
        .args(["run", "--quiet", "--release", "--package", "lb-tests", "--example", "dataplane"])
        .dir(workspace::root());
    runner::through(cargo)?.arg("--").args(args).run()
}
