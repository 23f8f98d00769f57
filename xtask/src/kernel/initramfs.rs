//! The guest's whole file system: busybox, the test binary with its libraries, and the script `init.sh`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::cpio::Archive;
use super::libraries;
use crate::cmd::find_program;

const INIT: &str = include_str!("init.sh");

/// Folders that the script mounts file systems on, or that programs expect.
const FOLDERS: &[&str] = &["/dev", "/proc", "/sys", "/tmp"];

/// An initramfs that runs `tests` and powers off.
pub(super) fn build(tests: &Path) -> Result<Vec<u8>> {
    let busybox = find_program("busybox").context("busybox is not in PATH")?;
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.folder(folder);
    }
    archive.program("/init", INIT.as_bytes());
    for (program, place) in [(busybox.as_path(), "/bin/busybox"), (tests, "/bin/tests")] {
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
