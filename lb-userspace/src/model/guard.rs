//! The guard of a service: who may open connections, and how often.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Rate;

/// What becomes of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardAction {
    /// Their packets come in.
    #[default]
    Allow,
    /// Their packets are dropped.
    Deny,
}

impl fmt::Display for GuardAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// Who may open connections to a service, and how often. The longest prefix that fits a client decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// What becomes of clients of whom no list speaks.
    pub default: GuardAction,
    /// Clients that come in: sorted, each prefix once, none of them in `deny`.
    pub allow: Vec<IpNet>,
    /// Clients that do not: sorted, each prefix once, none of them in `allow`.
    pub deny: Vec<IpNet>,
    /// New connections of the service altogether.
    pub rate: Option<Rate>,
    /// New connections from each network of clients.
    pub source_rate: Option<SourceRate>,
}

impl Guard {
    /// The longest list of prefixes in a configuration. (At run time there may be more.)
    pub const MAX_PREFIXES: usize = 65_536;
}

/// How often the clients of one network may open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRate {
    /// All of them together.
    pub rate: Rate,
    /// Bits of an IPv4 client's address that name its network, 1 to 32.
    pub ipv4_prefix: u8,
    /// Bits of an IPv6 client's address that name its network, 1 to 128.
    pub ipv6_prefix: u8,
}

impl SourceRate {
    /// Each IPv4 address for itself.
    pub const DEFAULT_IPV4_PREFIX: u8 = 32;
    /// What a subscriber has at least: inside a /64, one host can take any address.
    pub const DEFAULT_IPV6_PREFIX: u8 = 64;
}
