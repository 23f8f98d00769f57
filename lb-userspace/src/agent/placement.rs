//! Where everything is: which interface a real server or another director is behind, by which router, and
//! whether this host can reach it at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    host::{self, Reach, Wanted, Way},
    neighbour::{Key, Neighbours, State},
    netlink::{self, Interface, Netlink},
};
use crate::{
    config::{Parsed, Report},
    model::{Config, Pool},
    plan::{NextHop, OwnAddresses},
    preflight::segment::{Exit, exit, home, segments},
};

/// Interfaces of the configuration, and the place of every real server.
#[derive(Clone, Debug, Default)]
pub(super) struct Placement {
    /// In the order of the configuration.
    pub(super) interfaces: Vec<Interface>,
    /// The networks behind them: they themselves, then the VLANs on them.
    pub(super) segments: Vec<Interface>,
    /// By address of the real server.
    pub(super) places: BTreeMap<IpAddr, Place>,
    /// Real servers that are this host.
    pub(super) local: BTreeSet<IpAddr>,
    /// The other directors on the link, by address.
    pub(super) peers: BTreeMap<IpAddr, Place>,
    /// Every address of this host.
    pub(super) host: BTreeSet<IpAddr>,
}

/// What is found out about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is this host's own.
    Here,
    /// It is another host's.
    There(Place),
}

