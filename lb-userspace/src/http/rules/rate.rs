//! Whose requests are counted together when their rate is limited.

use std::net::IpAddr;

use ipnet::{IpNet, PrefixLenError};

use super::Facts;
use crate::http::edit::HeaderName;

/// What requests are counted by.
#[derive(Clone, Debug)]
pub enum RateKey {
    /// The client's network: a user of IPv6 has a whole /64.
    Source {
        /// Bits of an IPv4 address, 0 to 32.
        v4: u8,
        /// Bits of an IPv6 address, 0 to 128.
        v6: u8,
    },
    /// The first value of a field, such as a key of an API. Whoever chooses it chooses how often: for fields that
    /// something in front has checked.
    Header(HeaderName),
}

/// One that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateSubject<'a> {
    /// A network.
    Source(IpNet),
    /// A value of the field.
    Value(&'a [u8]),
}

impl RateKey {
    /// By source, with this many bits.
    ///
    /// # Errors
    /// More bits than an address has.
    pub fn source(v4: u8, v6: u8) -> Result<Self, PrefixLenError> {
        IpNet::new(IpAddr::from([0; 4]), v4)?;
        IpNet::new(IpAddr::from([0; 16]), v6)?;
        Ok(Self::Source { v4, v6 })
    }

    /// Whom a request counts for; without the field, its source alone.
    #[must_use]
    pub fn subject<'a>(&self, facts: &Facts<'a>) -> RateSubject<'a> {
        let source = facts.source.to_canonical();
        let network =
            |bits| IpNet::new(source, bits).map_or_else(|_| IpNet::from(source), |net| net.trunc());
        match self {
            Self::Source { v4, v6 } => {
                RateSubject::Source(network(if source.is_ipv4() { *v4 } else { *v6 }))
            }
            Self::Header(name) => match facts.fields.named(name.as_bytes()).next() {
                Some(value) => RateSubject::Value(value),
                None => RateSubject::Source(IpNet::from(source)),
            },
        }
    }
}
