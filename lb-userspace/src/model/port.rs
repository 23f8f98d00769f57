//! Ports of a virtual service: `tcp/80`, `tcp/8000-8100`, or `tcp/*` for every port.

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

/// A protocol and a port of it, several in a row, or all of its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortSpec {
    /// The transport protocol.
    pub protocol: Protocol,
    /// The first port; 0 stands for every port that no other service of the address names.
    pub first: u16,
    /// The last port: not less than the first, and 0 only with it.
    pub last: u16,
}

/// Why a text is not a [`PortSpec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortSpecError {
    /// Not `protocol/port`.
    #[error(
        "`{0}` is not a protocol and a port: write `tcp/80`, `udp/53`, `tcp/8000-8100`, `tcp/*` or `*`"
    )]
    Form(String),
    /// Neither TCP nor UDP.
    #[error("`{0}` is not a protocol that can be balanced: use `tcp` or `udp`")]
    Protocol(String),
    /// A number, but not a port.
    #[error("port {0} is out of range: a port is 1 to 65535, or `*` for every port")]
    Range(String),
    /// The first port is not below the last.
    #[error("ports {first}-{last} are no range: write the lower port first, or one port alone")]
    Order {
        /// What stands first.
        first: u16,
        /// What stands last.
        last: u16,
    },
}

impl PortSpec {
    /// One port.
    pub const fn single(protocol: Protocol, port: u16) -> Self {
        Self { protocol, first: port, last: port }
    }

    /// Every port that no other service of the address names.
    pub const fn wildcard(protocol: Protocol) -> Self {
        Self::single(protocol, 0)
    }

    /// Reads one, or `*` for every port of both protocols.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, PortSpecError> {
        if text == "*" {
            return Ok(vec![Self::wildcard(Protocol::Tcp), Self::wildcard(Protocol::Udp)]);
        }
        Ok(vec![text.parse()?])
    }

    /// Does it stand for every port of its protocol?
    pub const fn is_wildcard(self) -> bool {
        self.first == 0
    }

    /// Does a packet to this port belong here?
    pub fn covers(self, protocol: Protocol, port: u16) -> bool {
        self.protocol == protocol
            && (self.is_wildcard() || (self.first..=self.last).contains(&port))
    }

    /// Do both name the same port? (A wildcard names none.)
    pub fn overlaps(self, other: Self) -> bool {
        self.protocol == other.protocol && self.first <= other.last && other.first <= self.last
    }

    /// Each of its ports; 0 for a wildcard.
    pub fn ports(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    /// The number of entries it takes: one for each port, one for a wildcard.
    pub fn count(self) -> u32 {
        u32::from(self.last.saturating_sub(self.first)) + 1
    }
}

impl FromStr for PortSpec {
    type Err = PortSpecError;

    fn from_str(text: &str) -> Result<Self, PortSpecError> {
        let form = || PortSpecError::Form(text.to_owned());
        let (protocol, ports) = text.split_once('/').ok_or_else(form)?;
        if ports.is_empty() || protocol.is_empty() {
            return Err(form());
        }
        let protocol = protocol.parse()?;
        if ports == "*" {
            return Ok(Self::wildcard(protocol));
        }
        // A minus in front is a number below the range, not a range without a start.
        let digits = ports.strip_prefix('-').unwrap_or(ports);
        if let Some((first, last)) = digits.split_once('-') {
            let (first, last) = (port(first).ok_or_else(form)??, port(last).ok_or_else(form)??);
            if ports != digits {
                return Err(form());
            }
            return if first < last {
                Ok(Self { protocol, first, last })
            } else {
                Err(PortSpecError::Order { first, last })
            };
        }
        let one = port(digits).ok_or_else(form)?;
        if ports != digits {
            return Err(PortSpecError::Range(ports.to_owned()));
        }
        one.map(|port| Self::single(protocol, port))
    }
}

/// A port; `None` for what is no number at all.
fn port(digits: &str) -> Option<Result<u16, PortSpecError>> {
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    number.then(|| match digits.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(PortSpecError::Range(digits.to_owned())),
    })
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, first, last } = self;
        if self.is_wildcard() {
            write!(f, "{protocol}/*")
        } else if first == last {
            write!(f, "{protocol}/{first}")
        } else {
            write!(f, "{protocol}/{first}-{last}")
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
        for text in
            ["tcp/80", "udp/53", "tcp/*", "tcp/65535", "udp/1", "tcp/8000-8100", "udp/1-65535"]
        {
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
            ("tcp/0-80", "1 to 65535"),
            ("tcp/80-65536", "1 to 65535"),
            ("tcp/80-", "write `tcp/80`"),
            ("tcp/-80-81", "write `tcp/80`"),
            ("tcp/80-81-82", "write `tcp/80`"),
            ("tcp/80-*", "write `tcp/80`"),
            ("tcp/81-80", "ports 81-80 are no range: write the lower port first"),
            ("tcp/80-80", "or one port alone"),
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
        let both = PortSpec::parse_all("*").unwrap();
        assert_eq!(both, [all, PortSpec::wildcard(Protocol::Udp)]);
    }

    #[test]
    fn a_range_covers_its_ports() {
        let range: PortSpec = "tcp/8000-8100".parse().unwrap();
        for (port, covered) in [(7_999, false), (8_000, true), (8_100, true), (8_101, false)] {
            assert_eq!(range.covers(Protocol::Tcp, port), covered, "{port}");
        }
        assert!(!range.covers(Protocol::Udp, 8_000));
        assert_eq!((range.count(), range.ports().count()), (101, 101));
        assert_eq!(PortSpec::parse_all("tcp/8000-8100"), Ok(vec![range]));
        assert_eq!("tcp/1-65535".parse::<PortSpec>().unwrap().count(), 65_535);
        let all = PortSpec::wildcard(Protocol::Tcp);
        assert_eq!((all.count(), Vec::from_iter(all.ports())), (1, vec![0]));
    }

    #[test]
    fn overlaps() {
        for (one, other, overlap) in [
            ("tcp/80", "tcp/80", true),
            ("tcp/80", "udp/80", false),
            ("tcp/80-90", "tcp/90-100", true),
            ("tcp/80-90", "tcp/85", true),
            ("tcp/80-90", "tcp/91-100", false),
            ("tcp/*", "tcp/80-90", false),
            ("tcp/*", "tcp/*", true),
        ] {
            let (a, b): (PortSpec, PortSpec) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((a.overlaps(b), b.overlaps(a)), (overlap, overlap), "{one} {other}");
        }
    }
}
