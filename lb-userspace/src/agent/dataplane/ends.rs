//! Ends of tunnels: which addresses of this host unpack, and who may send to them.

use aya::maps::lpm_trie::Key;
use ipnet::IpNet;
use lb_common::abi::{Address, GuardList};

use super::{DataPlane, DataPlaneError};

impl DataPlane {
    /// Writes a prefix of a list ([`GuardList`]).
    ///
    /// # Errors
    /// The map is full.
    pub fn put_list_entry(
        &mut self,
        list: u32,
        prefix: IpNet,
        value: u32,
    ) -> Result<(), DataPlaneError> {
        let mapped = if prefix.addr().is_ipv4() { 96 } else { 0 };
        let bits = GuardList::LIST_BITS + mapped + u32::from(prefix.prefix_len());
        let address = Address::from(prefix.network());
        self.maps.put_prefix(&Key::new(bits, GuardList::new(list, address)), value)
    }
}
