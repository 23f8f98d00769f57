//! From what is wanted to what has to be done: configuration, health and the operator's word become the
//! contents of the maps ([`desired`]), and the difference to what is there becomes ordered steps
//! ([`diff`]). Start, reload, a health change and the command line all go this way.

mod census;
mod desired;
mod diff;
mod ends;
mod guards;
mod lists;
mod marks;
mod numbering;
mod operator;
mod quorums;
mod ramp;
mod rates;
mod roster;
#[cfg(test)]
pub(crate) mod sample;
mod services;
#[cfg(test)]
mod simulation_test;
mod window;

pub use census::{Census, NotedPool, RealNumber, connections_left};
pub use desired::{
    Admin, Desired, Inputs, MemberStatus, NextHop, OwnAddresses, PoolPlan, Ramp, RealEntry,
    Surroundings, desired, features, tunnel,
};
pub use diff::{Actual, Step, diff};
pub use guards::{GuardError, GuardLists, ListOrigin, WholeList};
pub use lists::{ListChanges, Lists, Prefix, SILENCE, wanted as wanted_lists};
pub use marks::carries_mark;
pub use numbering::{Block, Numbering, NumberingError, PoolNumbers, ServiceNumbers};
pub use operator::{Effective, Operator, OperatorError, PoolChanges};
pub use quorums::{QuorumChange, Quorums, Standing};
pub use ramp::SlowStarts;
pub use rates::{FloodWatch, Sample, Samples};
pub use roster::{Crew, Known, Roster, alive_weight};
pub use window::OpenWindow;
