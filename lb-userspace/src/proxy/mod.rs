//! The proxy's engine: one data thread, which accepts, reads, chooses a server and passes on.
//!
//! A thread shares nothing with others but the counters of [`balance`](crate::balance): it has its own listeners, its own
//! connections to servers and its own buffers. What it decides comes from the pure rooms; here bytes are moved.
//!
//! ```text
//! accept ─▶ Session ─▶ head ─▶ prepare ─▶ queue ─▶ connect ─▶ exchange ─▶ record
//!              ▲          (parse in place,  (exact limits)  (kept or    (upload beside   (access log)
//!              │           edited head)                      new)        download)
//!              └───────────────────── the next request ◀───────────────────┘
//! ```
//!
//! No connection holds a buffer while it waits: bytes are read into one buffer of the thread, parsed there, and what must
//! outlive that moment is copied out. Times are kept by one coarse wheel for all connections ([`timers`]).

mod accept;
mod clock;
mod context;
mod deaths;
mod engine;
mod frontend;
mod hall;
mod http;
mod idle;
mod log;
mod news;
mod observe;
mod orders;
mod pool;
mod preface;
mod queue;
mod reach;
mod record;
pub mod settings;
mod shared;
mod splice;
mod tcp;
mod thread;
mod timers;
pub mod tls;
mod transport;
mod tunnel;
mod upstream;
pub mod worker;

pub use log::LogBuffer;
pub use news::News;
pub use observe::Suspect;
pub use orders::{Control, Listening};
pub use shared::{Memory, Pulse, Shared};
pub use thread::DataThread;

#[cfg(test)]
mod tests;
