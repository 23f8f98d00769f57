//! From the start of the process to its end.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::{runtime, sync::mpsc};

use super::{census::Census, conversation::Worker, team::Team};
use crate::{
    ipc::{Crew, Packets},
    sandbox::{self, Role},
};

/// What data threads have said, and nobody has heard.
const NEWS: usize = 256;

/// Is a worker until the supervisor is gone.
///
/// # Errors
/// It could not be shut in, has no supervisor, or one of its threads stands still.
pub fn process(crew: Crew) -> Result<ExitCode> {
    let link = Packets::at_stdin()?;
    // It opens sockets of its own for signals, as those of the data threads do.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let census = Census::new();
    let (news, heard) = mpsc::channel(NEWS);
    let team = Team::new(crew.threads, &census, &news)?;
    let enclosure = sandbox::give_up(crew.identity)?;
    let worker = Worker::new(census, team.start().context("starting threads")?, heard);
    // Its threads are there: from now on it can start no other.
    sandbox::shut_in(Role::Worker)?;
    let (user, threads) = (crew.identity.uid, crew.threads);
    tracing::info!(user, threads, "the worker is shut in: {enclosure}");
    runtime.block_on(worker.serve(link))?;
    Ok(ExitCode::SUCCESS)
}
