//! Real servers and VIPs: where they are, and where they must not be.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Facts, Finding, NeighbourRoom,
    host::{self, HostError},
    reach::{Wanted, own_addresses, reach},
    refusal,
    segment::home,
    setting::Setting,
};
use crate::model::{Config, InterfaceName};

/// Every real server once, in the order of addresses.
pub(super) fn servers(config: &Config) -> impl Iterator<Item = Wanted<'_>> {
    let mut servers: BTreeMap<IpAddr, Wanted<'_>> = BTreeMap::new();
    for pool in &config.pools {
        let tunnelled = config.is_tunnelled(pool);
        for server in pool.everyone() {
            let (name, address) = (server.name.as_str(), server.address);
            let known = servers.entry(address).or_insert(Wanted { name, address, tunnelled });
            // One service that uses direct routing is enough.
            known.tunnelled &= tunnelled;
        }
    }
    servers.into_values()
}

/// Every VIP once.
pub(super) fn vips_of(config: &Config) -> BTreeSet<IpAddr> {
    config.services.iter().map(|service| service.address).collect()
}

/// Each real server where its services can reach it, as `lb run` places it.
pub(super) fn real_servers(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let usable = |name: &InterfaceName| host::interface(name.as_str(), &facts.interfaces).is_ok();
    if !config.node.interfaces.iter().all(usable) {
        // Where they are depends on what is missing, which is reported.
        return Vec::new();
    }
    let segments = facts.segments();
    let own = own_addresses(&facts.interfaces);
    servers(config)
        .filter_map(|server| {
            reach(&server, &own, &segments, facts.routes.get(&server.address)).err()
        })
        .map(|error| refusal::finding(&error))
        .collect()
}

/// Tunnels that end here end at addresses of this host.
pub(super) fn ends(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let own = own_addresses(&facts.interfaces);
    let missing = config.node.decapsulate.iter().filter(|address| !own.contains(address));
    missing.map(|&address| refusal::finding(&HostError::NoEnd { address })).collect()
}

/// Each VIP nowhere else, and possible here.
pub(super) fn vips(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let vips = vips_of(config);
    let checks = [on_loopback, elsewhere, without_ipv6];
    vips.iter().flat_map(|vip| checks.map(|check| check(facts, config, *vip))).flatten().collect()
}

fn on_loopback(facts: &Facts, config: &Config, vip: IpAddr) -> Option<Finding> {
    let own = own_addresses(&facts.interfaces);
    let served_here = config.pools.iter().any(|pool| {
        config.services_of(pool).any(|service| service.address == vip)
            && pool.everyone().any(|server| own.contains(&server.address))
    });
    if served_here {
        return None;
    }
    let lo = facts.interfaces.iter().find(|interface| interface.name == "lo")?;
    let held = lo.addresses.iter().find(|network| network.addr() == vip)?;
    let finding = Finding::warning(vip.to_string())
        .problem("this VIP is on lo, as on a real server")
        .why(
            "the address stays here when `lb` ends, and then this host, which is no real server of it, \
             answers its clients",
        )
        .remedy(format!("ip address del {held} dev lo"));
    Some(finding)
}

fn elsewhere(facts: &Facts, _: &Config, vip: IpAddr) -> Option<Finding> {
    let found = facts.elsewhere.iter().find(|found| found.vip == vip)?;
    let [a, b, c, d, e, f] = found.mac;
    let finding = Finding::warning(vip.to_string())
        .problem(format!(
            "another host, {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}, has this VIP on {}",
            found.interface
        ))
        .why(
            "two hosts that answer for one address take each other's connections: a real server must keep \
             quiet about its VIPs, and of two directors one may have them",
        )
        .remedy(format!(
            "on a real server: `lb real-server setup --vip {vip}`; on the other director: stop it, or give \
             the VIPs to one of them (`manage_addresses = false` here)"
        ));
    Some(finding)
}

fn without_ipv6(facts: &Facts, config: &Config, vip: IpAddr) -> Option<Finding> {
    let home = &home(vip, &facts.segments())?.name;
    let setting = Setting::ipv6(home, "disable_ipv6");
    let disabled = facts.settings.get(&setting).is_some_and(|value| *value != 0);
    let finding = || {
        Finding::error(setting.to_string())
            .problem(format!("IPv6 is disabled on {home}, and {vip} is to be added there"))
            .why("nobody would answer for the VIP")
            .remedy(format!("sysctl -w {setting}=0"))
    };
    (disabled && vip.is_ipv6() && config.node.manage_addresses).then(finding)
}

