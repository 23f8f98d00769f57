//! `cargo xtask build`: the XDP program and `lb`. lb-userspace's build script builds the former.

use std::path::PathBuf;

use anyhow::Result;

use crate::cmd::{Cmd, step};
use crate::setup::{self, Group};
use crate::workspace;

/// Arguments of `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Optimised
    #[arg(long)]
    release: bool,

    /// Optimised across crates, as it would be installed: takes minutes
    #[arg(long, conflicts_with = "release")]
    dist: bool,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    setup::ensure(&[Group::Build])?;
    let binary = step("Building lb", || match args.dist {
        true => of_profile("dist").and_then(|()| Ok(workspace::target_dir()?.join("dist/lb"))),
        false => lb(args.release),
    })?;
    println!("{}", binary.display());
    Ok(())
}

/// Builds `lb` and returns where it lies. Asks for what a build needs first.
pub(crate) fn lb(release: bool) -> Result<PathBuf> {
    of_profile(if release { "release" } else { "dev" })?;
    workspace::lb_binary(release)
}

fn of_profile(profile: &str) -> Result<()> {
    setup::ensure(&[Group::Build])?;
    Cmd::new(workspace::cargo())
        .args(["build", "--profile", profile, "--package", "lb-userspace", "--bin", "lb"])
        .args(workspace::quiet_unless_watched())
        .dir(workspace::root())
        .run()
}
