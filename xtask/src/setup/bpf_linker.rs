//! bpf-linker, built against the very LLVM that the Rust toolchain uses.
//!
//! The linker reads the bitcode that rustc wrote, so their LLVM must be the same. rustup's toolchains carry
//! theirs as a shared library; linking against that needs no package of the distribution. Only where a
//! toolchain has none (some distributions' own Rust) a packaged LLVM is used.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::machine::{LLVM, Llvm, Machine};
use crate::cmd::{Cmd, find_program};
use crate::workspace;

const VERSION: &str = "0.13.0";

/// What to do where neither LLVM nor apt is there.
pub(super) const BY_HAND: &str = "LLVM_PREFIX=<folder of LLVM 22> cargo install bpf-linker --version 0.13.0 \
                                  --locked --no-default-features --features llvm-22, or ready-made: \
                                  cargo install cargo-binstall && cargo binstall bpf-linker@0.13.0";

/// Whether the right bpf-linker is there and starts. It takes a few milliseconds to ask, and a file test
/// would not notice an LLVM that has gone.
pub(super) fn is_there(machine: &Machine) -> bool {
    found_version(machine).is_some_and(|version| version == VERSION)
}

fn found_version(machine: &Machine) -> Option<String> {
    let installed = machine.cargo_home.join("bin/bpf-linker");
    let program = if installed.is_file() { installed } else { find_program("bpf-linker")? };
    let answer = Cmd::new(program).arg("--version").read().ok()?;
    answer.trim().strip_prefix("bpf-linker ").map(str::to_owned)
}

pub(super) fn install(machine: &Machine) -> Result<()> {
    let llvm = machine.llvm().context(
        "no LLVM 22 to build bpf-linker against, neither in the Rust toolchain nor as a package",
    )?;
    if let Some(version) = found_version(machine).filter(|found| found != VERSION) {
        eprintln!("  version {VERSION} takes the place of {version}");
    }
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    let cargo = Cmd::new(workspace::cargo())
        .args(workspace::quiet_unless_watched())
        .args(["install", "bpf-linker", "--version", VERSION, "--locked", "--force"])
        .args(["--no-default-features", "--features", &format!("llvm-{LLVM}")])
        .arg("--root")
        .arg(&machine.cargo_home);
    match &llvm {
        Llvm::Packaged(folder) => cargo.env("LLVM_PREFIX", folder),
        Llvm::Toolchain(library) => {
            let prefix = temporary.path();
            link_under_usual_name(library, prefix)?;
            cargo.env("LLVM_PREFIX", prefix).env("CARGO_ENCODED_RUSTFLAGS", runtime_path(library)?)
        }
    }
    .run()
}

/// bpf-linker's build script asks for `-lLLVM`; the toolchain's library has a longer name.
fn link_under_usual_name(library: &Path, prefix: &Path) -> Result<()> {
    let lib = prefix.join("lib");
    fs::create_dir(&lib).with_context(|| format!("cannot create {}", lib.display()))?;
    let link = lib.join("libLLVM.so");
    symlink(library, &link).with_context(|| format!("cannot create {}", link.display()))
}

/// Tells the program where to find the library when it runs.
fn runtime_path(library: &Path) -> Result<OsString> {
    let folder = library.parent().context("the toolchain's LLVM lies in no folder")?;
    let mut flag = OsString::from("-Clink-arg=-Wl,-rpath,");
    flag.push(folder);
    Ok(flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "compiles bpf-linker: 40 s on two cores, needs a network"]
    fn installs_into_an_empty_cargo_home() {
        let home = tempfile::tempdir().unwrap();
        let mut machine = Machine::this().unwrap();
        machine.cargo_home = home.path().to_owned();
        install(&machine).unwrap();
        let program = home.path().join("bin/bpf-linker");
        let answer = Cmd::new(program).arg("--version").read().unwrap();
        assert_eq!(answer.trim(), format!("bpf-linker {VERSION}"));
    }
}
