//! `cargo xtask`: set up, build, run, test and measure lb.

mod bench;
mod build;
mod cmd;
mod fuzz;
mod kernel;
mod lab;
mod run;
mod runner;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find what is missing on this machine and install it
    Setup(setup::Args),
    /// Build the XDP program and `lb`
    Build(build::Args),
    /// Run lb: in the lab, or with --config on this host
    Run(run::Args),
    /// Raise, enter or remove the lab (network namespaces on this machine)
    Lab(lab::Args),
    /// Run every test there is
    Test(test::Args),
    /// Feed random and mutated frames to the decoder and the XDP program
    Fuzz(fuzz::Args),
    /// Measure
    Bench(bench::Args),
    /// Check the layer rules, the size of files and where `unsafe` stands
    Tidy(tidy::Args),
    /// What cargo starts test binaries through; not for people
    #[command(hide = true)]
    Runner(runner::Args),
}

fn main() -> ExitCode {
    match start(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Setup(args) => setup::main(&args),
        Task::Build(args) => build::main(&args),
        Task::Run(args) => run::main(args),
        Task::Lab(args) => lab::main(args),
        Task::Test(args) => test::main(&args),
        Task::Fuzz(args) => fuzz::main(&args),
        Task::Bench(args) => bench::main(&args),
        Task::Tidy(args) => tidy::main(&args),
        Task::Runner(args) => runner::main(&args),
    }
}
