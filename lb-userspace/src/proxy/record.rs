//! What is written down of one request or connection, gathered while it goes on.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::context::Context;
use super::pool::Pool;
use super::reach::Reach;
use super::tls::Facts;
use crate::access_log::{
    Connections, Entry, Format, Queues, Server, Termination, Timers, Tls, When, Who,
};
use crate::balance::{Attempts, Place};
use crate::http::Status;

/// Times are since the thread began.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) client: SocketAddr,
    pub(super) local: SocketAddr,
    /// The connection was accepted, or was idle again.
    pub(super) accepted: Duration,
    pub(super) began: Option<Duration>,
    pub(super) headed: Option<Duration>,
    pub(super) seated: Option<Duration>,
    pub(super) connected: Option<Duration>,
    pub(super) answered: Option<Duration>,
    pub(super) status: Option<Status>,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) termination: Termination,
    pub(super) attempts: Attempts,
    pub(super) server: Option<(Place, SocketAddr)>,
    pub(super) source: Option<SocketAddr>,
    /// In front of it in the queue.
    pub(super) queued: u32,
    /// By what TLS the client came, and how long the handshake took.
    pub(super) tls: Option<Rc<Facts>>,
    pub(super) handshake: Duration,
}

impl Record {
    pub(super) fn new([client, local]: [SocketAddr; 2], accepted: Duration) -> Self {
        Self {
            client,
            local,
            accepted,
            began: None,
            headed: None,
            seated: None,
            connected: None,
            answered: None,
            status: None,
            sent: 0,
            received: 0,
            termination: Termination::default(),
            attempts: Attempts::default(),
            server: None,
            source: None,
            queued: 0,
            tls: None,
            handshake: Duration::ZERO,
        }
    }

    /// How a server was looked for.
    pub(super) fn reached(&mut self, reach: &Reach) {
        self.seated = reach.seated;
        self.server = reach.asked;
        self.attempts = reach.attempts;
        self.queued = reach.queued;
    }

    pub(super) fn ended(&mut self, who: Who, when: When) {
        self.termination = Termination::new(who, when);
    }

    /// Writes it down.
    pub(super) fn write(&self, context: &Context, format: &Format, of: &Of<'_>) {
        let began = self.began.unwrap_or(self.accepted);
        let step = |from: Option<Duration>, to: Option<Duration>| Some(millis(from?, to?));
        let timers = Timers {
            handshake: millis(Duration::ZERO, self.handshake),
            idle: millis(self.accepted, began),
            request: step(Some(began), self.headed),
            queue: step(self.headed, self.seated),
            connect: step(self.seated, self.connected),
            response: step(self.connected, self.answered),
            total: millis(self.accepted, context.elapsed()),
        };
        let name = Pool::name;
        let server = self.server.zip(of.pool);
        let server_name = server.and_then(|((place, _), pool)| name(pool, place));
        let server = match (&server_name, self.server) {
            (Some(name), Some((_, address))) => Server::Real { name, address },
            _ => Server::None,
        };
        let held = of.pool.map_or([0; 2], |pool| pool.held(self.server.map(|(place, _)| place)));
        let entry = Entry {
            client: self.client,
            local: self.local,
            frontend: of.service,
            tls: self.tls.as_ref().map(|tls| Tls { version: tls.version, cipher: tls.cipher }),
            backend: of.pool.map(|pool| &*pool.settings.name),
            server,
            source: self.source,
            accepted: context.moment(self.accepted),
            began: context.moment(began),
            timers,
            request: of.line,
            status: self.status,
            sent: self.sent,
            received: self.received,
            termination: self.termination,
            retries: u32::from(self.attempts.retries()),
            redispatched: self.attempts.is_redispatched(),
            connections: Connections {
                process: context.clients(),
                frontend: of.clients,
                backend: held[0],
                server: held[1],
            },
            queues: Queues { server: 0, backend: self.queued },
            request_fields: &[],
            response_fields: &[],
            request_cookie: None,
            response_cookie: None,
            unique_id: None,
            line_number: context.count_line(),
            request_number: context.lines(),
            process: context.process,
            host: "",
        };
        context.log.add(|out| format.write(out, &entry));
    }
}

/// What it belongs to.
pub(super) struct Of<'a> {
    pub(super) service: &'a str,
    /// Clients of the service.
    pub(super) clients: u32,
    pub(super) pool: Option<&'a Pool>,
    /// The request line.
    pub(super) line: Option<&'a [u8]>,
}

fn millis(from: Duration, to: Duration) -> u32 {
    u32::try_from(to.saturating_sub(from).as_millis()).unwrap_or(u32::MAX)
}
