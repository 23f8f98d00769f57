//! `cargo xtask test`: every test there is.

use std::ffi::OsString;
use std::time::Instant;

use anyhow::Result;

use crate::cmd::{Cmd, seconds, step};
use crate::kernel::{self, Series};
use crate::setup::{self, Group};
use crate::{build, runner, tidy, workspace};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the packet tests and the ignored end-to-end tests, on Debian's newest kernel of this series (6.1, 6.12) under qemu; may be repeated
    #[arg(long, value_name = "SERIES")]
    kernel: Vec<Series>,

    /// Handed to every test binary: a part of a test's name, --ignored, --nocapture ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

pub(crate) fn main(args: &Args) -> Result<()> {
    if !args.kernel.is_empty() {
        return kernel::test(&args.kernel, &args.args);
    }
    let start = Instant::now();
    setup::ensure(&[Group::Build, Group::Lab, Group::Test])?;
    tidy::check()?;
    step("Building lb, which the end-to-end tests start", || build::lb(false))?;
    let cargo = Cmd::new(workspace::cargo())
        .args(["test", "--workspace", "--exclude", "lb-ebpf"])
        .dir(workspace::root());
    let result = runner::through(cargo)?.arg("--").args(&args.args).run();
    let word = if result.is_ok() { "all tests passed" } else { "tests failed" };
    eprintln!("{word} in {}", seconds(start.elapsed()));
    result
}
