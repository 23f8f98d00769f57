//! Where everything is: which interface a real server is behind, and whether this host can reach it at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    host,
    neighbour::Key,
    netlink::{self, Interface, Netlink},
};
use crate::{
    config::{Parsed, Report},
    model::Config,
    plan::OwnAddresses,
};

/// Interfaces of the configuration, and the place of every real server.
#[derive(Clone, Debug, Default)]
pub(super) struct Placement {
    /// In the order of the configuration.
    pub(super) interfaces: Vec<Interface>,
    /// By address of the real server.
    pub(super) places: BTreeMap<IpAddr, Place>,
    /// Real servers that are this host.
    pub(super) local: BTreeSet<IpAddr>,
}

/// Where a real server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its neighbour entry.
    pub(super) key: Key,
    /// Our address on that interface.
    pub(super) source_mac: [u8; 6],
}

/// A configuration that does not fit this host.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlacementError {
    /// Each error with its place in the file.
    #[error("the configuration does not fit this host\n{0}")]
    Misfit(Box<Report>),
    /// The host could not be asked.
    #[error(transparent)]
    Netlink(#[from] netlink::Error),
}

impl Placement {
    /// The largest packet that an interface takes, in bytes; 0 where it is not known.
    pub(super) fn mtu(&self, interface: u32) -> u16 {
        let found = self.interfaces.iter().find(|known| known.index == interface);
        found.map_or(0, |known| u16::try_from(known.mtu).unwrap_or(u16::MAX))
    }

    /// This host's own addresses on its first interface.
    pub(super) fn own(&self) -> OwnAddresses {
        let addresses = || self.interfaces.first().into_iter().flat_map(|i| &i.addresses);
        OwnAddresses {
            ipv4: addresses().find_map(|net| match net.addr() {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            }),
            ipv6: addresses().find_map(|net| match net.addr() {
                IpAddr::V6(address) if !address.is_unicast_link_local() => Some(address),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            }),
        }
    }

    /// Places everything that `parsed` names. All that does not fit is reported together.
    ///
    /// # Errors
    /// [`PlacementError`].
    pub(super) async fn of(parsed: &Parsed, netlink: &Netlink) -> Result<Self, PlacementError> {
        let existing = netlink.interfaces().await?;
        let mut misfits = Vec::new();
        let mut misfit = |key: String, error: host::HostError| {
            misfits.push(parsed.warnings.host_error(&key, &error.to_string(), None));
        };
        let mut interfaces = Vec::new();
        for name in &parsed.config.node.interfaces {
            match host::interface(name.as_str(), &existing) {
                Ok(interface) => interfaces.push(interface.clone()),
                Err(error) => misfit("node.interface".to_owned(), error),
            }
        }
        let mut places = BTreeMap::new();
        if interfaces.len() == parsed.config.node.interfaces.len() {
            let used: Vec<_> = interfaces.iter().collect();
            for (key, name, address) in servers(&parsed.config) {
                match place(name, address, &used, netlink).await {
                    Ok(place) => _ = places.insert(address, place),
                    Err(error) => misfit(key, error),
                }
            }
        }
        let Some(first) = misfits.first().cloned() else {
            return Ok(Self { interfaces, places, local: BTreeSet::new() });
        };
        let diagnostics = misfits.into_iter().flat_map(|report| report.diagnostics).collect();
        Err(PlacementError::Misfit(Box::new(Report { diagnostics, ..first })))
    }

    /// The place of one more real server.
    ///
    /// # Errors
    /// It is behind a router, or this host itself.
    pub(super) async fn place(
        &self,
        name: &str,
        address: IpAddr,
        netlink: &Netlink,
    ) -> Result<Place, host::HostError> {
        let interfaces: Vec<_> = self.interfaces.iter().collect();
        place(name, address, &interfaces, netlink).await
    }
}

/// Every real server with its key in the file.
fn servers(config: &Config) -> impl Iterator<Item = (String, &str, IpAddr)> {
    config.pools.iter().enumerate().flat_map(|(p, pool)| {
        pool.servers.iter().enumerate().map(move |(s, server)| {
            (format!("pool[{p}].servers[{s}].address"), server.name.as_str(), server.address)
        })
    })
}

async fn place(
    name: &str,
    address: IpAddr,
    interfaces: &[&Interface],
    netlink: &Netlink,
) -> Result<Place, host::HostError> {
    // No route at all is no error here: the subnets decide, and the message names them.
    let route = netlink.route_to(address).await.ok();
    let interface = host::on_link(name, address, interfaces, route.as_ref())?;
    Ok(Place { key: Key { interface: interface.index, address }, source_mac: interface.mac })
}
