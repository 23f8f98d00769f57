//! A pool: the real servers behind a service, and how one of them is chosen.

use std::{fmt, net::IpAddr, time::Duration};

use lb_common::ring::default_size;
use serde::{Deserialize, Serialize};

use super::{Check, Name, Weight, duration, show_duration};

/// How a real server is chosen for a new connection.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// By a hash of both addresses and both ports: each connection for itself.
    #[default]
    Maglev,
    /// By a hash of the client's address: all connections of a client go to one real server.
    Source,
}

impl fmt::Display for SchedulerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Maglev => "maglev",
            Self::Source => "source",
        })
    }
}

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
}

/// Real servers that do the same work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name, unique in the configuration.
    pub name: Name,
    /// How a real server is chosen.
    pub scheduler: SchedulerKind,
    /// How real servers are checked; `None`: they count as alive.
    pub check: Option<Check>,
    /// The real servers, as configured.
    pub servers: Vec<RealServer>,
    /// Slots of the ring, a prime; `None`: by the number of servers.
    pub ring_size: Option<u32>,
    /// How long connections from before a change are told apart from new ones.
    #[serde(with = "duration::text")]
    pub window: Duration,
}

/// A transition window that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: the window is {} to {}", show_duration(*.0), show_duration(Pool::SHORTEST_WINDOW), show_duration(Pool::LONGEST_WINDOW))]
pub struct WindowError(Duration);

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

    /// Checks the range of a transition window.
    pub fn window(value: Duration) -> Result<Duration, WindowError> {
        if (Self::SHORTEST_WINDOW..=Self::LONGEST_WINDOW).contains(&value) {
            Ok(value)
        } else {
            Err(WindowError(value))
        }
    }

    /// The number of slots its ring has.
    pub fn ring_slots(&self) -> u32 {
        self.ring_size.unwrap_or_else(|| default_size(self.servers.len()))
    }

    /// The real server of that name.
    pub fn server(&self, name: &str) -> Option<&RealServer> {
        self.servers.iter().find(|server| server.name.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window() {
        assert!(Pool::window(Duration::from_secs(10)).is_ok());
        assert_eq!(
            Pool::window(Duration::from_secs(9)).unwrap_err().to_string(),
            "`9s` is out of range: the window is 10s to 24h"
        );
        assert!(Pool::window(Duration::from_secs(90_000)).is_err());
    }
}
