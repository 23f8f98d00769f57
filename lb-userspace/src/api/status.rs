//! The answer to `GET /v1/status`.

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Notifications;
use crate::{model::Name, plan::Admin};

/// Everything there is to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The node's name.
    pub node: Name,
    /// Version of the agent.
    pub version: String,
    /// Process number of the agent.
    pub pid: u32,
    /// Seconds since the agent started.
    pub uptime_seconds: u64,
    /// The configuration file.
    pub config: PathBuf,
    /// True where forwarding went on from before the agent started.
    pub adopted: bool,
    /// Where packets come in.
    pub interfaces: Vec<InterfaceStatus>,
    /// Virtual services, in the order of the file.
    pub services: Vec<ServiceStatus>,
    /// Pools, in the order of the file.
    pub pools: Vec<PoolStatus>,
    /// Packets that were not forwarded, by reason; all reasons.
    pub reasons: Vec<ReasonStatus>,
    /// The other directors of the cluster.
    #[serde(default)]
    pub directors: Vec<DirectorStatus>,
    /// The process that makes the checks, once there was one.
    #[serde(default)]
    pub probe: Option<ProcessStatus>,
    /// The process that serves clients of the proxy, once there was one.
    #[serde(default)]
    pub worker: Option<ProcessStatus>,
    /// What an operator should look at.
    pub warnings: Vec<String>,
}

/// A process that works for the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Its number.
    pub pid: u32,
    /// False until it has been started again.
    pub running: bool,
    /// Seconds since it was started.
    pub uptime_seconds: u64,
    /// How often the agent was given another one.
    pub restarts: u32,
    /// How the one before has ended.
    pub last_end: Option<String>,
}

/// Another director.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectorStatus {
    /// Its address.
    pub address: IpAddr,
    /// Its name, once it has answered.
    pub name: Option<Name>,
    /// Version of its agent.
    pub version: Option<String>,
    /// Seconds since it has answered.
    pub heard_seconds: Option<u64>,
    /// Why it has not answered since.
    pub silent: Option<String>,
    /// What it has otherwise than this one; empty where it answers a packet alike.
    pub differences: Vec<String>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: String,
    /// `native` or `generic`.
    pub xdp_mode: String,
    /// Why not native, where that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_back: Option<String>,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: Name,
    /// The VIP.
    pub address: IpAddr,
    /// `tcp/80`, …
    pub ports: Vec<String>,
    /// The firewall mark.
    pub mark: Option<u32>,
    /// Its packets that go on to this host bear the mark.
    pub mark_on_packets: bool,
    /// `direct-routing`.
    pub mode: String,
    /// Its pool.
    pub pool: Name,
    /// Packets that were forwarded.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Connections that began (TCP and QUIC), repeated attempts included.
    pub connections: u64,
    /// The same per second.
    #[serde(flatten)]
    pub rates: Rates,
    /// True while a flood is on: new connections leave no notes.
    pub flood: bool,
    /// Seconds since it has begun.
    pub flood_seconds: Option<u64>,
    /// The same for each real server.
    pub reals: Vec<RealTraffic>,
}

/// A real server of a virtual service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealTraffic {
    /// Its name.
    pub name: Name,
    /// Its address.
    pub address: IpAddr,
    /// `up`, `down`, `damped`, `ejected`, `standby` (a backup that is not needed), `drain`, `maintenance`, `unresolved`: what
    /// decides about new flows.
    pub state: String,
    /// Its weight.
    pub weight: u16,
    /// It is the pool's sorry server: it gets everything when no other is left.
    pub sorry: bool,
    /// Its part of the ring, 0 to 1.
    pub share: f64,
    /// Packets that it was given.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Connections that it was given.
    pub connections: u64,
    /// The same per second.
    #[serde(flatten)]
    pub rates: Rates,
}

