//! What the kernel's own stack does beside XDP: reverse path filter, ARP, connection tracking.

use super::{Facts, Finding, network::Interface, setting::Setting};

/// Kinds of tunnels: what comes out of one goes back another way.
const TUNNELS: [&str; 10] =
    ["ipip", "sit", "gre", "gretap", "ip6tnl", "ip6gre", "vti", "vti6", "wireguard", "xfrm"];

/// A strict filter where packets come in by another way than answers leave by.
pub(super) fn reverse_path(facts: &Facts) -> Vec<Finding> {
    let strict = |interface: &&Interface| facts.in_force(&interface.name, "rp_filter") == Some(1);
    facts
        .entrances()
        .into_iter()
        .filter(strict)
        .filter_map(|interface| {
            let name = &interface.name;
            let way_out = facts.interface(facts.way_out);
            let (problem, why) = match (interface.kind.as_deref(), way_out) {
                (Some(kind), _) if TUNNELS.contains(&kind) => (
                    format!("it is strict (1) on a tunnel ({kind})"),
                    "what comes out of a tunnel is answered by another interface: the kernel drops it"
                        .to_owned(),
                ),
                (_, Some(out)) if facts.config.is_some() && out.index != interface.index => (
                    format!("it is strict (1), and the way to the world leads through {}", out.name),
                    format!(
                        "what lb passes on to this host itself (ping, other ports) is dropped where it comes \
                         in by {name}; what lb forwards is not concerned"
                    ),
                ),
                _ => return None,
            };
            let setting = Setting::ipv4(name, "rp_filter");
            let remedy = format!("sysctl -w {setting}=2");
            Some(Finding::warning(setting.to_string()).problem(problem).why(why).remedy(remedy))
        })
        .collect()
}

/// Two directors on one segment: a VIP must be told of by the one that has it at work.
pub(super) fn arp(facts: &Facts) -> Vec<Finding> {
    let directors = facts.config.as_ref().is_some_and(|config| !config.node.peers.is_empty());
    if !directors {
        return Vec::new();
    }
    let settings = [
        (
            "arp_ignore",
            1,
            "this host answers for a VIP on any interface, whichever interface has it",
        ),
        (
            "arp_announce",
            2,
            "this host asks for neighbours in the name of a VIP, and they note its Ethernet address for it",
        ),
    ];
    let each = |interface: &Interface| {
        settings.map(|(key, wanted, why)| {
            let setting = Setting::ipv4(&interface.name, key);
            let found = facts.in_force(&interface.name, key)?;
            (found < wanted).then(|| {
                Finding::hint(setting.to_string())
                    .problem(format!("it is {found}, and `peers` names another director"))
                    .why(format!("{why}: clients may be drawn to the director that is not at work"))
                    .remedy(format!("sysctl -w {setting}={wanted}"))
            })
        })
    };
    facts.entrances().into_iter().flat_map(each).flatten().collect()
}

/// Rules of the firewall see no packet that XDP forwards.
pub(super) fn conntrack(facts: &Facts) -> Vec<Finding> {
    if !facts.conntrack {
        return Vec::new();
    }
    let why = if facts.router {
        "what lb forwards never meets it; replies that lead through this host belong to no connection it \
         knows, and a rule `ct state invalid drop` drops them"
    } else {
        "what lb forwards never meets it: rules of the firewall do not hold for the VIPs' services"
    };
    vec![Finding::hint("nf_conntrack").problem("connection tracking is loaded").why(why).remedy(
        "filter on the real servers; exempt the VIPs here (`notrack` in nftables' raw chains)",
    )]
}

#[cfg(test)]
mod tests {
    use super::super::{
        network::Vlan,
        test::{configure, director, eth0_mut, interface, lines, set},
    };
    use super::*;

    #[test]
    fn a_strict_filter_where_ways_differ() {
        let mut facts = director();
        facts.interfaces.push(interface("eth1", 3, &[]));
        set(&mut facts, "all", "rp_filter", 1);
        for (way_out, findings) in [(None, 0), (Some(2), 0), (Some(3), 1)] {
            facts.way_out = way_out;
            assert_eq!(reverse_path(&facts).len(), findings, "{way_out:?}");
        }
        assert_eq!(
            lines(&reverse_path(&facts)),
            [
                "warning net.ipv4.conf.eth0.rp_filter: it is strict (1), and the way to the world leads \
              through eth1 | sysctl -w net.ipv4.conf.eth0.rp_filter=2"
            ]
        );
        set(&mut facts, "eth0", "rp_filter", 2);
        assert_eq!(reverse_path(&facts), [], "the larger is in force");
    }

    #[test]
    fn a_strict_filter_on_a_tunnel() {
        let mut facts = director();
        set(&mut facts, "eth0", "rp_filter", 1);
        eth0_mut(&mut facts).kind = Some("gretap".to_owned());
        facts.config = None;
        assert_eq!(reverse_path(&facts)[0].problem, "it is strict (1) on a tunnel (gretap)");
    }

    #[test]
    fn arp_between_two_directors() {
        let mut facts = director();
        assert_eq!(arp(&facts), []);
        configure(&mut facts, |text| text.replace("[node]", "[node]\npeers = [\"10.8.8.42\"]"));
        let remedies: Vec<_> = arp(&facts).into_iter().map(|finding| finding.remedy).collect();
        assert_eq!(
            remedies,
            [
                "sysctl -w net.ipv4.conf.eth0.arp_ignore=1",
                "sysctl -w net.ipv4.conf.eth0.arp_announce=2"
            ]
        );
        set(&mut facts, "all", "arp_ignore", 1);
        set(&mut facts, "all", "arp_announce", 2);
        assert_eq!(arp(&facts), []);
    }

    #[test]
    fn the_vlan_that_a_vip_is_in() {
        let mut facts = director();
        let vlan = Some(Vlan { id: 100, service: false });
        let on_eth0 = |name: &str, index, addresses: &[&str]| Interface {
            vlan,
            parent: Some(2),
            ..interface(name, index, addresses)
        };
        facts.interfaces.push(on_eth0("eth0.100", 7, &["10.1.0.1/24"]));
        facts.interfaces.push(on_eth0("eth0.200", 8, &["10.2.0.1/24"]));
        configure(&mut facts, |text| {
            text.replace("10.8.8.40", "10.1.0.40")
                .replace("[node]", "[node]\npeers = [\"10.8.8.42\"]")
        });
        for name in ["eth0", "eth0.200"] {
            set(&mut facts, name, "arp_ignore", 1);
            set(&mut facts, name, "arp_announce", 2);
        }
        set(&mut facts, "eth0.100", "arp_announce", 2);
        set(&mut facts, "eth0.100", "rp_filter", 1);
        facts.way_out = Some(2);
        let remedies = |found: Vec<Finding>| -> Vec<String> {
            found.into_iter().map(|finding| finding.remedy).collect()
        };
        assert_eq!(remedies(arp(&facts)), ["sysctl -w net.ipv4.conf.eth0/100.arp_ignore=1"]);
        let filter = ["sysctl -w net.ipv4.conf.eth0/100.rp_filter=2"];
        assert_eq!(remedies(reverse_path(&facts)), filter);
    }

    #[test]
    fn connection_tracking() {
        assert_eq!(conntrack(&director()), []);
        let host = conntrack(&Facts { conntrack: true, ..director() });
        let router = conntrack(&Facts { conntrack: true, router: true, ..director() });
        assert_ne!(host[0].why, router[0].why);
    }
}
