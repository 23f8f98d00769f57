//! Checks of real servers, as `lb health` shows them.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Not,
};

use serde::{Deserialize, Serialize};

use crate::model::Name;

/// One check of a real server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckStatus {
    /// The pool.
    pub pool: Name,
    /// The real server's name in it.
    pub server: Name,
    /// Which of the pool's checks, from 1.
    pub check: usize,
    /// Its type, as in the configuration.
    pub kind: String,
    /// Where it goes; no port where it has none.
    pub address: String,
    /// The VIPs it goes through, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vips: Vec<IpAddr>,
    /// `up`, `down`, or `unknown` before the first result.
    pub state: String,
    /// For how long it has been in that state, in seconds.
    pub since_seconds: f64,
    /// Results in a row that speak against the state, and how many of them change it.
    pub contrary: u32,
    /// See `contrary`.
    pub needed: u8,
    /// Checks with a result, so far.
    pub checks: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// What the last one has found; nothing before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastCheck>,
    /// The last failure, whether it goes on or is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<LastFailure>,
    /// How much the server wants, by its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// It is not made while other directors have the VIPs; the state is the one from before.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub suspended: bool,
    /// The time from one to the next, as it is now, in seconds.
    pub interval_seconds: f64,
    /// The next one is due in so many seconds, unless it is suspended.
    pub next_seconds: f64,
}

/// What the last check has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastCheck {
    /// `passed`, `failed`, or `inconclusive`: it could not be made.
    pub outcome: String,
    /// Why, in words, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// How long ago that was, in seconds.
    pub seconds_ago: f64,
}

/// A run of failed checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastFailure {
    /// The words of the latest of them.
    pub reason: String,
    /// How many there were in a row.
    pub count: u32,
    /// When the first of them failed, in seconds before now.
    pub began_seconds_ago: f64,
    /// When the latest of them failed, in seconds before now.
    pub last_seconds_ago: f64,
    /// None has passed since.
    pub ongoing: bool,
}

/// One check that was made because somebody wanted to see it; no state has changed by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckTest {
    /// Which of the pool's checks, from 1.
    pub check: usize,
    /// Its type, as in the configuration.
    pub kind: String,
    /// Where it went.
    pub address: String,
    /// `passed`, `failed`, or `inconclusive`: it could not be made.
    pub outcome: String,
    /// Why, in words, where it did not pass; or what the server wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// What happened, in order.
    pub steps: Vec<CheckStep>,
}

/// A step of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckStep {
    /// When, in milliseconds from the beginning.
    pub at_ms: f64,
    /// What, in words.
    pub words: String,
}

/// Where a check goes, for people: without a port where there is none.
#[must_use]
pub fn show_target(address: SocketAddr) -> String {
    if address.port() == 0 { address.ip().to_string() } else { address.to_string() }
}
