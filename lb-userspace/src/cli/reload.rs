//! `lb reload`: the agent reads its configuration again.

use std::process::ExitCode;

use super::{backend, client::Client};
use crate::api::Done;

/// Make the running agent read its configuration again; what is not valid changes nothing.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {}

/// Reloads, and says what has changed.
pub fn run(_: Args, client: &Client) -> anyhow::Result<ExitCode> {
    let done: Done = client.post("/v1/reload")?;
    backend::report(&done)
}
