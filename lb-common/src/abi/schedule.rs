//! Schedulers that count: what the XDP program reads where a new connection's real server depends on more
//! than a hash.

/// How a real server is chosen for a new connection. Names and meanings are ipvsadm(8)'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Rule {
    /// The next slot of the ring, which the agent fills in turns (`rr`, `wrr`).
    Turn = 0,
    /// The fewest connections (`lc`).
    Least = 1,
    /// The fewest connections for its weight (`wlc`).
    WeightedLeast = 2,
    /// The shortest expected delay: connections, with this one, for its weight (`sed`).
    ShortestDelay = 3,
    /// One that has no connection, otherwise as `sed` (`nq`).
    NeverQueue = 4,
}

/// A pool whose scheduler counts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Connections that were given out so far: whose turn it is.
    pub turn: u64,
    /// [`Rule`].
    pub rule: u32,
    /// Real servers to look at: numbers of the pool below this.
    pub reals: u32,
}

const _: () = assert!(size_of::<Schedule>() == 16);

impl Schedule {
    /// The most real servers that are looked at for one connection.
    pub const MOST_REALS: u32 = 256;
}

/// The connections of a real server. XDP counts up and down; the agent counts anew every few seconds, because
/// nobody tells when a silent connection has ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Established.
    pub active: u32,
    /// Opening or closing.
    pub inactive: u32,
    /// Its weight; 0: takes no new connections.
    pub weight: u32,
    /// Zero.
    pub zero: u32,
}

const _: () = assert!(size_of::<Load>() == 16);

impl Load {
    /// The word that holds both counts.
    #[must_use]
    pub const fn counts(&self) -> u64 {
        let ([a, b, c, d], [e, f, g, h]) = (self.active.to_ne_bytes(), self.inactive.to_ne_bytes());
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }
}
