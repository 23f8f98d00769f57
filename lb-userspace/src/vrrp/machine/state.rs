//! States, and how one is remembered to have followed another.

use std::{fmt, net::IpAddr, time::Duration};

use crate::vrrp::types::{Claim, Priority};

/// RFC 9568 §6.3, and keepalived's FAULT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started, stopped, or within the start-up delay.
    Initialize,
    /// Another one is master, or may be.
    Backup,
    /// It holds the VIPs.
    Master,
    /// It must not hold them: a tracker, the interface or its sync group says so.
    Fault,
}

impl State {
    /// The word shown to people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Backup => "backup",
            Self::Master => "master",
            Self::Fault => "fault",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Duration,
    /// Out of this state.
    pub from: State,
    /// Into this one.
    pub to: State,
    /// Why.
    pub reason: Reason,
}

/// Why a state changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The agent started, and a start-up delay is over.
    Started,
    /// The owner waits for nobody.
    Owner,
    /// The agent was master until just now, and nobody else was since.
    Resumed,
    /// No advertisement for the master-down time, or none after the master left.
    MasterDown,
    /// A higher one, or an equal one with a higher address, is master.
    Outranked {
        /// Its address.
        by: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// A tracker or the interface.
    Fault(String),
    /// What was wrong is not any more.
    Recovered,
    /// By the operator.
    Released,
    /// By the operator.
    Taken,
    /// With the others of its sync group.
    Group,
    /// It was silent for too long, and another director has claimed the VIPs since.
    Lapsed,
    /// The agent stops, or the instance was removed.
    Stopped,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Started => "started",
            Self::Owner => "owns the addresses",
            Self::Resumed => "was master before the restart",
            Self::MasterDown => "no master heard",
            Self::Outranked { by, priority } => {
                return write!(f, "{by} is master with priority {priority}");
            }
            Self::Fault(reason) => reason,
            Self::Recovered => "recovered",
            Self::Released => "released by the operator",
            Self::Taken => "taken by the operator",
            Self::Group => "follows its sync group",
            Self::Lapsed => "was silent, and another director has the VIPs",
            Self::Stopped => "stopped",
        })
    }
}

/// Another master, as last heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its address.
    pub source: IpAddr,
    /// What it said.
    pub claim: Claim,
    /// When.
    pub at: Duration,
    /// Are its VIPs others than ours?
    pub differs: bool,
}
