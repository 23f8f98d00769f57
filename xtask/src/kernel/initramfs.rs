//! The guest's whole file system: busybox, iproute2 and the tests with their libraries, a kernel module, and
//! the script `init.sh`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::cpio::Archive;
use super::libraries;
use crate::cmd::find_program;

const INIT: &str = include_str!("init.sh");

/// Folders that the script mounts file systems on, or that programs expect.
const FOLDERS: &[&str] = &["/dev", "/proc", "/sys", "/tmp"];

/// An initramfs that loads `module`, runs `tests` and powers off.
pub(super) fn build(tests: &Path, module: &Path) -> Result<Vec<u8>> {
    let busybox = find_program("busybox").context("busybox is not in PATH")?;
    // busybox has an `ip` too, but that one can make no pair of interfaces.
    let ip = find_program("ip").context("iproute2's ip is not in PATH")?;
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.folder(folder);
    }
    archive.program("/init", INIT.as_bytes());
    // Its name says whether it is compressed.
    let name = module.file_name().context("the module has no name")?;
    archive.program(Path::new("/modules").join(name), &read(module)?);
    let programs = [("/bin/busybox", &*busybox), ("/sbin/ip", &*ip), ("/sbin/tests", tests)];
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
