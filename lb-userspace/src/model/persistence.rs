//! Persistence: clients of one network keep their real server.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{duration, show_duration};

/// Clients of one network keep their real server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persistence {
    /// Bits of an IPv4 client's address that count, 1 to 32.
    pub ipv4_prefix: u8,
    /// Bits of an IPv6 client's address that count, 1 to 128.
    pub ipv6_prefix: u8,
    /// How long a client is remembered after a change of the pool.
    #[serde(with = "duration::text")]
    pub timeout: Duration,
    /// What becomes of the clients of a drained real server.
    pub drain: PersistenceDrain,
}

/// What becomes of the clients of a drained real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersistenceDrain {
    /// Their next connection goes to another one.
    #[default]
    Move,
    /// They keep it until their timeout.
    Stay,
}

impl fmt::Display for PersistenceDrain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Move => "move",
            Self::Stay => "stay",
        })
    }
}

impl Default for Persistence {
    fn default() -> Self {
        Self {
            ipv4_prefix: 32,
            ipv6_prefix: 128,
            timeout: Duration::from_secs(360),
            drain: PersistenceDrain::default(),
        }
    }
}

/// A persistence timeout that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: the timeout is {} to {}", show_duration(*.0), show_duration(Persistence::SHORTEST), show_duration(Persistence::LONGEST))]
pub struct PersistenceTimeoutError(Duration);

impl Persistence {
    /// The shortest timeout.
    pub const SHORTEST: Duration = Duration::from_secs(1);
    /// The longest timeout.
    pub const LONGEST: Duration = Duration::from_secs(24 * 3_600);

    /// Checks the range of a timeout.
    pub fn timeout(value: Duration) -> Result<Duration, PersistenceTimeoutError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&value) {
            Ok(value)
        } else {
            Err(PersistenceTimeoutError(value))
        }
    }
}
