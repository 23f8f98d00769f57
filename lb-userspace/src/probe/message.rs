//! What the agent and the probe say to each other.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::opener::Door;
use crate::{
    health::{CheckId, Outcome, Rhythm},
    model::{CheckKind, Jitter, Mark, ProxyVersion, VipPath},
};

/// What the agent says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Check this from now on.
    Start(CheckId, Box<Job>),
    /// No more.
    Stop(CheckId),
    /// Make the next one now.
    Hurry(CheckId),
    /// From now on so long from the start of one to the start of the next.
    Pace(CheckId, Duration),
    /// Make this one once, now, and tell each step.
    Test(TestId, Box<Job>),
}

/// What the agent sends to the probe's process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToProbe {
    /// What it has to do.
    Order(Order),
    /// The socket that it has asked for comes beside this.
    Opened(DoorId),
    /// It does not get one, and why.
    Refused(DoorId, String),
}

/// What the probe's process sends to the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromProbe {
    /// What it has found.
    Finding(Finding),
    /// It needs this socket.
    Open(DoorId, Door),
    /// It no longer does.
    Close(DoorId),
    /// It is there.
    Alive,
}

/// The number of a socket that was asked for; none is used twice by one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DoorId(pub u64);

/// The number of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestId(pub u64);

/// A step of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, from the beginning of the check.
    pub at: Duration,
    /// What, in words.
    pub words: String,
}

/// A check: what to do, and how often. One that changes is another one, with a number of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// How the server is asked.
    pub kind: CheckKind,
    /// Where to connect.
    pub address: SocketAddr,
    /// The interface it has to leave by; `None` leaves it to the routes.
    pub interface: Option<String>,
    /// The address to connect from; `None` leaves it to the kernel.
    pub source: Option<IpAddr>,
    /// The firewall mark of its packets.
    pub mark: Option<Mark>,
    /// The header of the PROXY protocol before everything else, over connections.
    pub proxy: Option<ProxyVersion>,
    /// Through these VIPs, as they are on the server; none: at its own address.
    #[serde(default)]
    pub vips: Vec<VipPath>,
    /// From the start of one check to the start of the next, until told otherwise.
    pub interval: Duration,
    /// How far the time between two may be from the interval.
    #[serde(default)]
    pub jitter: Jitter,
    /// The first one is made within this time; `None`: shortly.
    #[serde(default)]
    pub warm_up: Option<Duration>,
    /// How long one may take.
    pub timeout: Duration,
    /// Its own place within the interval, as a part of 2^64: keeps the checks of many servers apart.
    pub place: u64,
}

impl Job {
    /// When it is made.
    #[must_use]
    pub fn rhythm(&self) -> Rhythm {
        let Self { interval, jitter, warm_up, place, .. } = *self;
        Rhythm { interval, jitter, warm_up, place }
    }
}

/// What the probe says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A check is done.
    Result {
        /// Which.
        id: CheckId,
        /// What it has found.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
    },
    /// A test is over.
    Tested {
        /// Which.
        id: TestId,
        /// What it has found.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// What happened, in order; bounded.
        steps: Vec<Step>,
    },
}
