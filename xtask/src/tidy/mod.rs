//! `cargo xtask tidy`: the rules of this code base that neither rustc nor clippy knows.
//!
//! Layers (a pure room names no I/O), where `unsafe` may stand, how long a file may be, that each says what
//! it is for, and that nothing names a developer's own machine.

mod files;
mod paths;
mod rules;
mod source;

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::cmd::seconds;
use crate::workspace;
use files::File;

/// Arguments of `cargo xtask tidy`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    file: PathBuf,
    line: usize,
    severity: Severity,
    /// What is wrong, and which rule says so.
    problem: String,
    advice: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Warning,
    Error,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let Self { file, line, problem, advice, .. } = self;
        write!(f, "{}:{line}: {word}: {problem}\n    {advice}", file.display())
    }
}

pub(crate) fn main(_: &Args) -> Result<()> {
    check()
}

/// Prints every finding; fails if one of them is an error.
pub(crate) fn check() -> Result<()> {
    let start = Instant::now();
    let files = files::read(&workspace::root())?;
    let findings: Vec<Finding> = files.iter().flat_map(findings).collect();
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        bail!("tidy: places that break a rule: {errors}");
    }
    eprintln!("tidy: {} files keep the rules ({})", files.len(), seconds(start.elapsed()));
    Ok(())
}

fn findings(file: &File) -> Vec<Finding> {
    rules::ALL.iter().flat_map(|rule| rule(file)).collect()
}
