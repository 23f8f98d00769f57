//! The command line: one subcommand a file.

pub mod backend;
pub mod capture;
pub mod check;
pub mod client;
pub mod guard;
pub mod health;
mod logging;
mod output;
mod paint;
pub mod preflight;
pub mod real_server;
pub mod reload;
pub mod run;
pub mod status;
mod table;
pub mod trace;
mod units;
pub mod vrrp;

/// What was typed cannot be meant; nothing was tried. Exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);
