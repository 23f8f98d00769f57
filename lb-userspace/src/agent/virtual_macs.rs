//! The interfaces that have the virtual MAC addresses of VRRP instances: macvlans on the instances' own interfaces.
//!
//! They are switched on by the instance that is master (`vrrp/holder.rs`). What is to be made is written down before
//! it is made: an agent that follows one that was killed goes on with it, or removes it. Nothing else is ever touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::{
    files::{self, FileError},
    netlink::{self, Interface, Mac, Netlink},
    sysctl::{self, Setting},
    vrrp::Wanted,
};
use crate::{model::InterfaceName, vrrp::types::Family};

/// The kind of interface that the kernel calls them.
const KIND: &str = "macvlan";

/// The interfaces that this program has made, by name; remembered over restarts.
#[derive(Debug)]
pub(super) struct VirtualMacs {
    file: PathBuf,
    made: BTreeMap<String, Made>,
}

/// What tells one that we made from another one of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    /// Index of the interface it stands on.
    parent: u32,
    mac: Mac,
}

impl Made {
    fn is(self, found: &Interface) -> bool {
        found.kind.as_deref() == Some(KIND)
            && (found.parent, found.mac) == (Some(self.parent), self.mac)
    }
}

impl VirtualMacs {
    /// Those of an earlier run.
    ///
    /// # Errors
    /// The state file cannot be read.
    pub(super) fn load(state_folder: &Path) -> Result<Self, FileError> {
        let file = state_folder.join("virtual-macs.json");
        Ok(Self { made: files::read(&file)?, file })
    }

    /// Looks whether those of these instances can be made.
    ///
    /// # Errors
    /// The name of one is taken.
    pub(super) async fn check(&self, netlink: &Netlink, wanted: &[Wanted]) -> Result<()> {
        for instance in wanted {
            if let Some(name) = &instance.place.virtual_mac {
                self.found(netlink, name.as_str()).await?;
            }
        }
        Ok(())
    }

    /// Makes those of these instances that are not there yet, and tells the instances of them.
    ///
    /// # Errors
    /// The name of one is taken, or the kernel refuses.
    pub(super) async fn make(&mut self, netlink: &Netlink, wanted: &mut [Wanted]) -> Result<()> {
        for instance in wanted {
            let place = &mut instance.place;
            let Some(name) = &place.virtual_mac else { continue };
            let made = Made { parent: place.index, mac: place.mac };
            let mut found = self.found(netlink, name.as_str()).await?;
            // The instance has moved, or has another number.
            if let Some(other) = found.take_if(|found| !made.is(found)) {
                netlink.remove_link(other.index).await?;
            }
            let found = match found {
                Some(found) => found,
                None => self.add(netlink, name.as_str(), made).await?,
            };
            prepare(name, instance.endpoint.addresses().family())?;
            place.home = found.index;
        }
        Ok(())
    }

    /// Removes those that none of these instances has.
    pub(super) async fn keep(&mut self, netlink: &Netlink, wanted: &BTreeSet<InterfaceName>) {
        let surplus = |name: &&String| wanted.iter().all(|kept| kept.as_str() != name.as_str());
        let surplus: Vec<_> = self.made.keys().filter(surplus).cloned().collect();
        for name in &surplus {
            // Somebody may have removed it, and made another one of that name.
            if let Ok(Some(found)) = self.found(netlink, name).await {
                match netlink.remove_link(found.index).await {
                    Ok(_) => info!(interface = name, "virtual MAC removed"),
                    Err(error) => {
                        warn!(%error, "a virtual MAC stays");
                        continue;
                    }
                }
            }
            self.made.remove(name);
        }
        if !surplus.is_empty()
            && let Err(error) = self.save()
        {
            warn!(%error, "that virtual MACs were removed could not be written down");
        }
    }

    /// The interface of that name, which is ours.
    async fn found(&self, netlink: &Netlink, name: &str) -> Result<Option<Interface>> {
        let found = match netlink.interface(name).await {
            Ok(found) => found,
            Err(netlink::Error::NoInterface { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if self.made.get(name).is_none_or(|made| !made.is(&found)) {
            bail!(
                "there is an interface {name} that `lb` has not made: remove it (`ip link delete {name}`), or \
                 choose another name (`virtual_mac_interface`)"
            );
        }
        Ok(Some(found))
    }

    async fn add(&mut self, netlink: &Netlink, name: &str, made: Made) -> Result<Interface> {
        self.made.insert(name.to_owned(), made);
        self.save().with_context(|| format!("{name} is not made"))?;
        netlink.add_macvlan(name, made.parent, made.mac).await?;
        info!(interface = name, "virtual MAC made");
        Ok(netlink.interface(name).await?)
    }

    fn save(&self) -> Result<(), FileError> {
        files::write(&self.file, &self.made)
    }
}

/// What the kernel would do by itself on such an interface.
fn prepare(name: &InterfaceName, family: Family) -> Result<()> {
    let name = name.as_str();
    let settings = match family {
        Family::V4 => vec![
            // It answers for its own addresses alone, not for those of its parent.
            (Setting::ipv4(name, "arp_ignore"), 1),
            (Setting::ipv4(name, "arp_announce"), 2),
            // Answers leave by the parent, where the routes are.
            (Setting::ipv4(name, "rp_filter"), 2),
            (Setting::ipv4(name, "arp_filter"), 0),
            (Setting::ipv6(name, "disable_ipv6"), 1),
        ],
        Family::V6 => vec![
            // Not for IPv4 addresses of other interfaces, either.
            (Setting::ipv4(name, "arp_ignore"), 8),
            // No link-local address made of the MAC address: the other directors would have the same.
            (Setting::ipv6(name, "addr_gen_mode"), 1),
            (Setting::ipv6(name, "accept_dad"), 0),
            (Setting::ipv6(name, "accept_ra"), 0),
            (Setting::ipv6(name, "autoconf"), 0),
            (Setting::ipv6(name, "disable_ipv6"), 0),
        ],
    };
    for (setting, value) in settings {
        match sysctl::write(&setting, value) {
            Ok(()) => {}
            // A kernel without IPv6 needs no word about it.
            Err(sysctl::Error::Write(_, error))
                if error.kind() == std::io::ErrorKind::NotFound && family == Family::V4 => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What the interfaces beneath must not do: answer for the VIPs, or ask in their name, with their own MAC address.
/// (IPv6 does neither.)
pub(super) fn settings_beneath(wanted: &[Wanted]) -> BTreeMap<Setting, u32> {
    let beneath = wanted.iter().filter(|one| {
        one.place.virtual_mac.is_some() && one.endpoint.addresses().family() == Family::V4
    });
    let each = |one: &Wanted| {
        [("arp_ignore", 1), ("arp_announce", 2)]
            .map(|(key, value)| (Setting::ipv4(&one.place.name, key), value))
    };
    beneath.flat_map(each).collect()
}
