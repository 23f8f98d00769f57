//! TLS of the proxy, with clients and with servers, as the file says it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::TlsCheck;

/// Clients come by TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTls {
    /// Files with a certificate, its chain and its key, and folders of such files; the first one is for clients that ask for
    /// no name that there is.
    pub certificates: Vec<PathBuf>,
    /// Those clients are shown nothing.
    pub strict_sni: bool,
    /// What is spoken.
    pub versions: TlsVersions,
    /// Who may be a client; `None`: anybody.
    pub clients: Option<TlsClients>,
}

/// Clients that show certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsClients {
    /// A file with the certificates of their authorities.
    pub authorities: PathBuf,
    /// Who shows none is let in, too.
    pub optional: bool,
}

/// Servers of a pool are spoken with by TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolTls {
    /// How their certificates are looked at, and the name that they are asked for.
    pub verify: TlsCheck,
    /// A file with the certificates of their authorities; `None`: whom this host trusts.
    pub authorities: Option<PathBuf>,
    /// A file with a certificate, its chain and its key, for servers that ask for one.
    pub certificate: Option<PathBuf>,
    /// What is spoken.
    pub versions: TlsVersions,
}

impl PoolTls {
    /// Certificates are good from whom this host trusts.
    #[must_use]
    pub const fn trusts_as_this_host(&self) -> bool {
        self.authorities.is_none() && matches!(self.verify, TlsCheck::Verified(_))
    }
}

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// TLS 1.2 alone.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}
