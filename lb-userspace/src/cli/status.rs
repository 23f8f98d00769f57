//! `lb status`: what the agent does, at a glance.

mod counters;
mod directors;
mod header;
pub(super) mod pools;
mod services;

use std::process::ExitCode;

use super::{client::Client, output, paint::Paint};
use crate::api::Status;

/// Show services, real servers, health and counters.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Print everything as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Asks the agent, and shows what it says.
pub fn run(args: Args, client: &Client) -> anyhow::Result<ExitCode> {
    let status: Status = client.get("/v1/status")?;
    if args.json {
        output::print_json(&status)?;
    } else {
        output::print(&text(&status, Paint::of_stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole page: sections with an empty line between them.
fn text(status: &Status, paint: Paint) -> String {
    let sections = [
        header::text(status, paint),
        services::text(&status.services, paint),
        pools::text(&status.pools.iter().collect::<Vec<_>>(), paint),
        directors::text(&status.directors, paint),
        counters::text(&status.reasons, paint),
    ];
    let shown: Vec<_> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    shown.join("\n")
}

#[cfg(test)]
#[path = "status_test.rs"]
mod tests;
#[cfg(test)]
pub(super) use tests::example;
