//! `cargo xtask fuzz`: builds a fuzz target with coverage and AddressSanitizer, and runs it for a while.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::cmd::{Cmd, step};
use crate::run::duration;
use crate::setup::{self, Group};
use crate::workspace;

/// What libFuzzer is guided by, and what finds a read outside of a frame: passes of the compiler's own LLVM.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    // What crates that know of fuzzers ask for.
    "--cfg=fuzzing",
];

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to fuzz
    target: Target,

    /// End after this time, such as 30s or 10m
    #[arg(long = "for", value_name = "TIME", value_parser = duration, default_value = "60s")]
    time: Duration,

    /// Give it these files once, instead: what an earlier run has found
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "time")]
    replay: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// The decoder and the verdict on the host
    Decode,
    /// The XDP program against them (BPF_PROG_TEST_RUN; needs root)
    Agreement,
    /// The reader of VRRP packets
    Vrrp,
    /// The readers of HTTP/1.1 heads
    #[value(name = "http_head")]
    HttpHead,
    /// The reader of chunked bodies
    Chunked,
    /// The reader of headers of the PROXY protocol
    #[value(name = "proxy_protocol")]
    ProxyProtocol,
    /// The reader of TLS ClientHellos, beside rustls
    #[value(name = "client_hello")]
    ClientHello,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Agreement => "agreement",
            Self::Vrrp => "vrrp",
            Self::HttpHead => "http_head",
            Self::Chunked => "chunked",
            Self::ProxyProtocol => "proxy_protocol",
            Self::ClientHello => "client_hello",
        }
    }
}

pub(crate) fn main(args: &Args) -> Result<()> {
    setup::ensure(&[Group::Build, Group::Fuzz])?;
    let folder = workspace::target_dir()?.join("fuzz");
    let binary = step("Building the fuzz target", || build(args.target, &folder))?;
    let run = match args.target {
        Target::Agreement => Cmd::new(binary).needs_root(),
        Target::Decode
        | Target::Vrrp
        | Target::HttpHead
        | Target::Chunked
        | Target::ProxyProtocol
        | Target::ClientHello => Cmd::new(binary),
    };
    if !args.replay.is_empty() {
        return run.args(&args.replay).run();
    }
    let found = make(&folder, "findings", args.target)?;
    fuzz(run, args, &folder, &found).with_context(|| {
        let (name, found) = (args.target.name(), found.display());
        format!(
            "a finding: its frame is the newest file in {found}. \
             Again: cargo xtask fuzz {name} --replay FILE"
        )
    })
}

/// Builds the target into a folder of its own: everything is compiled with other flags than usual.
fn build(target: Target, folder: &Path) -> Result<PathBuf> {
    let host = format!("{ARCH}-unknown-linux-gnu");
    Cmd::new(workspace::cargo())
        .args(["build", "--package", "lb-fuzz", "--features", "link", "--profile", "fuzz"])
        .args(["--bin", target.name()])
        // Named, so that the flags do not reach build scripts and macros.
        .args(["--target", &host])
        .arg("--target-dir")
        .arg(folder)
        .args(workspace::quiet_unless_watched())
        // A sanitizer on a stable toolchain.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS.join(" "))
        .dir(workspace::root())
        .run()?;
    Ok(folder.join(host).join("fuzz").join(target.name()))
}

fn fuzz(run: Cmd, args: &Args, folder: &Path, found: &Path) -> Result<()> {
    let corpus = make(folder, "corpus", args.target)?;
    let seeds = make(folder, "seeds", args.target)?;
    // With a slash at the end it is a folder.
    let prefix = format!("-artifact_prefix={}/", found.display());
    let seconds = format!("-max_total_time={}", args.time.as_secs().max(1));
    run.env("LB_FUZZ_SEEDS", &seeds)
        // New frames are kept in the first folder, for the next run.
        .args([&corpus, &seeds])
        .args([&prefix, &seconds])
        // Above the usual MTU, so that "too big" is met, and below what the kernel takes.
        .args(["-max_len=2048", "-timeout=10", "-detect_leaks=0", "-print_final_stats=1"])
        .run()
}

fn make(folder: &Path, what: &str, target: Target) -> Result<PathBuf> {
    let folder = folder.join(what).join(target.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
