//! Whom a pool gives new flows to: the operator's word, health and the pool's rules, in this order.
//!
//! | | says | the word is |
//! | --- | --- | --- |
//! | 1 | operator | drained: no new flows; in maintenance: nothing at all, whatever is said below |
//! | 2 | health | what fails its checks, comes and goes too often (damped) or is not reached gets no new flows |
//! | 3 | `on_down` | what fails its checks loses the flows that it has, or keeps them |
//! | 4 | `quorum` | with less weight alive, nobody gets new flows: as if nobody were left |
//! | 5 | `panic_threshold` | with fewer alive, all get new flows, alive or not, backups among them |
//! | 6 | `backup` | backups get new flows where nobody else does |
//! | 7 | sorry server, `on_empty` | for when nobody is left |

use std::{collections::BTreeSet, fmt, net::IpAddr};

use super::Admin;
use crate::model::{Backups, OnDown, Pool, RealServer};

/// What is known of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What an operator has said of it.
    pub admin: Admin,
    /// Its checks say so, or it has none.
    pub alive: bool,
    /// Its next hop is known.
    pub reached: bool,
}

impl Known {
    /// It could be given new flows.
    pub(super) const fn is_ready(self) -> bool {
        matches!(self.admin, Admin::Ready) && self.alive && self.reached
    }
}

/// Who of a pool is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crew {
    /// Real servers that are no backups: as it should be.
    Servers,
    /// Backups: nobody else is left.
    Backups,
    /// Everybody, alive or not.
    Everybody {
        /// So many are alive.
        healthy: usize,
        /// Of so many.
        all: usize,
    },
    /// Nobody: too little weight is alive.
    Closed,
    /// Nobody: none is left.
    Nobody,
}

impl Crew {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Backups => "backups",
            Self::Everybody { .. } => "everybody",
            Self::Closed => "closed",
            Self::Nobody => "nobody",
        }
    }
}

impl fmt::Display for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whom a pool gives new flows to, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    crew: Crew,
    open: BTreeSet<IpAddr>,
    alive: usize,
}

impl Roster {
    /// That of a pool. `closed`: it is below its quorum, and says that nobody goes on then.
    #[must_use]
    pub fn of(pool: &Pool, closed: bool, known: impl Fn(&RealServer) -> Known) -> Self {
        let weighty = || pool.servers.iter().filter(|server| !server.weight.is_zero());
        let ready = |backup| {
            let these = weighty().filter(move |server| server.backup == backup);
            these.filter(|server| known(server).is_ready()).map(|server| server.address)
        };
        if closed {
            return Self::new(Crew::Closed, BTreeSet::new(), 0);
        }
        let (servers, backups) = (ready(false), ready(true));
        let alive = servers.clone().chain(backups.clone()).count();
        // Those whom an operator leaves in.
        let in_force = || weighty().filter(|server| known(server).admin == Admin::Ready);
        let all = in_force().count();
        if pool.rules.panic.is_some_and(|threshold| threshold.exceeds(alive, all)) {
            let reached = in_force().filter(|server| known(server).reached);
            let open = reached.map(|server| server.address).collect();
            return Self::new(Crew::Everybody { healthy: alive, all }, open, alive);
        }
        let open: BTreeSet<_> = servers.collect();
        if !open.is_empty() {
            let alive = open.len();
            return Self::new(Crew::Servers, open, alive);
        }
        let open: BTreeSet<_> = match pool.rules.backups {
            Backups::All => backups.collect(),
            Backups::First => backups.take(1).collect(),
        };
        let alive = open.len();
        Self::new(Crew::Backups, open, alive)
    }

    fn new(crew: Crew, open: BTreeSet<IpAddr>, alive: usize) -> Self {
        let crew =
            if open.is_empty() && !matches!(crew, Crew::Closed) { Crew::Nobody } else { crew };
        Self { crew, open, alive }
    }

    /// Who is at work.
    #[must_use]
    pub const fn crew(&self) -> Crew {
        self.crew
    }

    /// Does it get new flows?
    #[must_use]
    pub fn is_open(&self, server: &RealServer) -> bool {
        self.open.contains(&server.address)
    }

    /// Is anybody given new flows?
    #[must_use]
    pub fn has_anybody(&self) -> bool {
        !self.open.is_empty()
    }

    /// How many that are alive get new flows.
    #[must_use]
    pub const fn alive(&self) -> usize {
        self.alive
    }

    /// Does the ring have slots for it, which are lent to others while it gets no new flows?
    #[must_use]
    pub const fn has_slots(&self, server: &RealServer) -> bool {
        match self.crew {
            Crew::Servers | Crew::Closed | Crew::Nobody => !server.backup,
            Crew::Backups => server.backup,
            Crew::Everybody { .. } => true,
        }
    }

    /// Does it get the packets of flows that it has?
    #[must_use]
    pub fn keeps_flows(&self, pool: &Pool, known: Known) -> bool {
        let spared =
            pool.rules.on_down == OnDown::Keep || matches!(self.crew, Crew::Everybody { .. });
        known.admin != Admin::Maintenance && (known.alive || spared)
    }
}

/// The weight of a pool that is alive: what quorums count. Backups that stand by are among it.
#[must_use]
pub fn alive_weight(pool: &Pool, known: impl Fn(&RealServer) -> Known) -> u32 {
    let ready = pool.servers.iter().filter(|server| known(server).is_ready());
    ready.map(|server| u32::from(server.weight.get())).sum()
}

#[cfg(test)]
#[path = "roster_test.rs"]
mod tests;
