//! The proxy as a process of its own: shut in, with data threads that do as the agent says. It goes on when the agent dies.

mod census;
mod conversation;
pub mod message;
mod process;
mod team;
mod tls;
mod translate;
mod writer;

pub use process::process;
