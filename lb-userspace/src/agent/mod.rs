//! The shell of `lb run`: everything that touches the kernel, a socket or a clock.
//!
//! [`run`] starts it and turns events into calls of the [`director`], which keeps the data plane in line
//! with what is wanted.

mod addresses;
mod advice;
mod alive;
mod capture;
mod carried;
mod checks;
mod checks_here;
mod clock;
mod cluster;
mod control;
pub mod dataplane;
mod descriptors;
mod director;
mod fence;
mod files;
mod guard;
mod health;
mod hooks;
pub mod host;
mod leaving;
mod ledger;
mod loads;
mod locate;
mod meters;
pub mod neighbour;
pub mod netlink;
mod notebook;
mod notify;
mod operate;
mod passages;
mod placement;
pub mod preflight;
pub mod prober;
mod proxied;
mod reload;
mod rules;
mod run;
pub mod script;
mod start;
mod status;
mod supervised;
mod suspects;
pub mod sysctl;
mod trace;
mod track;
mod virtual_macs;
mod vrrp;

pub use run::{Options, run};