/// Room for every real server in the kernel's neighbour tables.
pub(super) fn neighbour_tables(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let count = |ipv4| servers(config).filter(|s| s.address.is_ipv4() == ipv4).count();
    let tables = [
        ("ipv4", facts.ipv4_neighbours, count(true)),
        ("ipv6", facts.ipv6_neighbours, count(false)),
    ];
    tables
        .into_iter()
        .filter_map(|(family, room, servers)| {
            let NeighbourRoom { used, limit } = room?;
            let servers = u32::try_from(servers).unwrap_or(u32::MAX);
            let needed = used.saturating_add(servers);
            let setting = format!("net.{family}.neigh.default.gc_thresh3");
            (servers > 0 && needed > limit).then(|| {
                Finding::warning(&setting)
                    .problem(format!(
                        "it is {limit}: too small for {servers} real servers beside {used} other neighbours"
                    ))
                    .why("the kernel forgets neighbours: real servers without one get no packets")
                    .remedy(format!("sysctl -w {setting}={}", needed.next_power_of_two()))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Elsewhere, Severity,
        network::RouteTo,
        test::{configure, director, eth0_mut, interface, lines},
    };
    use super::*;

    #[test]
    fn real_servers_out_of_reach() {
        let mut facts = director();
        assert_eq!(real_servers(&facts), []);
        configure(&mut facts, |text| text.replace("10.8.8.52", "192.0.2.52"));
        assert_eq!(
            lines(&real_servers(&facts)),
            [
                "error 192.0.2.52: real server web2 is in no subnet of eth0 (10.8.8.0/24) | give this host an \
              address in the real server's subnet, or its services `mode = \"tunnel\"`"
            ]
        );
        let route = RouteTo { interface: 2, gateway: None, source: None, local: false };
        facts.routes.insert("192.0.2.52".parse().unwrap(), route);
        assert_eq!(real_servers(&facts), []);
        configure(&mut facts, |text| text.replace("10.8.8.52", "10.8.8.41"));
        assert_eq!(real_servers(&facts), [], "this host itself");
        configure(&mut facts, |text| text.replace("10.8.8.52", "192.0.2.53"));
        assert_eq!(real_servers(&facts).len(), 1);
        eth0_mut(&mut facts).name = "eth1".to_owned();
        assert_eq!(real_servers(&facts), [], "the missing interface is what counts");
    }

    #[test]
    fn tunnels_need_a_route() {
        let mut facts = director();
        configure(&mut facts, |text| {
            let text = text.replace("10.8.8.52", "192.0.2.52");
            text.replace("pool = \"web\"", "pool = \"web\"\nmode = \"tunnel\"")
        });
        assert_eq!(
            lines(&real_servers(&facts)),
            ["error 192.0.2.52: no route to real server web2 leads through eth0 (10.8.8.0/24) | \
                 ip route add 192.0.2.52 via ROUTER"]
        );
        let gateway = Some("10.8.8.1".parse().unwrap());
        let route = RouteTo { interface: 2, gateway, source: None, local: false };
        facts.routes.insert("192.0.2.52".parse().unwrap(), route);
        assert_eq!(real_servers(&facts), []);
    }

    #[test]
    fn tunnels_end_at_this_host() {
        let mut facts = director();
        let ending_at = |text: String, at: &str| {
            let keys =
                format!("[node]\ndecapsulate = [\"{at}\"]\ndecapsulate_from = [\"10.8.8.0/24\"]\n");
            text.replace("[node]\n", &keys)
        };
        configure(&mut facts, |text| ending_at(text, "10.8.8.41"));
        assert_eq!(ends(&facts), []);
        configure(&mut facts, |text| ending_at(text, "10.8.8.42"));
        assert_eq!(
            lines(&ends(&facts)),
            ["error node.decapsulate: 10.8.8.42 is no address of this host | \
                 write an address that this host has"]
        );
    }

    #[test]
    fn vips_in_the_wrong_place() {
        let mut facts = director();
        facts.interfaces[0] = interface("lo", 1, &["127.0.0.1/8", "10.8.8.40/32"]);
        facts.elsewhere.push(Elsewhere {
            vip: "10.8.8.40".parse().unwrap(),
            mac: [2, 0, 0, 0, 0, 9],
            interface: "eth0".to_owned(),
        });
        let found = vips(&facts);
        assert_eq!(found[0].remedy, "ip address del 10.8.8.40/32 dev lo");
        assert_eq!(found[1].problem, "another host, 02:00:00:00:00:09, has this VIP on eth0");
        assert_eq!(found.len(), 2);
        configure(&mut facts, |text| text.replace("10.8.8.52", "10.8.8.41"));
        assert_eq!(vips(&facts).len(), 1, "this host is a real server of the VIP");
    }

    #[test]
    fn an_ipv6_vip_needs_ipv6() {
        let mut facts = director();
        facts.settings.insert(Setting::ipv6("eth0", "disable_ipv6"), 1);
        assert_eq!(vips(&facts), []);
        let ipv6 = |text: String| {
            text.replace("10.8.8.40", "fd00::40")
                .replace("10.8.8.51", "fd00::51")
                .replace("10.8.8.52", "fd00::52")
        };
        configure(&mut facts, ipv6);
        assert_eq!(
            lines(&vips(&facts)),
            [
                "error net.ipv6.conf.eth0.disable_ipv6: IPv6 is disabled on eth0, and fd00::40 is to be added \
              there | sysctl -w net.ipv6.conf.eth0.disable_ipv6=0"
            ]
        );
    }

    #[test]
    fn room_for_neighbours() {
        for (used, limit, remedy) in [
            (1022, 1024, None),
            (1023, 1024, Some("sysctl -w net.ipv4.neigh.default.gc_thresh3=2048")),
        ] {
            let mut facts = director();
            facts.ipv4_neighbours = Some(NeighbourRoom { used, limit });
            facts.ipv6_neighbours = Some(NeighbourRoom { used: 9, limit: 1 });
            let found = neighbour_tables(&facts);
            assert_eq!(found.first().map(|finding| finding.remedy.as_str()), remedy);
            assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
        }
    }
}
