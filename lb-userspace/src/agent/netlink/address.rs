//! Addresses: list, add, remove.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, CacheInfo,
};
use nix::errno::Errno;

use super::error::{errno, named};
use super::{Error, Netlink};

/// A lifetime without end.
const FOREVER: u32 = u32::MAX;

impl Netlink {
    /// Adds an address; `true` when it was not there before.
    ///
    /// An IPv6 address is added without duplicate address detection (another director, or each
    /// real server, may rightly hold the same VIP) and *deprecated* (preferred lifetime 0): it
    /// answers, but this host never chooses it as the source of connections of its own. Without
    /// that, a VIP with a /128 can win the choice of source by its longer prefix, and a real
    /// server, which holds the VIP itself, sends the answer to a health check to its own `lo`.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn add_address(
        &self,
        index: u32,
        address: IpAddr,
        prefix_len: u8,
    ) -> Result<bool, Error> {
        self.add_labelled_address(index, address, prefix_len, None).await
    }

    /// The same, with what `ip address` shows beside an IPv4 address.
    ///
    /// # Errors
    /// As [`Netlink::add_address`].
    pub async fn add_labelled_address(
        &self,
        index: u32,
        address: IpAddr,
        prefix_len: u8,
        label: Option<&str>,
    ) -> Result<bool, Error> {
        let mut request = self.handle.address().add(index, address, prefix_len);
        if let Some(label) = label {
            let label = AddressAttribute::Label(label.to_owned());
            request.message_mut().attributes.push(label);
        }
        if address.is_ipv6() {
            let message = request.message_mut();
            message.header.flags = AddressHeaderFlags::Nodad;
            let mut lifetime = CacheInfo::default();
            lifetime.ifa_preferred = 0;
            lifetime.ifa_valid = FOREVER;
            message.attributes.push(AddressAttribute::CacheInfo(lifetime));
        }
        match request.execute().await {
            Ok(()) => Ok(true),
            Err(error) if errno(&error) == Some(Errno::EEXIST) => Ok(false),
            Err(error) => {
                let interface = named(index);
                let task = format!("cannot add {address}/{prefix_len} to {interface}");
                Err(match errno(&error) {
                    Some(Errno::ENODEV) => Error::NoInterface { name: interface },
                    // For an IPv6 address on an interface without IPv6, the kernel says EACCES.
                    Some(Errno::EACCES) => Error::Ipv6Disabled { interface, task },
                    _ => Error::of(task, &error),
                })
            }
        }
    }

    /// Removes an address; `true` when it was there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_address(
        &self,
        index: u32,
        address: IpAddr,
        prefix_len: u8,
    ) -> Result<bool, Error> {
        let mut message = AddressMessage::default();
        message.header.family = match address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.header.index = index;
        message.header.prefix_len = prefix_len;
        message.attributes.push(AddressAttribute::Local(address));
        message.attributes.push(AddressAttribute::Address(address));
        match self.handle.address().del(message).execute().await {
            Ok(()) => Ok(true),
            Err(error) if matches!(errno(&error), Some(Errno::EADDRNOTAVAIL | Errno::ENODEV)) => {
                Ok(false)
            }
            Err(error) => {
                let task = format!("cannot remove {address}/{prefix_len} from {}", named(index));
                Err(Error::of(task, &error))
            }
        }
    }

    /// The addresses of every interface, by its index.
    pub(super) async fn addresses(&self) -> Result<BTreeMap<u32, Vec<IpNet>>, Error> {
        let mut found: BTreeMap<u32, Vec<IpNet>> = BTreeMap::new();
        let mut messages = std::pin::pin!(self.handle.address().get().execute());
        while let Some(message) = messages
            .try_next()
            .await
            .map_err(|error| Error::of("cannot list the addresses", &error))?
        {
            if let Some(network) = network(&message) {
                found.entry(message.header.index).or_default().push(network);
            }
        }
        Ok(found)
    }
}

/// The address with its prefix. On a point-to-point link `Local` is ours, `Address` the peer's.
fn network(message: &AddressMessage) -> Option<IpNet> {
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    IpNet::new(local.or(address)?, message.header.prefix_len).ok()
}
