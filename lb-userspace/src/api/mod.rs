//! What is said over the control socket: HTTP/1.1 with JSON bodies, version 1.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET /v1/status` | | [`Status`] |
//! | `GET /v1/trace?protocol=tcp&client=…&vip=…` | | [`Trace`] |
//! | `POST /v1/pools/{pool}/servers` | [`NewServer`] | [`Done`] |
//! | `DELETE /v1/pools/{pool}/servers/{server}` | | [`Done`] |
//! | `PUT /v1/pools/{pool}/servers/{server}/state` | [`NewState`] | [`Done`] |
//! | `PUT /v1/pools/{pool}/servers/{server}/weight` | [`NewWeight`] | [`Done`] |
//! | `GET /v1/guard`, `GET /v1/guard?service=…` | | [`GuardReport`] |
//! | `PUT /v1/guard` | [`NewPrefixes`] | [`Done`] |
//! | `DELETE /v1/guard`, `DELETE /v1/guard?service=…` | | [`Done`]: what was set at run time is taken back |
//! | `GET /v1/vrrp` | | each [`VrrpStatus`] |
//! | `POST /v1/vrrp/{instance}/release`, `…/take` | | [`Done`] |
//! | `GET /v1/health`, `GET /v1/health?pool=…&server=…` | | each [`CheckStatus`] |
//! | `POST /v1/health/{pool}/{server}/test` | | each [`CheckTest`]; no state changes by it |
//! | `POST /v1/reload` | | [`Done`] |
//! | `POST /v1/capture` | [`NewCapture`] | frames ([`crate::capture::Frames`]); the first is [`CaptureStart`] |
//!
//! With `?everywhere=true`, a change of a pool's servers is made on all directors of the cluster.
//!
//! Anything but 200 carries a [`Problem`].

mod capture;
mod guard;
mod health;
mod status;
mod trace;
mod vrrp;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use capture::{CaptureStart, NewCapture, Snap, SnapError};
pub use guard::{GuardReport, GuardWord, ListedPrefix, NewPrefixes};
pub use health::{CheckStatus, CheckStep, CheckTest, LastCheck, LastFailure, show_target};
pub use status::{
    DirectorStatus, HealthStatus, InterfaceStatus, Leaving, NextHopStatus, PoolStatus,
    ProcessStatus, QuorumStatus, Rates, RealTraffic, ReasonStatus, RemovedStatus, ServerStatus,
    ServiceStatus, Status,
};
pub use trace::Trace;
pub use vrrp::{
    Deliveries, HeardMaster, LeaseStatus, Notifications, RejectStatus, TrackerStatus,
    TransitionStatus, VirtualMacStatus, VrrpStatus,
};

use crate::{
    model::{Name, RealServer, Weight},
    plan::Admin,
};

/// A real server to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewServer {
    /// Its name, new in the pool.
    pub name: Name,
    /// Its address, new in the pool.
    pub address: IpAddr,
    /// Where its check connects, if not to a port of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its weight; 1 if it is left out.
    #[serde(default)]
    pub weight: Weight,
}

impl From<NewServer> for RealServer {
    fn from(new: NewServer) -> Self {
        let NewServer { name, address, port, weight } = new;
        Self { name, address, port, weight, backup: false, max_connections: None }
    }
}

/// What becomes of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// Ready, drain or maintenance.
    pub state: Admin,
}

/// A new weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWeight {
    /// 0 to 256.
    pub weight: Weight,
}

/// A change of a pool's real servers that an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// One more.
    Add(NewServer),
    /// One less.
    Remove(Name),
    /// What becomes of one.
    State(Name, NewState),
    /// Another weight for one.
    Weight(Name, NewWeight),
}

/// A change is in force: the maps have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What happened, in words.
    pub message: String,
    /// Steps that the data plane took.
    pub steps: usize,
    /// Warnings, each on lines of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What the other directors said, where they were asked too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
}

/// What another director said to a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Its address.
    pub director: IpAddr,
    /// Why the change is not in force there; nothing where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Warnings of the other director.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Why a request was not carried out. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// In words, for people.
    pub error: String,
}
