//! Debian's kernels under qemu. `cargo xtask test --kernel 6.1`: the packet tests on another kernel than this
//! machine's; `cargo xtask bench ipvs` boots one for what this machine's kernel lacks.
//!
//! qemu emulates a machine with one of Debian's kernels and an initramfs of little more than the program to
//! run. It needs no disk, no network, no KVM and no rights.

mod binary;
mod cpio;
mod guest;
mod image;
mod initramfs;
mod libraries;

use std::env;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

pub(crate) use binary::executable;
pub(crate) use guest::{Hardware, Report};
pub(crate) use image::Series;
use initramfs::Module;

use crate::cmd::{seconds, step};
use crate::setup::{self, Group};

/// Fewer random cases than on this machine, which runs all of them.
const FEWER_CASES: &str = "PROPTEST_CASES=12";

/// What a guest is made of, and what it runs.
pub(crate) struct Guest<'a> {
    pub(crate) series: Series,
    pub(crate) hardware: Hardware,
    /// Words for the kernel's command line; those that the kernel does not know are environment.
    pub(crate) settings: &'a [&'a str],
    /// Names of modules with their parameters, in the order in which they are loaded.
    pub(crate) modules: &'a [(&'a str, &'a str)],
    /// The program that is run.
    pub(crate) main: &'a Path,
    pub(crate) args: &'a [OsString],
    /// Programs that it starts.
    pub(crate) tools: &'a [PathBuf],
}

/// Runs the packet tests on each of these kernels; a failure on one does not spare the others.
pub(crate) fn test(kernels: &[Series], args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build, Group::Lab, Group::Kernel])?;
    let binary = step("Building the packet tests", binary::build)?;
    let mut failed = Vec::new();
    for &series in kernels {
        let guest = Guest {
            series,
            hardware: Hardware { cpus: "2", memory: "1G", clock_of_instructions: false },
            settings: &[FEWER_CASES],
            modules: &[("veth", ""), ("sch_ingress", ""), ("cls_bpf", "")],
            main: &binary,
            args,
            tools: &[],
        };
        match run(&guest, |line| println!("{line}")) {
            Ok(report) => eprintln!(
                "Linux {}: booted in {}, passed in {}",
                report.release,
                seconds(report.boot),
                seconds(report.run)
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

/// Boots a guest and hands on every line that it writes. An error if its program fails.
pub(crate) fn run(guest: &Guest<'_>, hear: impl FnMut(&str)) -> Result<Report> {
    let command_line = guest::command_line(guest.settings, env::vars_os(), guest.args)?;
    let names: Vec<_> = guest.modules.iter().map(|(name, _)| *name).collect();
    let kernel = image::of(guest.series, &names)?;
    let parameters = guest.modules.iter().map(|(_, parameters)| parameters);
    let modules: Vec<_> = kernel
        .modules
        .iter()
        .zip(parameters)
        .map(|(file, parameters)| Module { file, parameters })
        .collect();
    let mut initramfs = NamedTempFile::new().context("cannot make a temporary file")?;
    initramfs
        .write_all(&initramfs::build(guest.main, guest.tools, &modules)?)
        .with_context(|| format!("cannot write {}", initramfs.path().display()))?;
    guest::run(guest.hardware, &kernel.image, initramfs.path(), &command_line, hear)
}
