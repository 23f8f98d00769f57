//! What the proxy does for services of the modes `tcp` and `http`, and how it uses their pools.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    HttpService, Mode, Name, Observe, PoolTls, ProxyVersion, Route, SchedulerKind, ServiceTls,
    show_duration,
};

/// A service of the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyService {
    /// Connections of clients at a time; more wait in the kernel (HAProxy's `maxconn`).
    pub max_connections: NonZeroU32,
    /// Clients come through a proxy, which says by the PROXY protocol who they are.
    pub accept_proxy: bool,
    /// Clients come by TLS.
    pub tls: Option<ServiceTls>,
    /// How long clients may be silent.
    pub timeouts: ProxyTimeouts,
    /// How each request, or connection, is written down; `None`: not at all.
    pub log: Option<AccessLog>,
    /// What is done with requests of HTTP; `None` for any stream of bytes.
    pub http: Option<HttpService>,
}

/// HAProxy's timeouts of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyTimeouts {
    /// For a whole head.
    pub http_request: Duration,
    /// Between requests.
    pub http_keep_alive: Duration,
    /// Without a byte from or to the client.
    pub client: Duration,
    /// Without a byte in either direction, once it is a stream.
    pub tunnel: Duration,
}

impl Default for ProxyTimeouts {
    fn default() -> Self {
        Self {
            http_request: Duration::from_secs(10),
            http_keep_alive: Duration::from_secs(10),
            client: Duration::from_secs(60),
            tunnel: Duration::from_secs(3_600),
        }
    }
}

/// The form of an access log's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// HAProxy's `httplog`.
    Http,
    /// HAProxy's `tcplog`.
    Tcp,
    /// A format of HAProxy's variables.
    Custom(String),
}

/// How the proxy chooses a server of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// In turns, by weight.
    #[default]
    RoundRobin,
    /// The fewest connections for its weight.
    LeastConn,
    /// Of two drawn by weight, the one with fewer connections.
    Random,
    /// The first that has room.
    First,
    /// By [`HashOf`]: the same key, the same server.
    Hash,
}

/// The nearest to a scheduler of XDP: the proxy sees requests, so nothing but a key needs a hash.
impl From<SchedulerKind> for Balance {
    fn from(scheduler: SchedulerKind) -> Self {
        match scheduler {
            SchedulerKind::Maglev | SchedulerKind::Rr | SchedulerKind::Wrr => Self::RoundRobin,
            SchedulerKind::Lc | SchedulerKind::Wlc | SchedulerKind::Sed | SchedulerKind::Nq => {
                Self::LeastConn
            }
            SchedulerKind::Source | SchedulerKind::Sh | SchedulerKind::Mh => Self::Hash,
        }
    }
}

/// What of a request chooses the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashOf {
    /// The client's address.
    #[default]
    Source,
    /// The target without its query.
    Uri,
    /// The whole target.
    UriWithQuery,
    /// The value of a header.
    Header(String),
}

/// When another server is asked, after the first one has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redispatched {
    /// Never.
    Off,
    /// With the last attempt.
    #[default]
    Last,
    /// With each attempt.
    Every,
}

/// How the proxy uses a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolProxy {
    /// How a server is chosen.
    pub balance: Balance,
    /// The key, where it is chosen by one.
    pub hash: HashOf,
    /// How much of its share a server may have by hash, in percent; `None`: all that comes.
    pub load_factor: Option<u16>,
    /// How long connecting to a server may take.
    pub connect_timeout: Duration,
    /// Without a byte from or to the server.
    pub server_timeout: Duration,
    /// How long a request waits for a server with room.
    pub queue_timeout: Duration,
    /// Requests that wait, at most, of each thread.
    pub max_queue: u32,
    /// Attempts after the first one.
    pub retries: u8,
    /// When they go to another server.
    pub redispatch: Redispatched,
    /// Connections that are kept for later requests, of each thread and server.
    pub max_idle: u32,
    /// How long one is kept.
    pub idle_timeout: Duration,
    /// Servers are told by the PROXY protocol who the client is.
    pub send_proxy: Option<ProxyVersion>,
    /// Servers are spoken with by TLS.
    pub tls: Option<PoolTls>,
    /// Whether requests speak for the health of its servers.
    pub observe: Option<Observe>,
}

impl Default for PoolProxy {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            hash: HashOf::default(),
            load_factor: None,
            connect_timeout: Duration::from_secs(5),
            server_timeout: Duration::from_secs(60),
            queue_timeout: Duration::from_secs(5),
            max_queue: 10_000,
            retries: 3,
            redispatch: Redispatched::default(),
            max_idle: 128,
            idle_timeout: Duration::from_secs(5),
            send_proxy: None,
            tls: None,
            observe: None,
        }
    }
}

/// A timeout that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: a timeout of the proxy takes {} to {}", show_duration(*.0), show_duration(ProxyTimeouts::SHORTEST), show_duration(ProxyTimeouts::LONGEST))]
pub struct ProxyTimeoutError(Duration);

impl ProxyTimeouts {
    /// The shortest timeout: deadlines are kept in steps of 50 ms.
    pub const SHORTEST: Duration = Duration::from_millis(50);
    /// The longest one.
    pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

    /// Checks the range.
    pub fn time(value: Duration) -> Result<Duration, ProxyTimeoutError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&value) {
            Ok(value)
        } else {
            Err(ProxyTimeoutError(value))
        }
    }
}

impl ProxyService {
    /// Clients of a service that says nothing about them.
    pub const DEFAULT_CONNECTIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("it is not zero");

    /// Of a service that says nothing but its mode; `None` for the modes of XDP.
    #[must_use]
    pub fn of_mode(mode: Mode) -> Option<Box<Self>> {
        let http = match mode {
            Mode::DirectRouting | Mode::Tunnel => return None,
            Mode::Tcp => None,
            Mode::Http => Some(HttpService::default()),
        };
        let log = if http.is_some() { AccessLog::Http } else { AccessLog::Tcp };
        Some(Box::new(Self {
            max_connections: Self::DEFAULT_CONNECTIONS,
            accept_proxy: false,
            tls: None,
            timeouts: ProxyTimeouts::default(),
            log: Some(log),
            http,
        }))
    }

    /// Does a route lead to this pool?
    #[must_use]
    pub fn routes_to(&self, pool: &Name) -> bool {
        let routes = self.http.iter().flat_map(|http| &http.routes);
        routes.filter_map(Route::pool).any(|to| to == pool)
    }
}
