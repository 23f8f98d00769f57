//! The main process of `lb run`: starts the others, and starts them again. It parses nothing that comes from outside,
//! and does so little that there is little in it to go wrong.

mod begin;
mod child;
pub mod machine;
mod run;

pub use begin::begin_as;
pub use run::{Command, run};
