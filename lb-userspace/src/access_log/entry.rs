//! What is known of a finished request or connection.

use std::net::SocketAddr;

use super::{Moment, Termination};
use crate::http::Status;

/// Everything that a log may say. It borrows: nothing is copied to be logged.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The client's end of its connection.
    pub client: SocketAddr,
    /// Our end of it.
    pub local: SocketAddr,
    /// The service.
    pub frontend: &'a str,
    /// The client's connection is by TLS.
    pub tls: Option<Tls<'a>>,
    /// The pool, once one was chosen; until then logs name the service.
    pub backend: Option<&'a str>,
    /// The server.
    pub server: Server<'a>,
    /// Our end of the connection to the server.
    pub source: Option<SocketAddr>,
    /// When the connection was accepted, or the kept one was idle again.
    pub accepted: Moment,
    /// When the first byte of the request came.
    pub began: Moment,
    /// How long what took.
    pub timers: Timers,
    /// The request line as it came; `None` when none came that could be read.
    pub request: Option<&'a [u8]>,
    /// What the client was told.
    pub status: Option<Status>,
    /// Bytes to the client.
    pub sent: u64,
    /// Bytes from the client.
    pub received: u64,
    /// How it ended.
    pub termination: Termination,
    /// How often connecting was tried again.
    pub retries: u32,
    /// The last time with another server.
    pub redispatched: bool,
    /// Connections at the end of this one, itself included.
    pub connections: Connections,
    /// What was in front of it in queues.
    pub queues: Queues,
    /// Captured fields of the request; empty when the service captures none.
    pub request_fields: &'a [Option<&'a [u8]>],
    /// Captured fields of the response.
    pub response_fields: &'a [Option<&'a [u8]>],
    /// The captured cookie of the request, with its name.
    pub request_cookie: Option<&'a [u8]>,
    /// The captured cookie of the response.
    pub response_cookie: Option<&'a [u8]>,
    /// The id of the request.
    pub unique_id: Option<&'a [u8]>,
    /// How many lines this service has logged before.
    pub line_number: u64,
    /// How many requests this process has had.
    pub request_number: u64,
    /// The number of this process.
    pub process: u32,
    /// The name of this host.
    pub host: &'a str,
}

/// A connection by TLS.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// Such as `TLSv1.3`.
    pub version: &'a str,
    /// Such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'a str,
}

/// Who answered.
#[derive(Clone, Copy, Debug, Default)]
pub enum Server<'a> {
    /// Nobody was asked.
    #[default]
    None,
    /// The statistics page.
    Stats,
    /// A server.
    Real {
        /// Its name.
        name: &'a str,
        /// Where it is.
        address: SocketAddr,
    },
}

/// Milliseconds; `None` for what was not reached, which logs write as -1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers {
    /// Handshakes: TLS, and PROXY protocol.
    pub handshake: u32,
    /// Waiting for the first byte of the request, on a kept connection.
    pub idle: u32,
    /// The head of the request, from its first byte.
    pub request: Option<u32>,
    /// In queues.
    pub queue: Option<u32>,
    /// Connecting to the server.
    pub connect: Option<u32>,
    /// The head of the response.
    pub response: Option<u32>,
    /// All, from accepting to the end.
    pub total: u32,
}

impl Timers {
    /// All of the request: `%Ta`.
    pub(super) fn active(&self) -> u32 {
        self.total.saturating_sub(self.idle.saturating_add(self.handshake))
    }

    /// All without idling: `%Tu`.
    pub(super) fn user(&self) -> u32 {
        self.total.saturating_sub(self.idle)
    }

    /// From accepting to the end of the request's head: `%Tq`.
    pub(super) fn until_request(&self) -> Option<u32> {
        Some(self.handshake.saturating_add(self.idle).saturating_add(self.request?))
    }

    /// The data of the response: `%Td`.
    pub(super) fn data(&self) -> Option<u32> {
        let parts = [self.until_request()?, self.queue?, self.connect?, self.response?];
        Some(self.total.saturating_sub(parts.into_iter().fold(0, u32::saturating_add)))
    }
}

/// How many at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connections {
    /// Of the process.
    pub process: u32,
    /// Of the service.
    pub frontend: u32,
    /// Of the pool.
    pub backend: u32,
    /// Of the server.
    pub server: u32,
}

/// How many were in front.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queues {
    /// Of the server.
    pub server: u32,
    /// Of the pool.
    pub backend: u32,
}

impl<'a> Entry<'a> {
    /// The pool, or the service that chose none.
    pub(super) fn backend_name(&self) -> &'a str {
        self.backend.unwrap_or(self.frontend)
    }

    pub(super) fn server_name(&self) -> &'a str {
        match self.server {
            Server::None => "<NOSRV>",
            Server::Stats => "<STATS>",
            Server::Real { name, .. } => name,
        }
    }

    pub(super) fn server_address(&self) -> Option<SocketAddr> {
        match self.server {
            Server::None | Server::Stats => None,
            Server::Real { address, .. } => Some(address),
        }
    }

    /// The method, target and version of the request line.
    pub(super) fn words(&self) -> Option<[&'a [u8]; 3]> {
        let mut words = self.request?.splitn(3, |&byte| byte == b' ');
        let mut next = || words.next().unwrap_or_default();
        Some([next(), next(), next()])
    }
}
