//! What the files hold that `tls` of services and pools names. Keys are among it: it is kept apart from the configuration, which is
//! shown, compared and written down.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::model::Name;

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// The files of each service.
    pub services: BTreeMap<Name, TlsFiles>,
    /// The files of each pool.
    pub pools: BTreeMap<Name, TlsFiles>,
    /// The authorities that this host trusts, where a pool asks for those.
    pub trusted: Option<String>,
}

/// Those of a service, or of a pool.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFiles {
    /// Certificates with their chains and keys, in the order of the configuration: the name of a file, and its text.
    pub bundles: Vec<(String, Zeroizing<String>)>,
    /// The authorities of the other side.
    pub authorities: Option<String>,
}

impl fmt::Debug for TlsFiles {
    /// Nothing of the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bundles.iter().map(|(file, _)| file)).finish()
    }
}
