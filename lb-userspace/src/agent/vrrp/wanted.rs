//! What each instance of the configuration is on this host.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use super::{Place, Wanted};
use crate::{
    agent::netlink::{self, Interface, Netlink},
    model::{Config, Name, VrrpInstance},
    vrrp::{
        machine::Settings,
        packet::{Endpoint, EndpointError},
        types::{Addresses, AddressesError, Family, Secret, SecretError},
    },
};

/// An instance that this host cannot have.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum WantedError {
    /// No such interface.
    #[error("VRRP instance {0}: {1}")]
    Interface(Name, netlink::Error),
    /// Nothing to send from.
    #[error(
        "VRRP instance {name}: {interface} has no {family} address to send from: add one, or set `source`"
    )]
    Source {
        /// The instance.
        name: Name,
        /// Its interface.
        interface: String,
        /// Its family.
        family: Family,
    },
    /// Nothing that a MAC address could be added to.
    #[error("VRRP instance {0}: {1} is no Ethernet: without `virtual_mac` it may do")]
    NoEthernet(Name, String),
    /// The password file.
    #[error("VRRP instance {0}: the password file {file}: {2}", file = .1.display())]
    Password(Name, PathBuf, io::Error),
    /// What it says.
    #[error("VRRP instance {0}: the password file {file}: {2}", file = .1.display())]
    Secret(Name, PathBuf, SecretError),
    /// VIPs that do not go together.
    #[error("VRRP instance {0}: {1}")]
    Addresses(Name, AddressesError),
    /// Parts that do not go together.
    #[error("VRRP instance {0}: {1}")]
    Endpoint(Name, EndpointError),
}

/// Every instance of a configuration.
///
/// # Errors
/// [`WantedError`]: the first that cannot be.
pub(in crate::agent) async fn wanted(
    config: &Config,
    netlink: &Netlink,
) -> Result<Vec<Wanted>, WantedError> {
    let mut all = Vec::new();
    for instance in &config.vrrp {
        let interface = netlink.interface(instance.id.interface.as_str()).await;
        let interface =
            interface.map_err(|error| WantedError::Interface(instance.name.clone(), error))?;
        all.push(on(instance, &interface)?);
    }
    Ok(all)
}

/// An instance on its interface.
fn on(instance: &VrrpInstance, interface: &Interface) -> Result<Wanted, WantedError> {
    let name = || instance.name.clone();
    let family = instance.id.family;
    let source = instance.source.or_else(|| source(instance, interface)).ok_or_else(|| {
        WantedError::Source { name: name(), interface: interface.name.clone(), family }
    })?;
    let advertised: Vec<_> = instance.advertised().collect();
    let addresses =
        Addresses::new(family, &advertised).map_err(|e| WantedError::Addresses(name(), e))?;
    let dialect = instance.protocol.dialect(|file| password(instance, file))?;
    let peers = instance.unicast_peers.clone();
    if instance.virtual_mac.is_some() && !interface.ethernet {
        return Err(WantedError::NoEthernet(name(), interface.name.clone()));
    }
    let own = instance.virtual_mac.as_ref().map(|_| instance.id.virtual_router.mac(family));
    let endpoint =
        Endpoint::new(instance.id.virtual_router, dialect, source, peers, addresses.clone());
    Ok(Wanted {
        name: name(),
        group: instance.group.clone(),
        place: Place {
            name: interface.name.clone(),
            index: interface.index,
            mac: own.unwrap_or(interface.mac),
            virtual_mac: instance.virtual_mac.clone(),
            home: interface.index,
            repeat: instance.announce.repeat,
        },
        endpoint: endpoint.map_err(|error| WantedError::Endpoint(name(), error))?,
        settings: Settings {
            priority: instance.priority,
            interval: instance.protocol.interval(),
            source,
            addresses,
            preempt: instance.preempt,
            start_delay: instance.start_delay,
            announce_again: instance.announce.again_after,
            refresh: instance.announce.refresh,
        },
        track: instance.track.clone(),
        addresses: instance.addresses.clone(),
        routing: instance.routing.clone(),
        running: interface.running,
        lease: None,
    })
}

/// The first address of the interface that is no VIP; over IPv6 a link-local one (RFC 9568, section 5.1.2.1).
fn source(instance: &VrrpInstance, interface: &Interface) -> Option<IpAddr> {
    let own = interface.addresses.iter().map(ipnet::IpNet::addr);
    let mut own =
        own.filter(|address| instance.addresses.iter().all(|vip| vip.address() != *address));
    own.find(|address| match (instance.id.family, address) {
        (Family::V4, IpAddr::V4(_)) => true,
        (Family::V6, IpAddr::V6(v6)) => v6.is_unicast_link_local(),
        _ => false,
    })
}

/// The first line of a password file. What is too long is cut, as keepalived does.
fn password(instance: &VrrpInstance, file: &Path) -> Result<Secret, WantedError> {
    let name = instance.name.clone();
    let text = fs::read_to_string(file)
        .map_err(|error| WantedError::Password(name.clone(), file.to_owned(), error))?;
    match Secret::new(text.lines().next().unwrap_or_default()) {
        Ok(secret) => Ok(secret),
        Err(SecretError::Long(_)) => Ok(Secret::cut(text.lines().next().unwrap_or_default())),
        Err(error) => Err(WantedError::Secret(name, file.to_owned(), error)),
    }
}
