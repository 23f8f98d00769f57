//! What an operator should know about where everything is: it works, but not as it could.

use std::net::IpAddr;

use super::{neighbour::Key, placement::Placement};
use crate::model::{Config, Mode, Pool};

/// All of it, one sentence each. `resolved` tells of a neighbour whether its address is known.
pub(super) fn advice(
    config: &Config,
    placement: &Placement,
    resolved: impl Fn(Key) -> bool,
) -> Vec<String> {
    let peers = config.node.peers.iter().filter_map(|peer| unguarded(*peer, placement, &resolved));
    let pools = config.pools.iter();
    peers
        .chain(pools.clone().flat_map(|pool| deaf(config, pool, placement)))
        .chain(pools.filter_map(|pool| needless(config, pool, placement)))
        .collect()
}

/// Another director whose packets would be balanced again.
fn unguarded(
    peer: IpAddr,
    placement: &Placement,
    resolved: impl Fn(Key) -> bool,
) -> Option<String> {
    if placement.host.contains(&peer) {
        return None;
    }
    let why = match placement.peers.get(&peer) {
        None => "is in none of this host's own networks",
        Some(place) if resolved(place.key) => return None,
        Some(_) if peer.is_ipv4() => "does not answer ARP",
        Some(_) => "does not answer neighbour discovery",
    };
    Some(format!("the other director {peer} {why}: the loop guard is off for it"))
}

/// A real server that is this host, without the VIP.
fn deaf(config: &Config, pool: &Pool, placement: &Placement) -> Vec<String> {
    let local = pool.everyone().find(|server| placement.local.contains(&server.address));
    let (Some(server), false) = (local, config.node.manage_addresses) else { return Vec::new() };
    let missing = |vip: &IpAddr| !placement.host.contains(vip);
    config
        .services_of(pool)
        .filter(|service| missing(&service.address))
        .map(|service| {
            format!(
                "service {}: real server {} is this host, which does not have {}: its connections get no \
                 answer; add the VIP, or set `manage_addresses = true`",
                service.name, server.name, service.address
            )
        })
        .collect()
}

/// Tunnels where direct routing would do.
fn needless(config: &Config, pool: &Pool, placement: &Placement) -> Option<String> {
    let on_link = |address: &IpAddr| {
        placement.local.contains(address)
            || placement.places.get(address).is_some_and(|place| place.key.address == *address)
    };
    let service = config.services_of(pool).find(|service| service.mode == Mode::Tunnel)?;
    let same_family = |address: &IpAddr| address.is_ipv4() == service.address.is_ipv4();
    let near = |address: &IpAddr| on_link(address) && same_family(address);
    pool.everyone().all(|server| near(&server.address)).then(|| {
        format!(
            "service {}: every real server of pool {} is in this host's own network: \
             `mode = \"direct-routing\"` would do, without an outer header",
            service.name, pool.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::placement::Place, *};
    use crate::{config, preflight::segment::Exit};

    const HERE: &str = "10.8.8.41";

    fn host(node: &str, service: &str) -> (Config, Placement) {
        let text = format!(
            "[node]\nname = \"director1\"\ninterface = \"eth0\"\n{node}\n\
             [[pool]]\nname = \"web\"\nservers = [\n\
             {{ name = \"web1\", address = \"{HERE}\" }},\n\
             {{ name = \"web2\", address = \"10.8.8.52\" }},\n]\n\
             [[service]]\nname = \"site\"\naddress = \"10.8.8.40\"\nports = [\"tcp/80\"]\n\
             pool = \"web\"\n{service}\n"
        );
        let parsed = config::parse("lb.toml", &text).unwrap_or_else(|report| panic!("{report}"));
        let here: IpAddr = HERE.parse().unwrap();
        let placement = Placement {
            local: [here].into(),
            places: [place("10.8.8.52", "10.8.8.52")].into(),
            host: [here].into(),
            ..Placement::default()
        };
        (parsed.config, placement)
    }

    fn place(address: &str, neighbour: &str) -> (IpAddr, Place) {
        let key = Key { interface: 2, address: neighbour.parse().unwrap() };
        let exit = Exit { interface: 2, vlan: 0 };
        (address.parse().unwrap(), Place { key, exit, source_mac: [2, 0, 0, 0, 0, 1] })
    }

    #[test]
    fn nothing_to_say() {
        let (config, placement) = host("", "");
        assert_eq!(advice(&config, &placement, |_| true), [""; 0]);
    }

    #[test]
    fn other_directors() {
        let (config, mut placement) =
            host("peers = [\"10.8.8.41\", \"10.8.8.42\", \"192.0.2.9\"]", "");
        placement.peers.extend([place("10.8.8.42", "10.8.8.42")]);
        let far = "the other director 192.0.2.9 is in none of this host's own networks: \
             the loop guard is off for it";
        assert_eq!(advice(&config, &placement, |_| true), [far]);
        let silent =
            "the other director 10.8.8.42 does not answer ARP: the loop guard is off for it";
        assert_eq!(advice(&config, &placement, |_| false), [silent, far]);
    }

    #[test]
    fn this_host_without_its_vip() {
        let (config, mut placement) = host("manage_addresses = false", "");
        let words = advice(&config, &placement, |_| true);
        assert_eq!(words.len(), 1);
        assert!(words[0].contains("real server web1 is this host, which does not have 10.8.8.40"));
        placement.host.insert("10.8.8.40".parse().unwrap());
        assert_eq!(advice(&config, &placement, |_| true), [""; 0]);
    }

    #[test]
    fn tunnels_into_the_own_network() {
        let (config, mut placement) = host("", "mode = \"tunnel\"");
        let words = advice(&config, &placement, |_| true);
        assert_eq!(words.len(), 1);
        assert!(words[0].contains("`mode = \"direct-routing\"` would do"), "{words:?}");
        placement.places.extend([place("10.8.8.52", "10.8.8.1")]);
        assert_eq!(advice(&config, &placement, |_| true), [""; 0]);
    }
}
