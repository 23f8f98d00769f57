//! What is said to a real server to find out whether it is alive, and which answer is a good one.
//!
//! Pure: bytes go in, what to send or a verdict comes out. However the bytes are cut on their way, the verdict is
//! the same, and what is kept of them is bounded. The shell that reads and writes is `probe`.

mod agent;
mod dns;
mod file;
mod first_words;
mod grpc;
mod http;
mod icmp;
mod script;
mod udp;

pub use self::{
    agent::AgentComplaint,
    dns::{DnsComplaint, DnsQuery, DnsStep, LONGEST_ANSWER},
    file::{FILE_LOOKED_AT, FileComplaint, judge_file},
    grpc::{CONTENT_TYPE, GrpcAnswer, GrpcComplaint, LONGEST, PATH, question},
    http::Http2Exchange,
    icmp::{Echo, NONCE},
    script::judge_exit,
    udp::{UdpComplaint, judge as judge_datagram},
};

use std::net::SocketAddr;

use self::first_words::{Mysql, Postgresql, Redis, Smtp};
use super::Advice;
use crate::model::{CheckKind, HttpCheck, HttpRequest, HttpVersion};

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

    /// What the server, which is well, wants besides.
    fn advice(&self) -> Advice {
        Advice::default()
    }
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
    /// An answer by DNS.
    #[error(transparent)]
    Dns(#[from] DnsComplaint),
    /// A datagram.
    #[error(transparent)]
    Udp(#[from] UdpComplaint),
    /// An answer by gRPC.
    #[error(transparent)]
    Grpc(#[from] GrpcComplaint),
    /// The word of an agent.
    #[error(transparent)]
    Agent(#[from] AgentComplaint),
}

/// The conversations of a check, each on a connection of its own; none where an open connection is all that is
/// asked, or where the shell speaks the protocol.
#[must_use]
pub fn conversations(kind: &CheckKind, address: SocketAddr) -> Vec<Box<dyn Conversation>> {
    let http = |check: &HttpCheck, usual| match check.version {
        HttpVersion::One => {
            let exchange =
                |request: &HttpRequest| http::Exchange::new(request.clone(), address, usual);
            let boxed = |exchange| -> Box<dyn Conversation> { Box::new(exchange) };
            check.requests.iter().map(exchange).map(boxed).collect()
        }
        HttpVersion::Two => Vec::new(),
    };
    let conversation: Box<dyn Conversation> = match kind {
        CheckKind::Tcp
        | CheckKind::Tls(_)
        | CheckKind::Dns(_)
        | CheckKind::Udp(_)
        | CheckKind::Ping
        | CheckKind::File(_)
        | CheckKind::Script(_)
        | CheckKind::Grpc(_) => return Vec::new(),
        CheckKind::Http(check) => return http(check, 80),
        CheckKind::Https { http: check, .. } => return http(check, 443),
        CheckKind::Postgresql(login) => Box::new(Postgresql::new(login.clone())),
        CheckKind::Mysql(login) => Box::new(Mysql::new(login.clone())),
        CheckKind::Redis => Box::new(Redis::default()),
        CheckKind::Smtp => Box::new(Smtp::default()),
        CheckKind::Agent(check) => Box::new(agent::Agent::new(check.send.clone())),
    };
    vec![conversation]
}

/// A question by DNS once more, by TCP: the answer did not fit into a datagram.
#[must_use]
pub fn dns_by_tcp(query: DnsQuery) -> Box<dyn Conversation> {
    Box::new(dns::DnsStream::new(query))
}

/// The begin of what a server said, fit to be shown in one line.
fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 60;
    let begin = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("\"{}{more}\"", begin.trim_ascii_end().escape_ascii())
}
