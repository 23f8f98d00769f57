//! `lb run`: the agent, in the foreground.

use std::{path::PathBuf, process::ExitCode};

use super::logging;
use crate::{agent, model::InterfaceName};

/// Run the load balancer on this host.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/lb/lb.toml")]
    pub config: PathBuf,
    /// Leave forwarding in place at the end; the next start takes it over.
    #[arg(long)]
    pub keep: bool,
    /// Use this interface instead of the configuration's.
    #[arg(long, value_name = "NAME")]
    pub interface: Option<InterfaceName>,
}

/// Runs until it is told to stop.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    logging::start()?;
    let Args { config, keep, interface } = args;
    agent::run(&config, agent::Options { keep, interface })
}
