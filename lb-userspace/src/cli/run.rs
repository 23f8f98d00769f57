//! `lb run`: the load balancer, in the foreground; and the processes that it is made of.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use super::logging;
use crate::{
    agent,
    ipc::{Crew, Identity},
    model::InterfaceName,
    probe,
    proxy::worker,
    supervisor,
};

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

/// The process that makes the checks; `lb run` starts it.
#[derive(Clone, Debug, clap::Args)]
pub struct ProbeArgs {
    /// The user that it is to be.
    #[arg(long)]
    uid: u32,
    /// The user's group.
    #[arg(long)]
    gid: u32,
}

/// The process that serves clients; `lb run` starts it.
#[derive(Clone, Debug, clap::Args)]
pub struct WorkerArgs {
    /// The user that it is to be.
    #[arg(long)]
    uid: u32,
    /// The user's group.
    #[arg(long)]
    gid: u32,
    /// Its data threads.
    #[arg(long)]
    threads: u8,
}

/// Runs until it is told to stop.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    logging::start()?;
    supervisor::run(&supervisor::Command { agent: args.of_agent() })
}

/// Is the agent.
pub fn agent(args: Args) -> anyhow::Result<ExitCode> {
    supervisor::begin_as(c"lb-agent")?;
    logging::start()?;
    let Args { config, keep, interface } = args;
    agent::run(&config, agent::Options { keep, interface })
}

/// Is the probe.
pub fn probe(ProbeArgs { uid, gid }: ProbeArgs) -> anyhow::Result<ExitCode> {
    supervisor::begin_as(c"lb-probe")?;
    logging::start()?;
    probe::process(Identity { uid, gid })
}

/// Is a worker.
pub fn worker(WorkerArgs { uid, gid, threads }: WorkerArgs) -> anyhow::Result<ExitCode> {
    supervisor::begin_as(c"lb-worker")?;
    logging::start()?;
    worker::process(Crew { identity: Identity { uid, gid }, threads })
}

impl Args {
    /// What makes another process the agent of these.
    fn of_agent(self) -> Vec<OsString> {
        let mut arguments = vec!["agent".into(), "--config".into(), self.config.into()];
        arguments.extend(self.keep.then(|| "--keep".into()));
        if let Some(interface) = self.interface {
            arguments.extend(["--interface".into(), interface.as_str().into()]);
        }
        arguments
    }
}
