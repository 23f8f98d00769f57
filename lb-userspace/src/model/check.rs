//! A pool's health check: how a real server is asked whether it is alive.

mod digest;
mod dns;
mod file;
mod grpc;
mod http;
mod login;
mod names;
mod pace;
mod pattern;
mod route;
mod script;
mod tls;
mod udp;

pub use digest::{BodyDigest, BodyDigestError};
pub use dns::{DnsCheck, DnsCode, DnsName, DnsNameError, DnsRecord};
pub use file::FileCheck;
pub use grpc::{GrpcCheck, GrpcService, GrpcServiceError};
pub use http::{
    BodyMatch, HttpCheck, HttpCheckError, HttpHeader, HttpHost, HttpMethod, HttpPath, HttpRequest,
    HttpVersion, StatusRange,
};
pub use login::{Login, UserName, UserNameError};
use names::Names;
pub use pace::{CheckPace, CheckStart, Jitter, JitterError, WhileBackup};
pub use pattern::{Pattern, PatternError};
pub use route::{CheckRoute, ProxyVersion, VipPath};
pub use script::ScriptCheck;
pub use tls::{TlsCheck, TlsName, TlsNameError};
pub use udp::{AgentCheck, Expectation, Payload, PayloadError, UdpCheck};

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Name, Protocol, RealServer, duration, show_duration};

/// How a real server is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum CheckKind {
    /// By opening a TCP connection to it.
    #[default]
    Tcp,
    /// By one HTTP/1.1 request.
    Http(HttpCheck),
    /// By a TLS handshake.
    Tls(TlsCheck),
    /// By one HTTP/1.1 request over TLS.
    Https {
        /// The request.
        #[serde(flatten)]
        http: HttpCheck,
        /// The certificate.
        #[serde(flatten)]
        tls: TlsCheck,
    },
    /// By the first packets of PostgreSQL.
    Postgresql(Login),
    /// By the first packets of MySQL and MariaDB.
    Mysql(Login),
    /// By a PING to Redis.
    Redis,
    /// By greeting and farewell of a mail server.
    Smtp,
    /// By one question in the DNS.
    Dns(DnsCheck),
    /// By a datagram.
    Udp(UdpCheck),
    /// By an ICMP echo.
    Ping,
    /// By gRPC's health service.
    Grpc(GrpcCheck),
    /// By the word of an agent on it.
    Agent(AgentCheck),
    /// By a file on the director.
    File(FileCheck),
    /// By a script on the director.
    Script(ScriptCheck),
}

impl CheckKind {
    /// Whose ports it goes to, the usual one first; none of a kind that knows no ports.
    #[must_use]
    pub const fn protocols(&self) -> &'static [Protocol] {
        match self {
            Self::Ping | Self::File(_) | Self::Script(_) => &[],
            Self::Udp(_) => &[Protocol::Udp],
            Self::Dns(_) => &[Protocol::Udp, Protocol::Tcp],
            _ => &[Protocol::Tcp],
        }
    }

    /// Does it ask nobody but this host?
    #[must_use]
    pub const fn is_here(&self) -> bool {
        matches!(self, Self::File(_) | Self::Script(_))
    }

    /// The check of one real server of a pool.
    #[must_use]
    pub fn of_server(&self, pool: &Name, server: &RealServer) -> Self {
        let names = Names::of(pool, server);
        match self {
            Self::File(check) => Self::File(check.of_server(&names)),
            Self::Script(check) => Self::Script(check.of_server(&names)),
            other => other.clone(),
        }
    }

    /// Does it speak HTTP/2?
    #[must_use]
    pub fn speaks_http2(&self) -> bool {
        match self {
            Self::Grpc(_) => true,
            Self::Http(http) | Self::Https { http, .. } => http.version == HttpVersion::Two,
            _ => false,
        }
    }

    /// What it wants of a certificate, if it speaks TLS.
    pub fn tls(&self) -> Option<&TlsCheck> {
        match self {
            Self::Tls(tls) | Self::Https { tls, .. } => Some(tls),
            Self::Grpc(grpc) => grpc.certificate.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Http(_) => "http",
            Self::Tls(_) => "tls",
            Self::Https { .. } => "https",
            Self::Postgresql(_) => "postgresql",
            Self::Mysql(_) => "mysql",
            Self::Redis => "redis",
            Self::Smtp => "smtp",
            Self::Dns(_) => "dns",
            Self::Udp(_) => "udp",
            Self::Ping => "ping",
            Self::Grpc(_) => "grpc",
            Self::Agent(_) => "agent",
            Self::File(_) => "file",
            Self::Script(_) => "script",
        })
    }
}

/// A health check, the same for every real server of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How to ask.
    #[serde(flatten)]
    pub kind: CheckKind,
    /// Which way.
    #[serde(flatten)]
    pub route: CheckRoute,
    /// When, besides the interval.
    #[serde(flatten)]
    pub pace: CheckPace,
    /// Where to; `Config::check_port` says what holds without it.
    pub port: Option<u16>,
    /// Time from one check to the next.
    #[serde(with = "duration::text")]
    pub interval: Duration,
    /// Time a server has for its answer.
    #[serde(with = "duration::text")]
    pub timeout: Duration,
    /// So many good checks in a row bring a server in; at least 1.
    pub rise: u8,
    /// So many bad checks in a row take a server out; at least 1.
    pub fall: u8,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            kind: CheckKind::default(),
            route: CheckRoute::default(),
            pace: CheckPace::default(),
            port: None,
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            rise: 2,
            fall: 3,
        }
    }
}

/// A time between checks, or for one, that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: use {} to {}", show_duration(*.0), show_duration(Check::SHORTEST), show_duration(Check::LONGEST))]
pub struct CheckTimeError(Duration);

/// A number of checks in a row that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of range: use 1 to 255 checks in a row")]
pub struct CheckCountError(i128);

impl Check {
    /// The shortest interval and timeout.
    pub const SHORTEST: Duration = Duration::from_millis(10);
    /// The longest interval and timeout.
    pub const LONGEST: Duration = Duration::from_secs(3_600);

    /// Checks the range of an interval or timeout.
    pub fn time(value: Duration) -> Result<Duration, CheckTimeError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&value) {
            Ok(value)
        } else {
            Err(CheckTimeError(value))
        }
    }

    /// Checks the range of `rise` or `fall`.
    pub fn count(value: impl Into<i128>) -> Result<u8, CheckCountError> {
        let value = value.into();
        u8::try_from(value).ok().filter(|&count| count >= 1).ok_or(CheckCountError(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert!(Check::time(Duration::from_millis(10)).is_ok());
        let error = Check::time(Duration::ZERO).unwrap_err().to_string();
        assert_eq!(error, "`0s` is out of range: use 10ms to 1h");
        assert!(Check::time(Duration::from_secs(3_601)).is_err());
        assert_eq!(Check::count(255), Ok(255));
        assert!(Check::count(0).unwrap_err().to_string().contains("1 to 255"));
        assert!(Check::count(256).is_err());
    }
}
