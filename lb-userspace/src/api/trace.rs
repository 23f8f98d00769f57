//! The answer to `GET /v1/trace`: where a packet would go, and why.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A decision, made by the code that XDP runs, on the maps that XDP reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The client.
    pub client: SocketAddr,
    /// The VIP and its port.
    pub vip: SocketAddr,
    /// What would be done: `forward`, `drop` or `pass` (to this host).
    pub verdict: String,
    /// One sentence a step, in order: service, hash, slot, real server, next hop.
    pub steps: Vec<String>,
    /// The virtual service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_address: Option<std::net::IpAddr>,
    /// The MAC address that the frame would get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The slot of the ring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
}
