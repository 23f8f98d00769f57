//! Real servers and VIPs: where they are, and where they must not be.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Facts, Finding, NeighbourRoom, host, network::Interface, refusal, setting::Setting};
use crate::model::{Config, InterfaceName, Pool};

/// Every real server once, with its name.
pub(super) fn servers(config: &Config) -> impl Iterator<Item = (&str, IpAddr)> {
    let mut seen = BTreeSet::new();
    config
        .pools
        .iter()
        .flat_map(Pool::everyone)
        .map(|server| (server.name.as_str(), server.address))
        .filter(move |(_, address)| seen.insert(*address))
}

/// Every VIP once.
pub(super) fn vips_of(config: &Config) -> BTreeSet<IpAddr> {
    config.services.iter().map(|service| service.address).collect()
}

/// Each real server directly behind one of the configured interfaces, as `lb run` places it.
pub(super) fn real_servers(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let usable = |name: &InterfaceName| host::interface(name.as_str(), &facts.interfaces).is_ok();
    if !config.node.interfaces.iter().all(usable) {
        // Where they are depends on what is missing, which is reported.
        return Vec::new();
    }
    let interfaces: Vec<&Interface> = facts.looked_at().collect();
    servers(config)
        .filter_map(|(name, address)| {
            host::on_link(name, address, &interfaces, facts.routes.get(&address)).err()
        })
        .map(|error| refusal::finding(&error))
        .collect()
}

/// Each VIP nowhere else, and possible here.
pub(super) fn vips(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let vips = vips_of(config);
    let checks = [on_loopback, elsewhere, without_ipv6];
    vips.iter().flat_map(|vip| checks.map(|check| check(facts, config, *vip))).flatten().collect()
}

fn on_loopback(facts: &Facts, _: &Config, vip: IpAddr) -> Option<Finding> {
    let lo = facts.interfaces.iter().find(|interface| interface.name == "lo")?;
    let held = lo.addresses.iter().find(|network| network.addr() == vip)?;
    let finding = Finding::warning(vip.to_string())
        .problem("this VIP is on lo, as on a real server")
        .why(
            "a director that is one of its own real servers is not supported: the address stays here when \
             `lb` ends, and then this host itself answers its clients",
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
    let first = config.node.interfaces.first()?;
    let setting = Setting::ipv6(first.as_str(), "disable_ipv6");
    let disabled = facts.settings.get(&setting).is_some_and(|value| *value != 0);
    let finding = || {
        Finding::error(setting.to_string())
            .problem(format!("IPv6 is disabled on {first}, and {vip} is to be added there"))
            .why("nobody would answer for the VIP")
            .remedy(format!("sysctl -w {setting}=0"))
    };
    (disabled && vip.is_ipv6() && config.node.manage_addresses).then(finding)
}

/// Room for every real server in the kernel's neighbour tables.
pub(super) fn neighbour_tables(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    let count = |ipv4| servers(config).filter(|(_, address)| address.is_ipv4() == ipv4).count();
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
              address in the real server's subnet, or configure the interface that has one"
            ]
        );
        let route = RouteTo { interface: 2, gateway: None, source: None, local: false };
        facts.routes.insert("192.0.2.52".parse().unwrap(), route);
        assert_eq!(real_servers(&facts), []);
        configure(&mut facts, |text| text.replace("10.8.8.52", "10.8.8.41"));
        let own = real_servers(&facts);
        assert_eq!(own[0].problem, "real server web2 is this host itself (address of eth0)");
        eth0_mut(&mut facts).name = "eth1".to_owned();
        assert_eq!(real_servers(&facts), [], "the missing interface is what counts");
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
