//! `cargo xtask bench`: hands on to the measuring programs of the package `lb-tests`.

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
}

pub(crate) fn main(args: &Args) -> Result<()> {
    let What::Dataplane { args } = &args.what;
    setup::ensure(&[Group::Build])?;
    let cargo = Cmd::new(workspace::cargo())
        .args(["run", "--quiet", "--release", "--package", "lb-tests", "--example", "dataplane"])
        .dir(workspace::root());
    runner::through(cargo)?.arg("--").args(args).run()
}
