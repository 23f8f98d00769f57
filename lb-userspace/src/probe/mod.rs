//! The probe: makes the checks of real servers, and says what each has found.
//!
//! It hears [`Order`]s and says [`Finding`]s, and knows neither pools nor names: what a result means for a real
//! server is decided by the agent. It parses what real servers say, so it is given nothing that it could misuse.

mod ask;
mod check;
mod connect;
mod converse;
mod datagram;
mod doorbell;
mod http2;
pub mod message;
pub mod opener;
mod process;
mod recorder;
mod run;
mod through;
mod tls;
mod way;

pub use message::{DoorId, Finding, FromProbe, Job, Order, Step, TestId, ToProbe};
pub use opener::{Door, NoDoors, Opened, Opener, Passage, Transport};
#[cfg(test)]
pub(crate) use process::serve;
pub use process::{SIGN_OF_LIFE, process};
pub use recorder::Recorder;
pub use run::{run, run_by};
pub use way::Lead;
