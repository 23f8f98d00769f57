//! What the files hold that services with `tls` name. Keys are among it: it is kept apart from the configuration, which is
//! shown, compared and written down.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::model::Name;

/// The files of each service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates(pub BTreeMap<Name, TlsFiles>);

/// Those of one service.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFiles {
    /// Certificates with their chains and keys, in the order of the configuration: the name of a file, and its text.
    pub bundles: Vec<(String, Zeroizing<String>)>,
    /// The authorities of clients.
    pub authorities: Option<String>,
}

impl fmt::Debug for TlsFiles {
    /// Nothing of the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.bundles.iter().map(|(file, _)| file)).finish()
    }
}
