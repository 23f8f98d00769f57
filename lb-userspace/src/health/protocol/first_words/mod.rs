//! Servers that are known by their first packets: PostgreSQL, MySQL and MariaDB, Redis, mail servers.
//!
//! What such a server says before it asks who is there shows that it takes connections, or why not.

mod lines;
mod mysql;
mod postgresql;

pub(super) use self::{
    lines::{Redis, Smtp},
    mysql::Mysql,
    postgresql::Postgresql,
};
use super::quoted;

/// The longest answer that is waited for, in bytes.
const LONGEST: usize = 4 << 10;
/// The same of one that may have many lines.
const LONGEST_REPLY: usize = 16 << 10;

/// What is wrong with the first words of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// Another protocol, or a wrong one.
    #[error("expected {wanted}, got {came}")]
    Other {
        /// What a healthy server says.
        wanted: &'static str,
        /// What this one says.
        came: String,
    },
    /// It says line after line, and comes to no end.
    #[error("expected {wanted}, got more than {LONGEST_REPLY} bytes")]
    Endless {
        /// What a healthy server says.
        wanted: &'static str,
    },
    /// It says that it is not well.
    #[error("the server says {0}")]
    Refused(String),
    /// It said too little.
    #[error("connection closed before {wanted} had come")]
    Closed {
        /// What a healthy server says.
        wanted: &'static str,
    },
}

impl Unexpected {
    fn other(wanted: &'static str, came: &[u8]) -> Self {
        Self::Other { wanted, came: quoted(came) }
    }
}

#[cfg(test)]
#[path = "../first_words_test.rs"]
mod tests;