/// Where a real server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its neighbour entry, or its router's.
    pub(super) key: Key,
    /// How frames leave for there.
    pub(super) exit: Exit,
    /// Our address on the interface of the neighbour.
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
    /// The network of an interface, or of a VLAN on one.
    pub(super) fn segment(&self, interface: u32) -> Option<&Interface> {
        self.segments.iter().find(|known| known.index == interface)
    }

    /// What frames with this exit go into: an interface, or a VLAN on one.
    pub(super) fn behind(&self, way: Exit) -> Option<&Interface> {
        let all = self.all_segments();
        all.iter().copied().find(|segment| exit(segment, &all) == Some(way))
    }

    /// How frames leave for a network; `None`: not by an interface of the configuration.
    pub(super) fn exit(&self, interface: u32) -> Option<Exit> {
        exit(self.segment(interface)?, &self.all_segments())
    }

    /// VLANs stand on the interfaces.
    pub(super) fn has_vlans(&self) -> bool {
        self.segments.len() > self.interfaces.len()
    }

    /// Where a VIP is added: index of the interface, or of a VLAN on it.
    pub(super) fn home(&self, vip: IpAddr) -> Option<u32> {
        home(vip, &self.all_segments()).map(|home| home.index)
    }

    fn all_segments(&self) -> Vec<&Interface> {
        self.segments.iter().collect()
    }

    /// The largest packet that goes into a network, in bytes; 0 where it is not known.
    fn mtu(&self, interface: u32) -> u16 {
        self.segment(interface).map_or(0, |known| u16::try_from(known.mtu).unwrap_or(u16::MAX))
    }

    /// This host's own addresses on its first interface, or in a VLAN on that; a VIP is none.
    pub(super) fn own(&self, config: &Config) -> OwnAddresses {
        let vip = |address: &IpAddr| config.services.iter().any(|s| s.address == *address);
        let first = self.interfaces.first().map(|first| first.index);
        let all = self.all_segments();
        let on_first =
            |segment: &&&Interface| exit(segment, &all).map(|way| way.interface) == first;
        let networks = || all.iter().filter(on_first).flat_map(|segment| &segment.addresses);
        let addresses = || networks().map(ipnet::IpNet::addr).filter(|address| !vip(address));
        OwnAddresses {
            ipv4: addresses().find_map(|address| match address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            }),
            ipv6: addresses().find_map(|address| match address {
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
        let host = host::own_addresses(&existing);
        let segments: Vec<_> = segments(&interfaces.iter().collect::<Vec<_>>(), &existing)
            .into_iter()
            .cloned()
            .collect();
        let mut placement = Self { interfaces, segments, host, ..Self::default() };
        for (index, address) in parsed.config.node.decapsulate.iter().copied().enumerate() {
            if !placement.host.contains(&address) {
                misfit(format!("node.decapsulate[{index}]"), host::HostError::NoEnd { address });
            }
        }
        if placement.interfaces.len() == parsed.config.node.interfaces.len() {
            for (key, wanted) in servers(&parsed.config) {
                match placement.find(&wanted, netlink).await {
                    Ok(found) => placement.insert(wanted.address, found),
                    Err(error) => misfit(key, error),
                }
            }
            placement.place_peers(&parsed.config.node.peers, netlink).await;
        }
        let Some(first) = misfits.first().cloned() else { return Ok(placement) };
        let diagnostics = misfits.into_iter().flat_map(|report| report.diagnostics).collect();
        Err(PlacementError::Misfit(Box::new(Report { diagnostics, ..first })))
    }

    /// Finds a real server.
    ///
    /// # Errors
    /// It is behind a router that its services cannot send to, or no route leads to it.
    pub(super) async fn find(
        &self,
        wanted: &Wanted<'_>,
        netlink: &Netlink,
    ) -> Result<Found, host::HostError> {
        let segments = self.all_segments();
        let reach = match host::reach(wanted, &self.host, &segments, None) {
            Ok(reach) => reach,
            // No subnet tells. No route at all is no error here: the message names the subnets.
            Err(_) => {
                let route = netlink.route_to(wanted.address).await.ok();
                host::reach(wanted, &self.host, &segments, route.as_ref())?
            }
        };
        Ok(match reach {
            Reach::Here => Found::Here,
            Reach::There(Way { interface, exit, router }) => {
                let address = router.unwrap_or(wanted.address);
                let key = Key { interface: interface.index, address };
                Found::There(Place { key, exit, source_mac: interface.mac })
            }
        })
    }

    /// Notes where a real server is.
    pub(super) fn insert(&mut self, address: IpAddr, found: Found) {
        match found {
            Found::Here => _ = self.local.insert(address),
            Found::There(place) => _ = self.places.insert(address, place),
        }
    }

    /// True where `address` is a real server that was found.
    pub(super) fn knows(&self, address: &IpAddr) -> bool {
        self.local.contains(address) || self.places.contains_key(address)
    }

    /// The other directors that are on the link: only their own frames bear their MAC addresses.
    async fn place_peers(&mut self, peers: &[IpAddr], netlink: &Netlink) {
        for &address in peers {
            let wanted = Wanted { name: "", address, tunnelled: false };
            if let Ok(Found::There(place)) = self.find(&wanted, netlink).await {
                self.peers.insert(address, place);
            }
        }
    }

    /// The neighbours that `config` needs: those of real servers, and the other directors.
    pub(super) fn neighbours(&self, config: &Config) -> BTreeSet<Key> {
        let pools = config.pools.iter().filter(|pool| config.forwards_to(pool));
        let servers = pools.flat_map(Pool::everyone);
        let places = servers.filter_map(|server| self.places.get(&server.address));
        places.chain(self.peers.values()).map(|place| place.key).collect()
    }

    /// Where frames for a real server go; `None` until its neighbour is resolved.
    pub(super) fn next_hop(&self, place: &Place, neighbours: &Neighbours) -> Option<NextHop> {
        let destination_mac = neighbours.state(place.key).and_then(State::mac)?;
        let Place { key, exit: Exit { interface, vlan }, source_mac } = *place;
        Some(NextHop { interface, vlan, source_mac, destination_mac, mtu: self.mtu(key.interface) })
    }

    /// MAC addresses of the other directors, as far as they are resolved.
    pub(super) fn peer_macs(&self, neighbours: &Neighbours) -> BTreeSet<[u8; 6]> {
        let states = self.peers.values().filter_map(|place| neighbours.state(place.key));
        states.filter_map(State::mac).collect()
    }
}

/// Every real server with its key in the file, sorry servers included.
fn servers(config: &Config) -> impl Iterator<Item = (String, Wanted<'_>)> {
    let pools = config.pools.iter().enumerate().filter(|(_, pool)| config.forwards_to(pool));
    pools.flat_map(|(p, pool)| {
        let tunnelled = config.is_tunnelled(pool);
        let servers = pool.servers.iter().enumerate();
        let servers = servers.map(move |(s, server)| (format!("pool[{p}].servers[{s}]"), server));
        let sorry = pool.sorry.iter().map(move |sorry| (format!("pool[{p}].sorry_server"), sorry));
        servers.chain(sorry).map(move |(key, server)| {
            let (name, address) = (server.name.as_str(), server.address);
            (format!("{key}.address"), Wanted { name, address, tunnelled })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, preflight::network::Vlan};

    fn interface(name: &str, index: u32, mtu: u32, addresses: &[&str]) -> Interface {
        let addresses = addresses.iter().map(|network| network.parse().unwrap()).collect();
        Interface { name: name.to_owned(), index, mtu, up: true, addresses, ..Interface::default() }
    }

    /// A director without an address but in its VLANs.
    fn on_a_stick() -> Placement {
        let vlan = |id, below| Interface {
            vlan: Some(Vlan { id, service: false }),
            parent: Some(2),
            ..below
        };
        let eth0 = interface("eth0", 2, 1_504, &["fe80::1/64", "10.1.0.40/32"]);
        let clients = interface("eth0.100", 7, 1_500, &["10.1.0.1/24"]);
        let servers = interface("eth0.200", 8, 1_400, &["10.2.0.1/24", "fd00:2::1/64"]);
        Placement {
            interfaces: vec![eth0.clone()],
            segments: vec![eth0, vlan(100, clients), vlan(200, servers)],
            ..Placement::default()
        }
    }

    #[test]
    fn vlans_have_addresses_names_and_sizes() {
        let placement = on_a_stick();
        let text = "[node]\nname = \"d\"\ninterface = \"eth0\"\n[[pool]]\nname = \"web\"\n\
                    servers = [{ name = \"web1\", address = \"10.2.0.51\" }]\n[[service]]\nname = \"site\"\n\
                    address = \"10.1.0.40\"\nports = [\"tcp/80\"]\npool = \"web\"\n";
        let config = config::parse("lb.toml", text).unwrap_or_else(|report| panic!("{report}"));
        let own = placement.own(&config.config);
        assert_eq!(own.ipv4, Some([10, 1, 0, 1].into()), "not the VIP");
        assert_eq!(own.ipv6, Some("fd00:2::1".parse().unwrap()), "not a link-local one");
        let behind = |vlan| Some(placement.behind(Exit { interface: 2, vlan })?.name.as_str());
        assert_eq!(
            [0, 100, 200, 300].map(behind),
            [Some("eth0"), Some("eth0.100"), Some("eth0.200"), None]
        );
        assert_eq!([2, 7, 8, 9].map(|index| placement.mtu(index)), [1_504, 1_500, 1_400, 0]);
        assert_eq!(placement.home("10.1.0.40".parse().unwrap()), Some(7));
        assert!(placement.has_vlans());
    }
}
