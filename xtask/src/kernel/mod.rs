//! `cargo xtask test --kernel 6.1`: the packet tests on another kernel than this machine's.
//!
//! qemu emulates a machine with one of Debian's kernels and an initramfs of little more than the test binary.
//! It needs no disk, no network, no KVM and no rights.

mod cpio;
mod guest;
mod image;
mod initramfs;
mod libraries;
mod test_binary;

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use guest::Report;
pub(crate) use image::Series;

use crate::cmd::{seconds, step};
use crate::setup::{self, Group};

/// Runs the packet tests on each of these kernels; a failure on one does not spare the others.
pub(crate) fn test(kernels: &[Series], args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build, Group::Lab, Group::Kernel])?;
    let binary = step("Building the packet tests", test_binary::build)?;
    let command_line = guest::command_line(env::vars_os(), args)?;
    let mut failed = Vec::new();
    for &series in kernels {
        match on(series, &binary, &command_line) {
            Ok(report) => eprintln!(
                "Linux {}: booted in {}, passed in {}",
                report.release,
                seconds(report.boot),
                seconds(report.tests)
            ),
            Err(error) => {
                eprintln!("Linux {series}: {error:#}");
                failed.push(series.to_string());
            }
        }
    }
    if !failed.is_empty() {
        bail!("the packet tests do not pass on Linux {}", failed.join(" and "));
    }
    Ok(())
}

fn on(series: Series, tests: &Path, command_line: &str) -> Result<Report> {
    let kernel = image::of(series)?;
    let mut initramfs = NamedTempFile::new().context("cannot make a temporary file")?;
    initramfs
        .write_all(&initramfs::build(tests, &kernel.module)?)
        .with_context(|| format!("cannot write {}", initramfs.path().display()))?;
    guest::run(&kernel.image, initramfs.path(), command_line)
}
