//! Whether this host reaches a real server, and how: here, on the link, in a VLAN, behind a router.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::{
    host::HostError,
    network::{Interface, RouteTo},
    segment::{Exit, exit, with_subnet},
};

/// A real server that is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address.
    pub address: IpAddr,
    /// Its services use tunnels alone: it may be behind a router.
    pub tunnelled: bool,
}

/// Where a real server is, seen from this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// It is this host itself.
    Here,
    /// It is another host.
    There(Way<'a>),
}

/// The way to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way<'a> {
    /// The interface whose neighbour it is, or its router.
    pub interface: &'a Interface,
    /// How frames leave for there.
    pub exit: Exit,
    /// The router before it; `None` where it is on the link.
    pub router: Option<IpAddr>,
}

/// Finds a real server: this host by one of its `own` addresses; else directly behind the one of `segments` with
/// the longest prefix of a subnet, or with a route of the kernel that has no gateway; else, for tunnels, behind
/// the gateway of that route.
///
/// # Errors
/// [`HostError::OffLink`], and for tunnels [`HostError::NoRoute`]; [`HostError::Stacked`].
pub fn reach<'a>(
    wanted: &Wanted<'_>,
    own: &BTreeSet<IpAddr>,
    segments: &[&'a Interface],
    route: Option<&RouteTo>,
) -> Result<Reach<'a>, HostError> {
    let Wanted { name, address, tunnelled } = *wanted;
    if own.contains(&address) {
        return Ok(Reach::Here);
    }
    let by_subnet = with_subnet(address, segments).map(|interface| (interface, None));
    let by_route = || {
        let route = route.filter(|route| !route.local)?;
        let interface = segments.iter().copied().find(|found| found.index == route.interface)?;
        Some((interface, route.gateway))
    };
    let found = by_subnet.or_else(by_route).filter(|(_, router)| tunnelled || router.is_none());
    let server = name.to_owned();
    let Some((interface, router)) = found else {
        let interfaces = describe(segments, address);
        return Err(if tunnelled {
            HostError::NoRoute { server, address, interfaces }
        } else {
            HostError::OffLink { server, address, interfaces }
        });
    };
    let stacked = || HostError::Stacked { server, address, interface: interface.name.clone() };
    let exit = exit(interface, segments).ok_or_else(stacked)?;
    Ok(Reach::There(Way { interface, exit, router }))
}

/// Every address that one of these interfaces has.
pub fn own_addresses(existing: &[Interface]) -> BTreeSet<IpAddr> {
    let networks = existing.iter().flat_map(|interface| &interface.addresses);
    networks.map(IpNet::addr).collect()
}

/// `eth0 (10.8.8.0/24), eth1 (no IPv4 subnet)`: the subnets of the address's family. Single
/// addresses (VIPs) are left out, and VLANs without a subnet.
fn describe(interfaces: &[&Interface], address: IpAddr) -> String {
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    let describe = |interface: &&Interface| -> Option<String> {
        let mut subnets: Vec<String> = interface
            .addresses
            .iter()
            .filter(|network| network.addr().is_ipv4() == address.is_ipv4())
            .filter(|network| network.prefix_len() < network.max_prefix_len())
            .map(|network| network.trunc().to_string())
            .collect();
        subnets.sort();
        subnets.dedup();
        if !subnets.is_empty() {
            Some(format!("{} ({})", interface.name, subnets.join(", ")))
        } else if interface.vlan.is_none() {
            Some(format!("{} (no {family} subnet)", interface.name))
        } else {
            None
        }
    };
    interfaces.iter().filter_map(describe).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
#[path = "reach_test.rs"]
mod tests;
