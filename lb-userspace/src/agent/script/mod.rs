//! Scripts of the administrator's: which may be run at all, and running one.
//!
//! A [`Command`] names a program and its arguments; no shell stands between. Who wants one names it:
//! `["/bin/sh", "-c", "..."]`.

mod run;
mod safe;

pub use run::{Command, Outcome, User, UserError, run};
pub use safe::{Unsafe, check};
