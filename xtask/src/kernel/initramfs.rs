//! The guest's whole file system: busybox, iproute2, the programs that it runs with their libraries, kernel
//! modules, and the script `init.sh`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cpio::Archive;
use super::libraries;
use crate::cmd::find_program;

const INIT: &str = include_str!("init.sh");

/// Folders that the script mounts file systems on, or that programs expect.
const FOLDERS: &[&str] = &["/dev", "/proc", "/run", "/sys", "/tmp"];

/// The only user, for programs that look for it by name.
const USERS: &str = "root:x:0:0::/:/bin/sh\n";
const GROUPS: &str = "root:x:0:\n";

/// A kernel module's file, and its parameters.
pub(super) struct Module<'a> {
    pub(super) file: &'a Path,
    pub(super) parameters: &'a str,
}

/// An initramfs that loads modules in this order, runs `main` and powers off. `tools` are names in `PATH`.
pub(super) fn build(main: &Path, tools: &[PathBuf], modules: &[Module<'_>]) -> Result<Vec<u8>> {
    let busybox = find_program("busybox").context("busybox is not in PATH")?;
    // busybox has an `ip` too, but that one can make no pair of interfaces.
    let ip = find_program("ip").context("iproute2's ip is not in PATH")?;
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.folder(folder);
    }
    archive.program("/init", INIT.as_bytes());
    archive.program("/etc/passwd", USERS.as_bytes());
    archive.program("/etc/group", GROUPS.as_bytes());
    let mut load = String::new();
    for Module { file, parameters } in modules {
        let name = file.file_name().context("the module has no name")?;
        archive.program(Path::new("/modules").join(name), &read(file)?);
        // The script decompresses it first.
        let name = name.to_string_lossy();
        load += &format!("insmod /modules/{} {parameters}\n", name.trim_end_matches(".xz"));
    }
    archive.program("/modules/load", load.as_bytes());
    let mut programs = vec![
        (PathBuf::from("/bin/busybox"), &*busybox),
        (PathBuf::from("/sbin/ip"), &*ip),
        (PathBuf::from("/sbin/main"), main),
    ];
    for tool in tools {
        let name = tool.file_name().context("the tool has no name")?;
        programs.push((Path::new("/sbin").join(name), tool));
    }
    for (place, program) in programs {
        archive.program(place, &read(program)?);
        for library in libraries::of(program)? {
            archive.program(&library, &read(&library)?);
        }
    }
    Ok(archive.finish())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}
