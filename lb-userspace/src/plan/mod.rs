//! From what is wanted to what has to be done: configuration, health and the operator's word become the
//! contents of the maps ([`desired`]), and the difference to what is there becomes ordered steps
//! ([`diff`]). Start, reload, a health change and the command line all go this way.

mod desired;
mod diff;
mod guards;
mod lists;
mod numbering;
mod operator;
#[cfg(test)]
mod sample;
mod services;

pub use desired::{
    Admin, Desired, Inputs, MemberStatus, NextHop, OwnAddresses, PoolPlan, Ramp, Surroundings,
    desired, features,
};
pub use diff::{Actual, Step, diff};
pub use guards::{GuardError, GuardLists, ListOrigin, WholeList};
pub use lists::{ListChanges, Lists, Prefix, SILENCE, wanted as wanted_lists};
pub use numbering::{Block, Numbering, NumberingError, PoolNumbers, ServiceNumbers};
pub use operator::{Effective, Operator, OperatorError, PoolChanges};
