//! Replies of real servers whose default gateway is this very director.
//!
//! They carry a VIP as their source. The kernel takes a packet from outside with a source address of its own
//! for forged, and drops it, unless `accept_local` is set on the interface it
//! comes in by. (IPv6 has no such check.)

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    Facts, Finding, addresses,
    reach::{Reach, Way, own_addresses, reach},
    segment::home,
    setting::Setting,
};
use crate::model::Config;

const ACCEPT_LOCAL: &str = "accept_local";
const RP_FILTER: &str = "rp_filter";

/// A router whose own addresses are VIPs refuses the replies that it is to forward.
pub(super) fn accept_local(facts: &Facts) -> Vec<Finding> {
    let Some(config) = &facts.config else { return Vec::new() };
    if !facts.router || !has_local_vip(facts, config) {
        return Vec::new();
    }
    let homes = homes(facts, config);
    let mut findings = Vec::new();
    for name in behind(facts, config) {
        let in_force = |key| facts.in_force(name, key);
        if in_force(ACCEPT_LOCAL) == Some(0) {
            findings.push(refused(name));
        }
        // The VIP is on another interface: a strict filter finds that the reply came in by a wrong one.
        if in_force(RP_FILTER) == Some(1) && homes != [name].into() {
            findings.push(filtered(name));
        }
    }
    findings
}

/// Is, or will, an IPv4 VIP be an address of this host?
fn has_local_vip(facts: &Facts, config: &Config) -> bool {
    let held = |vip| {
        facts
            .interfaces
            .iter()
            .flat_map(|held| &held.addresses)
            .any(|network| network.addr() == vip)
    };
    addresses::vips_of(config)
        .into_iter()
        .any(|vip| vip.is_ipv4() && (config.node.manage_addresses || held(vip)))
}

/// The interfaces that IPv4 VIPs are on, or will be.
fn homes<'a>(facts: &'a Facts, config: &Config) -> BTreeSet<&'a str> {
    let segments = facts.segments();
    let vips = addresses::vips_of(config).into_iter().filter(IpAddr::is_ipv4);
    vips.filter_map(|vip| Some(home(vip, &segments)?.name.as_str())).collect()
}

/// The interfaces behind which IPv4 real servers are.
fn behind<'a>(facts: &'a Facts, config: &Config) -> BTreeSet<&'a str> {
    let segments = facts.segments();
    let own = own_addresses(&facts.interfaces);
    addresses::servers(config)
        .filter(|server| server.address.is_ipv4())
        .filter_map(|server| {
            let route = facts.routes.get(&server.address);
            match reach(&server, &own, &segments, route).ok()? {
                Reach::There(Way { interface, router: None, .. }) => Some(interface.name.as_str()),
                Reach::Here | Reach::There(_) => None,
            }
        })
        .collect()
}

fn refused(name: &str) -> Finding {
    let setting = Setting::ipv4(name, ACCEPT_LOCAL);
    Finding::warning(setting.to_string())
        .problem(format!("it is 0, while this host is a router with real servers behind {name}"))
        .why(
            "where their way to the clients leads through this host, the kernel drops their replies: the \
             source is a VIP, which is this host's own address",
        )
        .remedy(format!("sysctl -w {setting}=1"))
}

fn filtered(name: &str) -> Finding {
    let setting = Setting::ipv4(name, RP_FILTER);
    Finding::warning(setting.to_string())
        .problem(format!("it is strict (1), and the VIPs are on another interface than {name}"))
        .why("replies of the real servers that lead through this host would be dropped")
        .remedy(format!("sysctl -w {setting}=2"))
}

#[cfg(test)]
mod tests {
    use super::super::test::{configure, director, interface, lines, set};
    use super::*;

    fn router() -> Facts {
        Facts { router: true, ..director() }
    }

    #[test]
    fn replies_through_the_director() {
        assert_eq!(
            lines(&accept_local(&router())),
            [
                "warning net.ipv4.conf.eth0.accept_local: it is 0, while this host is a router with real \
              servers behind eth0 | sysctl -w net.ipv4.conf.eth0.accept_local=1"
            ]
        );
    }

    #[test]
    fn cases_in_which_they_are_accepted() {
        assert_eq!(accept_local(&director()), [], "no router");
        for interface in ["all", "eth0"] {
            let mut facts = router();
            set(&mut facts, interface, ACCEPT_LOCAL, 1);
            assert_eq!(accept_local(&facts), [], "{interface}");
        }
        let mut facts = router();
        configure(&mut facts, |text| text.replace("[node]", "[node]\nmanage_addresses = false"));
        assert_eq!(accept_local(&facts), [], "the VIP is not here");
        facts.interfaces[0].addresses.push("10.8.8.40/32".parse().unwrap());
        assert_eq!(accept_local(&facts).len(), 1, "now it is");
    }

    #[test]
    fn real_servers_behind_another_interface() {
        let mut facts = router();
        facts.interfaces.push(interface("eth1", 3, &["10.9.9.1/24"]));
        configure(&mut facts, |text| {
            text.replace("interface = \"eth0\"", "interfaces = [\"eth0\", \"eth1\"]")
                .replace("10.8.8.5", "10.9.9.5")
        });
        set(&mut facts, "eth1", ACCEPT_LOCAL, 1);
        assert_eq!(accept_local(&facts), []);
        set(&mut facts, "all", RP_FILTER, 1);
        assert_eq!(
            lines(&accept_local(&facts)),
            [
                "warning net.ipv4.conf.eth1.rp_filter: it is strict (1), and the VIPs are on another interface \
              than eth1 | sysctl -w net.ipv4.conf.eth1.rp_filter=2"
            ]
        );
    }
}
