//! The VIPs on the director's interfaces, where no VRRP looks after them.
//!
//! Only what this program has added is ever removed: what was there before belongs to somebody else.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
};

use tracing::{info, warn};

use super::{
    files::{self, FileError},
    netlink::Netlink,
};

/// The addresses that this program has added, remembered over restarts.
#[derive(Debug)]
pub(super) struct Addresses {
    file: PathBuf,
    added: BTreeSet<(u32, IpAddr)>,
}

impl Addresses {
    /// Those of an earlier run that are still there.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub(super) fn load(state_folder: &Path) -> Result<Self, FileError> {
        let file = state_folder.join("addresses.json");
        Ok(Self { added: files::read(&file)?, file })
    }

    /// Makes exactly `wanted` (by index of the interface) the addresses that are there because of us. An address
    /// that cannot be added or removed is reported in the log and in the returned warnings.
    pub(super) async fn set(
        &mut self,
        netlink: &Netlink,
        wanted: &BTreeSet<(u32, IpAddr)>,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        let surplus: Vec<_> = self.added.difference(wanted).copied().collect();
        for (index, address) in surplus {
            self.remove(netlink, index, address).await;
        }
        for &(interface, address) in wanted {
            match netlink.add_address(interface, address, full_length(address)).await {
                Ok(true) => {
                    info!(%address, interface, "VIP added");
                    self.added.insert((interface, address));
                }
                Ok(false) => {}
                Err(error) => {
                    warn!(%error, %address, "the VIP could not be added");
                    warnings.push(format!("VIP {address} could not be added: {error}"));
                }
            }
        }
        self.save();
        warnings
    }

    /// Removes every address that this program has added.
    pub(super) async fn remove_all(&mut self, netlink: &Netlink) {
        for (index, address) in self.added.clone() {
            self.remove(netlink, index, address).await;
        }
        self.save();
    }

    async fn remove(&mut self, netlink: &Netlink, index: u32, address: IpAddr) {
        match netlink.remove_address(index, address, full_length(address)).await {
            Ok(_) => info!(%address, "VIP removed"),
            // The interface has gone, and the address with it.
            Err(error) => warn!(%error, %address, "the VIP could not be removed"),
        }
        self.added.remove(&(index, address));
    }

    fn save(&self) {
        if let Err(error) = files::write(&self.file, &self.added) {
            warn!(%error, "the added VIPs could not be written down: they stay after a crash");
        }
    }
}

const fn full_length(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
