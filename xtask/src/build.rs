//! `cargo xtask build`: the XDP program and `lb`. lb-userspace's build script builds the former.

use std::path::PathBuf;

use anyhow::Result;

use crate::cmd::{Cmd, step};
use crate::setup::{self, Group};
use crate::workspace;

/// Arguments of `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Optimised, as it would be installed
    #[arg(long)]
    release: bool,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    setup::ensure(&[Group::Build])?;
    let binary = step("Building lb", || lb(args.release))?;
    println!("{}", binary.display());
    Ok(())
}

/// Builds `lb` and returns where it lies. Asks for what a build needs first.
pub(crate) fn lb(release: bool) -> Result<PathBuf> {
    setup::ensure(&[Group::Build])?;
    Cmd::new(workspace::cargo())
        .args(["build", "--package", "lb-userspace", "--bin", "lb"])
        .args(release.then_some("--release"))
        .args(workspace::quiet_unless_watched())
        .dir(workspace::root())
        .run()?;
    workspace::lb_binary(release)
}
