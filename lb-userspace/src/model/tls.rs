//! TLS of a service of the proxy, as the file says it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
