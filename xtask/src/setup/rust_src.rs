//! rust-src: by rustup, or, where rustup may not download, from Debian's package of the same version.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt::{self, PrivateApt};
use super::machine::Machine;
use super::sources;
use crate::cmd::{Cmd, find_program};

/// What a person would do.
pub(super) const BY_HAND: &str = "rustup component remove rust-src; rustup component add rust-src \
                                  (for a distribution's own Rust: its package rust-src)";

/// The suites of Debian that carry recent Rust releases beside each other.
const SUITES: &str = "trixie-backports";

pub(super) fn is_there(machine: &Machine) -> bool {
    library(machine).join("core/src/lib.rs").is_file()
}

fn library(machine: &Machine) -> PathBuf {
    machine.sysroot().join("lib/rustlib/src/rust/library")
}

pub(super) fn install(machine: &Machine) -> Result<()> {
    if machine.sysroot().as_os_str().is_empty() {
        bail!("`rustc --print sysroot` does not answer; is Rust installed for this user?");
    }
    let by_rustup = match find_program("rustup") {
        Some(rustup) => Cmd::new(rustup).args(["component", "add", "rust-src"]).run_quietly(),
        None => Err(anyhow::anyhow!("there is no rustup")),
    };
    // What counts is the folder: rustup takes a component it once listed for present.
    if is_there(machine) {
        return Ok(());
    }
    match by_rustup {
        Ok(()) => eprintln!("  rustup says it is there, but it is not; trying Debian's package"),
        Err(error) => eprintln!("  {error:#}\n  trying Debian's package"),
    }
    from_debian(machine)
}

/// Unpacks Debian's package into the sysroot, without touching apt's sources or lists.
fn from_debian(machine: &Machine) -> Result<()> {
    if !apt::is_available() {
        bail!("there is no apt to get Debian's package with");
    }
    let source = sources::debian().context(
        "no Debian archive among apt's sources, so there is no package of this Rust version to take",
    )?;
    let version = rust_version()?;
    let apt = PrivateApt::new(&source.restricted_to(SUITES))?;
    let package = apt.version_of("rust-src", &format!("{version}+"))?.with_context(|| {
        format!("Debian's {SUITES} carries no rust-src {version}: the toolchain needs exactly that")
    })?;
    let unpacked = apt.download_and_unpack("rust-src", &package)?;
    let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
    put(&library, &self::library(machine))
}

fn rust_version() -> Result<String> {
    let verbose = Cmd::new("rustc").arg("-vV").read()?;
    let release = verbose.lines().find_map(|line| line.strip_prefix("release: "));
    Ok(release.context("`rustc -vV` names no release")?.to_owned())
}

/// Copies a folder beside its place and moves it there, so that half a copy is never taken for a whole one.
fn put(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("the sysroot has no parent folder")?;
    let writable =
        || format!("cannot write to {}: is it another user's toolchain?", parent.display());
    fs::create_dir_all(parent).with_context(writable)?;
    let beside = tempfile::tempdir_in(parent).with_context(writable)?;
    Cmd::new("cp").args(["-a", "--no-preserve=ownership"]).arg(from).arg(beside.path()).read()?;
    let copy = beside.path().join(from.file_name().context("no folder to copy")?);
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot replace {}", to.display()))?;
    }
    fs::rename(&copy, to).with_context(|| format!("cannot put {} in place", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_put_in_place_whole() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("unpacked/library");
        fs::create_dir_all(from.join("core/src")).unwrap();
        fs::write(from.join("core/src/lib.rs"), "").unwrap();
        let machine = Machine::under(dir.path());
        assert!(!is_there(&machine));
        put(&from, &library(&machine)).unwrap();
        assert!(is_there(&machine));
        let left = fs::read_dir(machine.sysroot().join("lib/rustlib/src/rust")).unwrap().count();
        assert_eq!(left, 1, "the temporary folder beside it is gone");
    }

    #[test]
    #[ignore = "downloads 45 MB from Debian"]
    fn debians_package_fills_an_empty_sysroot() {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::under(dir.path());
        from_debian(&machine).unwrap();
        assert!(is_there(&machine));
    }
}
