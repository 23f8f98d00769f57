//! Interfaces with a MAC address of their own on another one: made, switched on and off, removed.

use netlink_packet_route::link::MacVlanMode;
use nix::errno::Errno;
use rtnetlink::{LinkMacVlan, LinkUnspec};

use super::error::{errno, named};
use super::{Error, Mac, Netlink};

impl Netlink {
    /// Makes a macvlan on an interface; it is switched off.
    ///
    /// Its mode is `bridge`: in `private` mode, the kernel would give what another host sends in the name of the same
    /// MAC address (another director's advertisement) to the macvlan alone.
    ///
    /// # Errors
    /// The kernel has no macvlans, or the interface can bear none.
    pub async fn add_macvlan(&self, name: &str, parent: u32, mac: Mac) -> Result<(), Error> {
        let link = LinkMacVlan::new(name, parent, MacVlanMode::Bridge).address(mac.to_vec());
        let added = self.handle.link().add(link.build()).execute().await;
        added.map_err(|error| {
            let task = format!("cannot make the macvlan {name} on {}", named(parent));
            match errno(&error) {
                Some(Errno::EOPNOTSUPP) => Error::NoMacvlan { task },
                _ => Error::of(task, &error),
            }
        })
    }

    /// Does this kernel have macvlans? One without a parent is asked for, which it refuses for this reason or that.
    /// `None`: it does not say.
    pub async fn has_macvlans(&self) -> Option<bool> {
        let link = LinkMacVlan::new("", 0, MacVlanMode::Bridge);
        let error = self.handle.link().add(link.build()).execute().await.err()?;
        match errno(&error)? {
            Errno::EOPNOTSUPP => Some(false),
            Errno::EINVAL | Errno::ENODEV => Some(true),
            _ => None,
        }
    }

    /// Switches an interface on, or off: its IPv6 addresses go then.
    ///
    /// # Errors
    /// There is no such interface, or what it stands on is off.
    pub async fn switch_link(&self, index: u32, on: bool) -> Result<(), Error> {
        let link = LinkUnspec::new_with_index(index);
        let link = if on { link.up() } else { link.down() };
        let switched = self.handle.link().change(link.build()).execute().await;
        switched.map_err(|error| {
            let word = if on { "on" } else { "off" };
            match errno(&error) {
                Some(Errno::ENODEV) => Error::NoInterface { name: named(index) },
                _ => Error::of(format!("cannot switch {word} {}", named(index)), &error),
            }
        })
    }

    /// Removes an interface; `true` when it was there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_link(&self, index: u32) -> Result<bool, Error> {
        match self.handle.link().del(index).execute().await {
            Ok(()) => Ok(true),
            Err(error) if errno(&error) == Some(Errno::ENODEV) => Ok(false),
            Err(error) => Err(Error::of(format!("cannot remove {}", named(index)), &error)),
        }
    }
}
