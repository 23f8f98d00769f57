//! Where a check goes and where from, other than the traffic.

use std::{net::IpAddr, ops::Not};

use serde::{Deserialize, Serialize};

use crate::model::Mark;

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

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Bytes.
    V2,
}
