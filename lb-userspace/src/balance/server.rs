//! What the proxy is told of a server of a pool.

use std::{net::SocketAddr, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::{model::Weight, plan::Ramp};

/// The number of a server's [`Cell`](super::Cell) in the shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u16);

/// What may be done with a server. The agent decides it, for the proxy as for XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It gets new requests.
    Up,
    /// It gets none; those it has go on.
    Drain,
    /// Its checks fail.
    Down,
    /// An operator has taken it out.
    Maintenance,
}

/// A server of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it is counted.
    pub place: Place,
    /// Where it is reached.
    pub address: SocketAddr,
    /// Its share of requests; with 0 it gets none.
    pub weight: Weight,
    /// How much of the weight it has: slow start.
    pub ramp: Ramp,
    /// It is used only where all others are out.
    pub backup: bool,
    /// What may be done with it.
    pub standing: Standing,
    /// Connections (in HTTP: requests) that it takes at a time; what is more waits.
    pub max_connections: Option<NonZeroU32>,
}

impl Server {
    /// It could get requests.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.standing == Standing::Up && !self.weight.is_zero()
    }

    /// Weight and slow start in one: hundredths of a weight, at most 25,600, and 0 for weight 0 alone.
    pub(super) fn share(&self) -> u16 {
        self.weight.get() * u16::from(self.ramp.get())
    }
}

/// How one of them is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// In turns, by weight.
    RoundRobin,
    /// The fewest connections for its weight, those that wait counted.
    LeastConnections,
    /// Of two drawn by weight, the one with fewer connections.
    Random,
    /// The first that has room, in the order of the file: the others can be switched off while there is little to do.
    First,
    /// By a key of the request (address, URI or header): the same key, the same server. A change of servers moves only the
    /// share that it concerns.
    Hashed {
        /// No server gets more than this above its share; the key's next choice does.
        bound: Option<LoadFactor>,
    },
}

/// How much of its share a server may have, in percent: over 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadFactor(u16);

impl LoadFactor {
    /// 101 to 1000 percent; `None` for others.
    #[must_use]
    pub fn new(percent: u16) -> Option<Self> {
        (101..=1000).contains(&percent).then_some(Self(percent))
    }

    pub(super) const fn percent(self) -> u16 {
        self.0
    }
}
