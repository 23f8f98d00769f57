//! The trie of prefixes, read and changed.

use aya::maps::lpm_trie::Key;

use super::{DataPlane, DataPlaneError};
use crate::plan::{Lists, Prefix};

impl DataPlane {
    /// What the trie has.
    ///
    /// # Errors
    /// The kernel's.
    pub fn lists(&self) -> Result<Lists, DataPlaneError> {
        let prefixes = self.maps.prefixes()?.into_iter();
        let prefix = |key: Key<_>| Prefix { length: key.prefix_len(), key: key.data() };
        Ok(prefixes.map(|(key, value)| (prefix(key), value)).collect())
    }

    /// Writes prefixes with their actions.
    ///
    /// # Errors
    /// The kernel's; those before the one that failed are written.
    pub fn put_prefixes(&mut self, prefixes: &[(Prefix, u32)]) -> Result<(), DataPlaneError> {
        prefixes.iter().try_for_each(|(prefix, action)| self.maps.put_prefix(&key(prefix), *action))
    }

    /// Removes prefixes.
    ///
    /// # Errors
    /// The kernel's; those before the one that failed are gone.
    pub fn remove_prefixes(&mut self, prefixes: &[Prefix]) -> Result<(), DataPlaneError> {
        prefixes.iter().try_for_each(|prefix| self.maps.remove_prefix(&key(prefix)))
    }
}

const fn key(prefix: &Prefix) -> Key<lb_common::abi::GuardList> {
    Key::new(prefix.length, prefix.key)
}
