//! The places setup looks at and writes to, gathered in one type so that tests can point it elsewhere.

use std::cell::OnceCell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cmd::Cmd;

/// The LLVM release of the pinned Rust toolchain; bpf-linker must be built against the same.
pub(super) const LLVM: &str = "22";

/// Where things are on this machine.
pub(super) struct Machine {
    /// Asked for only when needed: root, behind sudo, may have no rustc.
    sysroot: OnceCell<PathBuf>,
    /// Where `cargo install` puts programs: its `bin` folder.
    pub(super) cargo_home: PathBuf,
    /// Where distributions put LLVM.
    pub(super) packaged_llvm: PathBuf,
}

/// An LLVM that bpf-linker can be built against.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Llvm {
    /// The shared library of the Rust toolchain itself.
    Toolchain(PathBuf),
    /// The folder of a package.
    Packaged(PathBuf),
}

impl Machine {
    /// The machine this program runs on.
    pub(super) fn this() -> Result<Self> {
        let home = env::var_os("HOME").map(PathBuf::from).context("HOME is not set")?;
        let cargo_home =
            env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let packaged_llvm = PathBuf::from(format!("/usr/lib/llvm-{LLVM}"));
        Ok(Self { sysroot: OnceCell::new(), cargo_home, packaged_llvm })
    }

    /// A machine with everything under one folder: `sysroot`, `cargo` and `llvm`.
    #[cfg(test)]
    pub(super) fn under(folder: &Path) -> Self {
        Self {
            sysroot: folder.join("sysroot").into(),
            cargo_home: folder.join("cargo"),
            packaged_llvm: folder.join("llvm"),
        }
    }

    /// The folder of the Rust toolchain; empty, so that nothing is found in it, where rustc does not answer.
    pub(super) fn sysroot(&self) -> &Path {
        self.sysroot.get_or_init(|| sysroot().unwrap_or_default())
    }

    /// The LLVM to build bpf-linker against, if there is one.
    pub(super) fn llvm(&self) -> Option<Llvm> {
        let own = self.sysroot().join("lib");
        let prefix = format!("libLLVM.so.{LLVM}.");
        if let Some(library) = find_file(&own, |name| name.starts_with(&prefix)) {
            return Some(Llvm::Toolchain(library));
        }
        let library = self.packaged_llvm.join("lib/libLLVM.so");
        library.exists().then(|| Llvm::Packaged(self.packaged_llvm.clone()))
    }
}

/// `rustc --print sysroot`, without starting rustc where cargo's own place says it.
fn sysroot() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").map(PathBuf::from);
    let beside_cargo = cargo.as_deref().and_then(|cargo| cargo.ancestors().nth(2));
    if let Some(sysroot) = beside_cargo.filter(|dir| dir.join("lib/rustlib").is_dir()) {
        return Ok(sysroot.to_path_buf());
    }
    let printed = Cmd::new("rustc").args(["--print", "sysroot"]).read()?;
    Ok(PathBuf::from(printed.trim_end()))
}

/// The first file of a folder, in the order of names, whose name is as wanted.
pub(crate) fn find_file(dir: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?.filter_map(Result::ok);
    entries.filter(|entry| entry.file_name().to_str().is_some_and(&wanted)).map(|e| e.path()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toolchains_own_llvm_goes_before_a_packaged_one() {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::under(dir.path());
        assert_eq!(machine.llvm(), None);

        let packaged = dir.path().join("llvm/lib");
        fs::create_dir_all(&packaged).unwrap();
        fs::write(packaged.join("libLLVM.so"), "").unwrap();
        assert_eq!(machine.llvm(), Some(Llvm::Packaged(dir.path().join("llvm"))));

        let own = dir.path().join("sysroot/lib");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("libLLVM.so.21.1-rust-1.90.0-stable"), "").unwrap();
        assert!(matches!(machine.llvm(), Some(Llvm::Packaged(_))));
        let library = own.join("libLLVM.so.22.1-rust-1.95.0-stable");
        fs::write(&library, "").unwrap();
        assert_eq!(machine.llvm(), Some(Llvm::Toolchain(library)));
    }
}
