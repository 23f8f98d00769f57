//! What a data thread is told: services, pools, times and limits. It is checked already.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::tls::{ServerTls, Tls};
use crate::access_log::Format;
use crate::balance::{Place, Retries, Snapshot};
use crate::http::Limits;
use crate::http::edit::{Forwarding, HeaderEdits, HeaderName, HeaderValue};
use crate::http::rules::Routes;
use crate::model::{Observe, ProxyVersion};

/// The number of a pool in [`Settings::pools`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolId(pub usize);

/// All of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What listeners belong to.
    pub services: Vec<Service>,
    /// Who answers.
    pub pools: Vec<Pool>,
}

/// A service: how it speaks with clients.
#[derive(Clone, Debug)]
pub struct Service {
    /// For logs.
    pub name: Arc<str>,
    /// Where requests go that no route decides.
    pub pool: PoolId,
    /// Connections of clients at a time, of this thread; more wait in the kernel (`maxconn`).
    pub most_connections: usize,
    /// Clients come through a proxy, which says who they are before anything else: whoever does not is not served.
    pub accepts_proxy: bool,
    /// Clients come by TLS.
    pub tls: Option<Tls>,
    /// How long clients may be silent.
    pub timeouts: ClientTimeouts,
    /// What it speaks.
    pub mode: Mode,
    /// How each request, or connection, is written down; `None`: not at all.
    pub log: Option<Format>,
}

/// What a service speaks.
#[derive(Clone, Debug)]
pub enum Mode {
    /// HTTP/1.1: a server for each request.
    Http(Box<Http>),
    /// Anything: a server for each connection.
    Tcp,
}

/// What is done with requests of HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    /// Of heads.
    pub limits: Limits,
    /// Bytes of the body of a request, at most.
    pub largest_body: u64,
    /// Which pool answers.
    pub routes: Routes<PoolId>,
    /// What servers learn about the client.
    pub forwarding: Forwarding,
    /// To servers.
    pub request_headers: HeaderEdits,
    /// To clients.
    pub response_headers: HeaderEdits,
    /// What the server is told to be, in place of the client's Host.
    pub host: Option<HeaderValue>,
}

/// With HAProxy's names.
#[derive(Clone, Copy, Debug)]
pub struct ClientTimeouts {
    /// `http-request`: for a whole head.
    pub request: Duration,
    /// `http-keep-alive`: between requests.
    pub keep_alive: Duration,
    /// `client`: without a byte from or to the client.
    pub client: Duration,
    /// `tunnel`: without a byte in either direction.
    pub tunnel: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            keep_alive: Duration::from_secs(10),
            client: Duration::from_secs(60),
            tunnel: Duration::from_secs(3600),
        }
    }
}

/// What of a request chooses the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The client's address, by a seed that the directors of a cluster share.
    Source(u64),
    /// The target, by a seed.
    Uri {
        /// The seed.
        seed: u64,
        /// The query counts, too.
        with_query: bool,
    },
    /// The value of a header, by a seed.
    Header(u64, HeaderName),
}

/// The servers of a pool, as they are now.
#[derive(Clone, Debug)]
pub struct Members {
    /// Who they are, and who of them gets requests.
    pub snapshot: Arc<Snapshot>,
    /// Their names, for logs.
    pub names: Arc<BTreeMap<Place, Arc<str>>>,
    /// Those that are down.
    pub down: Arc<[Place]>,
}

/// Servers that stand in for each other.
#[derive(Clone, Debug)]
pub struct Pool {
    /// For logs.
    pub name: Arc<str>,
    /// Where it is counted, in [`Memory::pools`](super::Memory): the same for as long as there is such a pool.
    pub cell: u16,
    /// Its servers.
    pub members: Members,
    /// What of a request chooses the server, where the algorithm wants a key.
    pub key: Key,
    /// What follows a failure; `connect` is among it.
    pub retries: Retries,
    /// How long a request waits for a server with room.
    pub queue_timeout: Duration,
    /// Requests of this thread that wait, at most.
    pub most_waiting: usize,
    /// `server`: without a byte from or to the server.
    pub server_timeout: Duration,
    /// Connections that are kept for later requests, of this thread and each server; 0: none is kept.
    pub most_idle: usize,
    /// How long one is kept.
    pub idle_timeout: Duration,
    /// Servers are told by the PROXY protocol who the client is. Then each connection is for one client's request.
    pub sends_proxy: Option<ProxyVersion>,
    /// Servers are spoken with by TLS.
    pub tls: Option<ServerTls>,
    /// What goes on at a server ends when it is found to be down.
    pub kills: bool,
    /// Whether requests speak for the health of its servers.
    pub observe: Option<Observe>,
    /// The Host for a client of HTTP/1.0 that names none.
    pub host: HeaderValue,
}

impl Pool {
    /// All but its servers is the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let Self {
            name,
            cell,
            members: _,
            key,
            retries,
            queue_timeout,
            most_waiting,
            server_timeout,
            most_idle,
            idle_timeout,
            sends_proxy,
            tls,
            kills,
            observe,
            host,
        } = self;
        let times = [queue_timeout, server_timeout, idle_timeout];
        let same_times =
            times == [&other.queue_timeout, &other.server_timeout, &other.idle_timeout];
        (name, cell, key, retries) == (&other.name, &other.cell, &other.key, &other.retries)
            && same_times
            && (most_waiting, most_idle) == (&other.most_waiting, &other.most_idle)
            && (sends_proxy, kills, observe) == (&other.sends_proxy, &other.kills, &other.observe)
            && (tls, host) == (&other.tls, &other.host)
    }

    /// Connections to its servers serve more than one request.
    pub(super) const fn keeps_connections(&self) -> bool {
        self.most_idle > 0 && self.sends_proxy.is_none()
    }
}
