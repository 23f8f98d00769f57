//! Access logs: what is known of a finished request or connection, and the line that says so.
//!
//! Formats are HAProxy's, byte for byte, so that what reads its logs reads ours: `httplog`, `tcplog`, and custom
//! ones of the same variables, read once into a program ([`Format`]). Lines go into a given buffer; nothing is
//! allocated for one. A byte that could end a line, or pass for another field, never reaches it.

mod encode;
mod entry;
mod format;
mod json;
mod moment;
mod parse;
mod syslog;
mod termination;
mod variable;

pub use entry::{Connections, Entry, Queues, Server, Timers, Tls};
pub use format::Format;
pub use json::write_json;
pub use moment::Moment;
pub use parse::{FormatError, FormatProblem};
pub use syslog::{Facility, Severity, Syslog, SyslogFormat};
pub use termination::{Termination, When, Who};

#[cfg(test)]
mod sample;