/// Traffic per second, over the last five seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Packets per second.
    pub packets_per_second: u64,
    /// Bits per second.
    pub bits_per_second: u64,
    /// Connections per second.
    pub connections_per_second: u64,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Its name.
    pub name: Name,
    /// `maglev` or `source`.
    pub scheduler: String,
    /// Slots of its ring.
    pub ring_slots: u32,
    /// While flows are tracked after a change: seconds until that ends.
    pub transition_seconds: Option<u64>,
    /// True where active connections hold it open: that is looked at again when the seconds are over.
    pub transition_held: bool,
    /// Who gets new flows: `servers`, `backups`, `everybody` (panic), `closed` (below the quorum) or `nobody`.
    #[serde(default)]
    pub crew: String,
    /// The same in words, where it is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub odd: Option<String>,
    /// Its quorum, where it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumStatus>,
    /// What became of what was to be told about it and its real servers.
    #[serde(default, skip_serializing_if = "Notifications::is_none")]
    pub notifications: Notifications,
    /// Its real servers.
    pub servers: Vec<ServerStatus>,
    /// Real servers that were removed, and whose connections may go on.
    pub removed: Vec<RemovedStatus>,
}

/// The weight that must be alive in a pool, and that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumStatus {
    /// So much must be.
    pub needed: u32,
    /// How far beyond that it has to go before anything changes.
    pub hysteresis: u32,
    /// So much is.
    pub alive: u32,
    /// That is enough.
    pub holds: bool,
}

/// What is left of a real server that gets nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Connections that were seen within the pool's window.
    pub connections_left: u64,
    /// None is left, not even one that is silent.
    pub drained: bool,
}

/// A real server that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedStatus {
    /// Its address.
    pub address: IpAddr,
    /// What is left of it.
    #[serde(flatten)]
    pub leaving: Leaving,
}

/// A real server of a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: Name,
    /// Its address.
    pub address: IpAddr,
    /// The weight in force.
    pub weight: u16,
    /// How often its health has changed since the agent started.
    #[serde(default)]
    pub transitions: u64,
    /// It is the sorry server.
    pub sorry: bool,
    /// It is a backup.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backup: bool,
    /// It comes and goes, and is held down for so many more seconds at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damped_seconds: Option<u64>,
    /// Requests at it have failed, and it is out of use for so many more seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ejected_seconds: Option<u64>,
    /// It is down, and gets the packets of the flows that it has all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_flows: bool,
    /// What an operator has said.
    pub admin: Admin,
    /// How much it wants by its own word, where that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// True where an operator added it or gave it its weight: the file says otherwise.
    pub differs_from_file: bool,
    /// As in [`RealTraffic`].
    pub state: String,
    /// Its part of the ring, 0 to 1.
    pub share: f64,
    /// Its check; `None` where the pool has none.
    pub health: Option<HealthStatus>,
    /// What is left of it, where it is drained.
    pub leaving: Option<Leaving>,
    /// Where frames for it go; `None` until it was resolved.
    pub next_hop: Option<NextHopStatus>,
    /// It is this host itself, and needs no next hop.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthStatus {
    /// How it is asked: `tcp`, `http`, ...
    #[serde(default)]
    pub kind: String,
    /// `up`, `down`, or `unknown` before the first result.
    pub state: String,
    /// Seconds in that state.
    pub since_seconds: u64,
    /// The last failure, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Checks made.
    pub checks: u64,
}

/// A next hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextHopStatus {
    /// `02:00:00:00:00:01`.
    pub mac: String,
    /// The interface.
    pub interface: String,
    /// `reachable`, or `failing` where it does not answer any more (its last address is kept).
    pub state: String,
    /// Seconds since its address was found last.
    pub age_seconds: Option<u64>,
}

/// A reason for not forwarding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonStatus {
    /// Its name in metrics.
    pub reason: String,
    /// In words.
    pub words: String,
    /// Dropped (true), or handed to the host (false).
    pub drops: bool,
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}
