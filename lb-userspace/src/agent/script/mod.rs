//! Scripts of the administrator's: who may run them, and running them. The one place for both.
//!
//! [`judge`] says whether a script may be run at all: `lb check`, the start and a reload ask it, and a [`Runner`]
//! again before each run. A [`Command`] is a script with all that one run of it needs:
//!
//! ```text
//! let runner = Runner::new(32);                      // so many at a time, for all of one kind
//! let ended = runner.run(&command).await;            // ended.outcome, ended.said
//! ```
//!
//! Whoever wants to know of a timeout at once, and not when the script has been ended, takes two steps:
//! [`Runner::start`] and [`Running::ended`], then [`Running::gone`].
//!
//! Each kind of script has a runner of its own, so that those of one kind do not wait for those of another.

mod judge;
mod outcome;
mod run;
mod tail;

use std::time::Duration;

pub use self::{
    judge::{Unsafe, User, judge},
    outcome::{Ended, Outcome},
    run::{Runner, Running},
};
use crate::model::Script;

/// One run of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is run. No shell is between, but the one that it names.
    pub script: Script,
    /// As whom it runs, with that user's own group and no other; `None`: as the agent's own user.
    pub user: Option<String>,
    /// What its environment has beside a `PATH`: nothing of the agent's.
    pub environment: Vec<(&'static str, String)>,
    /// How long it may take, from its start.
    pub timeout: Duration,
    /// Where goes what it says.
    pub output: Output,
}

/// Where goes what a script says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The last line of its output and its errors is kept ([`Ended::said`]). Nobody listens any more when it has
    /// ended: what it leaves running must not write there.
    LastLine,
    /// Its errors go where the agent's go, the rest nowhere: for scripts that leave something running.
    Errors,
}
