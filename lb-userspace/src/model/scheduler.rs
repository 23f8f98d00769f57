//! Schedulers: how a real server is chosen for a new connection.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// As [`Self::Source`], by the name that IPVS has for it.
    Sh,
    /// As [`Self::Source`], by the name that IPVS has for Maglev.
    Mh,
    /// In turns.
    Rr,
    /// In turns, by weight.
    Wrr,
    /// The fewest connections.
    Lc,
    /// The fewest connections for its weight.
    Wlc,
    /// The shortest expected delay: as [`Self::Wlc`], with the new connection counted in.
    Sed,
    /// Never queue: one that has nothing to do, else as [`Self::Sed`].
    Nq,
}

impl SchedulerKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Maglev,
        Self::Source,
        Self::Sh,
        Self::Mh,
        Self::Rr,
        Self::Wrr,
        Self::Lc,
        Self::Wlc,
        Self::Sed,
        Self::Nq,
    ];

    /// Real servers of a pool whose scheduler [counts](Self::counts), at most.
    pub const MAX_COUNTED_SERVERS: usize = 256;

    /// Its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maglev => "maglev",
            Self::Source => "source",
            Self::Sh => "sh",
            Self::Mh => "mh",
            Self::Rr => "rr",
            Self::Wrr => "wrr",
            Self::Lc => "lc",
            Self::Wlc => "wlc",
            Self::Sed => "sed",
            Self::Nq => "nq",
        }
    }

    /// Does its choice depend on what was chosen before? Then every flow is noted.
    pub const fn counts(self) -> bool {
        match self {
            Self::Rr | Self::Wrr | Self::Lc | Self::Wlc | Self::Sed | Self::Nq => true,
            Self::Maglev | Self::Source | Self::Sh | Self::Mh => false,
        }
    }

    /// Is the client's address all that it looks at?
    pub const fn by_source(self) -> bool {
        match self {
            Self::Source | Self::Sh | Self::Mh => true,
            Self::Maglev | Self::Rr | Self::Wrr | Self::Lc | Self::Wlc | Self::Sed | Self::Nq => {
                false
            }
        }
    }
}

impl fmt::Display for SchedulerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_name_of_the_configuration() {
        for kind in SchedulerKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn kinds() {
        let names = |wanted: fn(SchedulerKind) -> bool| -> Vec<_> {
            let fitting = SchedulerKind::ALL.into_iter().filter(|kind| wanted(*kind));
            fitting.map(SchedulerKind::as_str).collect()
        };
        assert_eq!(names(SchedulerKind::counts), ["rr", "wrr", "lc", "wlc", "sed", "nq"]);
        assert_eq!(names(SchedulerKind::by_source), ["source", "sh", "mh"]);
    }
}
