//! Ports of a virtual service: `tcp/80`, `udp/53`, or `tcp/*` for every port.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A transport protocol that can be balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The number in an IP header.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl FromStr for Protocol {
    type Err = PortSpecError;

    fn from_str(text: &str) -> Result<Self, PortSpecError> {
        match text {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            other => Err(PortSpecError::Protocol(other.to_owned())),
        }
    }
}

/// A protocol and a port of it, or all of its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortSpec {
    /// The transport protocol.
    pub protocol: Protocol,
    /// The port; 0 stands for every port that no other service of the address names.
    pub port: u16,
}

/// Why a text is not a [`PortSpec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortSpecError {
    /// Not `protocol/port`.
    #[error("`{0}` is not a protocol and a port: write `tcp/80`, `udp/53` or `tcp/*`")]
    Form(String),
    /// Neither TCP nor UDP.
    #[error("`{0}` is not a protocol that can be balanced: use `tcp` or `udp`")]
    Protocol(String),
    /// A number, but not a port.
    #[error("port {0} is out of range: a port is 1 to 65535, or `*` for every port")]
    Range(String),
}

impl PortSpec {
    /// Does it stand for every port of its protocol?
    pub const fn is_wildcard(self) -> bool {
        self.port == 0
    }

    /// Does a packet to this port belong here?
    pub fn covers(self, protocol: Protocol, port: u16) -> bool {
        self.protocol == protocol && (self.is_wildcard() || self.port == port)
    }
}

impl FromStr for PortSpec {
    type Err = PortSpecError;

    fn from_str(text: &str) -> Result<Self, PortSpecError> {
        let form = || PortSpecError::Form(text.to_owned());
        let (protocol, port) = text.split_once('/').ok_or_else(form)?;
        if port.is_empty() || protocol.is_empty() {
            return Err(form());
        }
        let protocol = protocol.parse()?;
        if port == "*" {
            return Ok(Self { protocol, port: 0 });
        }
        let digits = port.strip_prefix('-').unwrap_or(port);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self { protocol, port }),
            _ => Err(PortSpecError::Range(port.to_owned())),
        }
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_wildcard() {
            write!(f, "{}/*", self.protocol)
        } else {
            write!(f, "{}/{}", self.protocol, self.port)
        }
    }
}

impl TryFrom<String> for PortSpec {
    type Error = PortSpecError;

    fn try_from(text: String) -> Result<Self, PortSpecError> {
        text.parse()
    }
}

impl From<PortSpec> for String {
    fn from(spec: PortSpec) -> Self {
        spec.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["tcp/80", "udp/53", "tcp/*", "tcp/65535", "udp/1"] {
            assert_eq!(text.parse::<PortSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refused() {
        for (text, words) in [
            ("80", "write `tcp/80`"),
            ("", "write `tcp/80`"),
            ("tcp/", "write `tcp/80`"),
            ("/80", "write `tcp/80`"),
            ("tcp/http", "write `tcp/80`"),
            ("tcp/+80", "write `tcp/80`"),
            ("tcp/80/81", "write `tcp/80`"),
            ("sctp/80", "use `tcp` or `udp`"),
            ("TCP/80", "use `tcp` or `udp`"),
            ("tcp/0", "1 to 65535"),
            ("tcp/65536", "1 to 65535"),
            ("tcp/-1", "1 to 65535"),
            ("tcp/99999999999999999999", "1 to 65535"),
        ] {
            let error = text.parse::<PortSpec>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_wildcard_covers_its_protocol() {
        let all: PortSpec = "tcp/*".parse().unwrap();
        assert!(all.covers(Protocol::Tcp, 1) && all.covers(Protocol::Tcp, 65535));
        assert!(!all.covers(Protocol::Udp, 1));
    }
}
