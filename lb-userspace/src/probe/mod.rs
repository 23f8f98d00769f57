//! The probe: makes the checks of real servers, and says what each has found.
//!
//! It hears [`Order`]s and says [`Finding`]s, and knows neither pools nor names: what a result means for a real
//! server is decided by the agent. It parses what real servers say, so it is given nothing that it could misuse.

mod ask;
mod check;
mod connect;
mod converse;
mod datagram;
mod http2;
pub mod message;
pub mod opener;
mod recorder;
mod run;
mod through;
mod tls;
mod way;

pub use message::{Finding, Job, Order, Step, TestId};
pub use opener::{Door, NoDoors, Opened, Opener, Transport};
pub use recorder::Recorder;
pub use run::{run, run_by};
pub use way::Lead;
