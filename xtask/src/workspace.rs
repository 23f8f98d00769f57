//! Where this workspace and what it builds lie.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The folder cargo builds into: this program runs from `<target>/debug/xtask`.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let xtask = env::current_exe().context("cannot find out where xtask itself lies")?;
    let target = xtask.ancestors().nth(2).context("xtask does not lie in a cargo target folder")?;
    Ok(target.to_path_buf())
}

/// Where `cargo build` puts the program `lb`.
pub(crate) fn lb_binary(release: bool) -> Result<PathBuf> {
    Ok(target_dir()?.join(if release { "release" } else { "debug" }).join("lb"))
}

/// The cargo that started us, so that the pinned toolchain is used throughout.
pub(crate) fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Cargo's progress is for somebody who watches; in a log it is hundreds of lines.
pub(crate) fn quiet_unless_watched() -> Option<&'static str> {
    (!io::stderr().is_terminal()).then_some("--quiet")
}
