//! What is said to a real server to find out whether it is alive, and which answer is a good one.
//!
//! Pure: bytes go in, what to send or a verdict comes out. However the bytes are cut on their way, the verdict is
//! the same, and what is kept of them is bounded. The shell that reads and writes is `probe`.

mod first_words;
mod http;

use std::net::SocketAddr;

use self::first_words::{Mysql, Postgresql, Redis, Smtp};
use crate::model::CheckKind;

/// One conversation with a real server.
pub trait Conversation: Send {
    /// What to say first; nothing where the server begins.
    fn opening(&mut self) -> Vec<u8>;

    /// Takes what the server says.
    ///
    /// # Errors
    /// The server is not well: why.
    fn receive(&mut self, bytes: &[u8]) -> Result<Step, Complaint>;

    /// The server has closed its side. That is the end: a good one or a bad one.
    ///
    /// # Errors
    /// The server is not well: why.
    fn closed(&mut self) -> Result<(), Complaint>;

    /// What it waits for, to say so when it does not come.
    fn awaits(&self) -> &'static str;
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read on.
    More,
    /// Say this, then read on.
    Send(Vec<u8>),
    /// The server is well.
    Passed,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Complaint {
    /// An answer by HTTP.
    #[error(transparent)]
    Http(#[from] http::HttpComplaint),
    /// The first words of a server that is known by them.
    #[error(transparent)]
    FirstWords(#[from] first_words::Unexpected),
}

/// The conversation of a check; `None` where an open connection is all that is asked.
#[must_use]
pub fn conversation(kind: &CheckKind, address: SocketAddr) -> Option<Box<dyn Conversation>> {
    match kind {
        CheckKind::Tcp | CheckKind::Tls(_) => None,
        CheckKind::Http(check) => Some(Box::new(http::Exchange::new(check.clone(), address, 80))),
        CheckKind::Https { http, .. } => {
            Some(Box::new(http::Exchange::new(http.clone(), address, 443)))
        }
        CheckKind::Postgresql(login) => Some(Box::new(Postgresql::new(login.clone()))),
        CheckKind::Mysql(login) => Some(Box::new(Mysql::new(login.clone()))),
        CheckKind::Redis => Some(Box::new(Redis::default())),
        CheckKind::Smtp => Some(Box::new(Smtp::default())),
    }
}

/// The begin of what a server said, fit to be shown in one line.
fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 60;
    let begin = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("\"{}{more}\"", begin.trim_ascii_end().escape_ascii())
}
