//! Where a check goes and where from, other than the traffic.

use std::{net::IpAddr, ops::Not};

use serde::{Deserialize, Serialize};

use crate::model::{Mark, Tunnel};

/// What is not as for the traffic; `None` everywhere: all is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRoute {
    /// Where to, instead of each real server's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Where from, instead of the address that the routes say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// The firewall mark of its packets, for routes and packet filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// The header that goes before everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyVersion>,
    /// To the VIPs of the pool's services, as they are on each real server.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub through_vip: bool,
}

/// A way to a VIP on one real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VipPath {
    /// The VIP.
    pub vip: IpAddr,
    /// The tunnel that packets for it go in; `None`: by direct routing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Tunnel>,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Bytes.
    V2,
}
