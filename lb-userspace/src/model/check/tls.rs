//! What is wanted of the certificate of a server by TLS, by checks and by the proxy.

use std::{fmt, str::FromStr};

use rustls::pki_types::DnsName;
use serde::{Deserialize, Serialize};

/// How a certificate is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verify", content = "sni", rename_all = "lowercase")]
pub enum TlsCheck {
    /// It must be valid now, for this name, and from an authority that this host trusts.
    Verified(TlsName),
    /// Any will do. The name, where there is one, is asked for.
    Unverified(Option<TlsName>),
}

impl TlsCheck {
    /// The name that is asked for.
    pub fn name(&self) -> Option<&TlsName> {
        match self {
            Self::Verified(name) => Some(name),
            Self::Unverified(name) => name.as_ref(),
        }
    }
}

/// The name of a TLS server, as it stands in the handshake (SNI) and in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TlsName(DnsName<'static>);

/// Not a name of a TLS server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of a TLS server: write one such as \"www.example.org\", not an address"
)]
pub struct TlsNameError(String);

impl TlsName {
    /// The name itself.
    pub fn dns(&self) -> &DnsName<'static> {
        &self.0
    }
}

impl FromStr for TlsName {
    type Err = TlsNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DnsName::try_from(text.to_owned()).map(Self).map_err(|_| TlsNameError(text.to_owned()))
    }
}

impl fmt::Display for TlsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

impl TryFrom<String> for TlsName {
    type Error = TlsNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TlsName> for String {
    fn from(name: TlsName) -> Self {
        name.to_string()
    }
}
