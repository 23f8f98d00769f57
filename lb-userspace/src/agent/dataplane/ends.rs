//! Whole lists of prefixes: made what they should be, entry by entry.

use std::collections::HashMap;

use aya::maps::lpm_trie::Key;
use ipnet::IpNet;
use lb_common::abi::{Address, GuardList};

use super::{DataPlane, DataPlaneError};
use crate::plan::Entries;

/// Bits of a mapped IPv4 address in front of its own.
const MAPPED_BITS: u32 = 96;

impl DataPlane {
    /// Writes one prefix of a list ([`GuardList`]).
    ///
    /// # Errors
    /// The map is full.
    pub fn put_list_entry(
        &mut self,
        list: u32,
        prefix: IpNet,
        value: u32,
    ) -> Result<(), DataPlaneError> {
        let (length, data) = entry(list, prefix);
        self.maps.put_prefix(&Key::new(length, data), value)
    }

    /// Makes `wanted` all that `lists` hold; other lists stay as they are. What is new is written before
    /// anything goes, so that nobody who may send is shut out in between.
    ///
    /// # Errors
    /// The map is full: what is missing is written by the next call.
    pub fn set_lists(&mut self, lists: &[u32], wanted: &Entries) -> Result<(), DataPlaneError> {
        let present: HashMap<_, _> = self
            .maps
            .prefixes()
            .map(|(key, value)| ((key.prefix_len(), key.data()), value))
            .filter(|((_, entry), _)| lists.contains(&u32::from_be_bytes(entry.list)))
            .collect();
        let wanted: HashMap<_, _> =
            wanted.iter().map(|((list, net), value)| (entry(*list, *net), *value)).collect();
        for (&(length, data), &value) in &wanted {
            if present.get(&(length, data)) != Some(&value) {
                self.maps.put_prefix(&Key::new(length, data), value)?;
            }
        }
        for &(length, data) in present.keys().filter(|key| !wanted.contains_key(key)) {
            self.maps.remove_prefix(&Key::new(length, data))?;
        }
        Ok(())
    }
}

/// A prefix as the trie knows it: its length counts the list's number too.
fn entry(list: u32, net: IpNet) -> (u32, GuardList) {
    let mapped = if net.addr().is_ipv4() { MAPPED_BITS } else { 0 };
    let length = GuardList::LIST_BITS + mapped + u32::from(net.prefix_len());
    (length, GuardList::new(list, Address::from(net.network())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_as_the_trie_counts_them() {
        for (net, length, first) in [
            ("10.8.8.7/24", 152, "10.8.8.0"),
            ("fd00::7/64", 96, "fd00::"),
            ("0.0.0.0/0", 128, "0.0.0.0"),
        ] {
            let first: std::net::IpAddr = first.parse().unwrap();
            let expected = (length, GuardList::new(7, Address::from(first)));
            assert_eq!(entry(7, net.parse().unwrap()), expected, "{net}");
        }
    }
}
