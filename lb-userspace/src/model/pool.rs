//! A pool: the real servers behind a service, and how one of them is chosen.

use std::{fmt, net::IpAddr, num::NonZeroU32, time::Duration};

use lb_common::ring::default_size;
use serde::{Deserialize, Serialize};

use super::{
    Checks, Name, PoolNotify, PoolProxy, PoolRules, SchedulerKind, Tunnel, Weight, Window,
    duration, show_duration,
};

/// A host that answers the connections of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealServer {
    /// Its name, unique in the pool.
    pub name: Name,
    /// Where it is reached.
    pub address: IpAddr,
    /// The port of the health check, where the check names none. (Direct routing keeps the
    /// client's port.)
    pub port: Option<u16>,
    /// Its share of new connections.
    pub weight: Weight,
    /// It gets new connections only where no other one does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backup: bool,
    /// Connections (of HTTP: requests) of the proxy that it takes at a time; `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<NonZeroU32>,
}

/// Real servers that do the same work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name, unique in the configuration.
    pub name: Name,
    /// How a real server is chosen.
    pub scheduler: SchedulerKind,
    /// How real servers are checked; without a check they count as alive.
    pub checks: Checks,
    /// The real servers, as configured.
    pub servers: Vec<RealServer>,
    /// Slots of the ring, a prime; `None`: by the number of servers.
    pub ring_size: Option<u32>,
    /// How long connections from before a change are told apart from new ones.
    pub window: Window,
    /// For how long a real server that comes back gets more of its weight step by step; `None`: it gets all
    /// of it at once.
    #[serde(with = "duration::optional_text")]
    pub slow_start: Option<Duration>,
    /// What its real servers' health comes to.
    pub rules: PoolRules,
    /// Who is told about it and its real servers. Directors need not agree on that.
    #[serde(skip)]
    pub notify: PoolNotify,
    /// What becomes of packets when no real server is left.
    pub on_empty: OnEmpty,
    /// Gets everything when no real server is left.
    pub sorry: Option<RealServer>,
    /// How real servers are reached by services with `mode = "tunnel"`.
    pub tunnel: Tunnel,
    /// How the proxy uses it.
    pub proxy: PoolProxy,
}

/// What becomes of packets when no real server is left, and no sorry server either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnEmpty {
    /// Nothing comes back.
    #[default]
    Drop,
    /// The client is told by ICMP that nobody is there.
    Reject,
}

impl fmt::Display for OnEmpty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Drop => "drop",
            Self::Reject => "reject",
        })
    }
}

/// A slow start that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: a slow start takes {} to {}", show_duration(*.0), show_duration(Pool::SHORTEST_SLOW_START), show_duration(Pool::LONGEST_SLOW_START))]
pub struct SlowStartError(Duration);

impl Pool {
    /// Real servers that fit in: half of the numbers a ring slot can hold (15 bits), so that those
    /// on their way out keep theirs.
    pub const MAX_SERVERS: usize = 16_384;
    /// The window of a pool that names none.
    pub const DEFAULT_WINDOW: Duration = Duration::from_secs(15 * 60);
    /// The shortest window.
    pub const SHORTEST_WINDOW: Duration = Duration::from_secs(10);
    /// The longest window.
    pub const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3_600);

    /// The shortest slow start.
    pub const SHORTEST_SLOW_START: Duration = Duration::from_secs(1);
    /// The longest slow start.
    pub const LONGEST_SLOW_START: Duration = Duration::from_secs(3_600);

    /// Checks the range of a slow start.
    pub fn slow_start(value: Duration) -> Result<Duration, SlowStartError> {
        if (Self::SHORTEST_SLOW_START..=Self::LONGEST_SLOW_START).contains(&value) {
            Ok(value)
        } else {
            Err(SlowStartError(value))
        }
    }

    /// The number of slots its ring has.
    pub fn ring_slots(&self) -> u32 {
        self.ring_size.unwrap_or_else(|| default_size(self.servers.len()))
    }

    /// All real servers, the sorry server last.
    pub fn everyone(&self) -> impl Iterator<Item = &RealServer> {
        self.servers.iter().chain(&self.sorry)
    }

    /// Is it the sorry server?
    pub fn is_sorry(&self, server: &RealServer) -> bool {
        self.sorry.as_ref() == Some(server)
    }

    /// The real server of that name; not the sorry server, which operators have no say in.
    pub fn server(&self, name: &str) -> Option<&RealServer> {
        self.servers.iter().find(|server| server.name.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_start() {
        assert!(Pool::slow_start(Duration::from_secs(3_600)).is_ok());
        assert_eq!(
            Pool::slow_start(Duration::from_millis(999)).unwrap_err().to_string(),
            "`999ms` is out of range: a slow start takes 1s to 1h"
        );
        assert!(Pool::slow_start(Duration::from_secs(3_601)).is_err());
    }
}
