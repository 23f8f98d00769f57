//! Debian's kernels under qemu. `cargo xtask test --kernel 6.1`: the packet tests on another kernel than this
//! machine's, and end-to-end tests of what this one may lack; `cargo xtask bench ipvs` boots one for what this machine's kernel lacks.
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

use crate::build;
use crate::cmd::{find_program, seconds, step};
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

/// Tests one after the other: an emulated machine is slow enough.
const LAB_SETTINGS: &[&str] = &["LB_BIN=/sbin/lb", "RUST_TEST_THREADS=1"];
/// What VLANs and the lab's switch stand on goes before them.
const LAB_MODULES: &[(&str, &str)] = &[
    ("veth", ""),
    ("llc", ""),
    ("stp", ""),
    ("bridge", ""),
    ("garp", ""),
    ("mrp", ""),
    ("8021q", ""),
];
/// What the lab starts, besides `ip` and `lb`.
const LAB_TOOLS: [&str; 3] = ["bpftool", "ethtool", "nginx"];

/// Runs the packet tests on each of these kernels, and the end-to-end tests that are ignored elsewhere because they
/// need what not every kernel has; a failure on one does not spare the others.
pub(crate) fn test(kernels: &[Series], args: &[OsString]) -> Result<()> {
    setup::ensure(&[Group::Build, Group::Lab, Group::Test, Group::Kernel])?;
    let packet = step("Building the packet tests", || binary::tests("packet"))?;
    let e2e = step("Building the end-to-end tests", || binary::tests("e2e"))?;
    let lb = step("Building lb, which they start", || build::lb(false))?;
    let found = LAB_TOOLS.map(|name| find_program(name).with_context(|| format!("no {name}")));
    let tools: Vec<_> = found.into_iter().chain([Ok(lb)]).collect::<Result<_>>()?;
    let ignored: Vec<_> = [OsString::from("--ignored")].into_iter().chain(args.to_vec()).collect();
    let mut failed = Vec::new();
    for &series in kernels {
        let packets = Guest {
            series,
            hardware: Hardware { cpus: "2", memory: "1G", clock_of_instructions: false },
            settings: &[FEWER_CASES],
            modules: &[("veth", ""), ("sch_ingress", ""), ("cls_bpf", "")],
            main: &packet,
            args,
            tools: &[],
        };
        let lab = Guest {
            hardware: Hardware { memory: "2G", ..packets.hardware },
            settings: LAB_SETTINGS,
            modules: LAB_MODULES,
            main: &e2e,
            args: &ignored,
            tools: &tools,
            ..packets
        };
        for (what, guest) in [("packet", packets), ("end-to-end", lab)] {
            match run(&guest, |line| println!("{line}")) {
                Ok(report) => eprintln!(
                    "Linux {}: booted in {}, {what} tests passed in {}",
                    report.release,
                    seconds(report.boot),
                    seconds(report.run)
                ),
                Err(error) => {
                    eprintln!("Linux {series}: {what} tests: {error:#}");
                    failed.push(format!("{what} tests on Linux {series}"));
                }
            }
        }
    }
    if !failed.is_empty() {
        bail!("these do not pass: {}", failed.join(", "));
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
