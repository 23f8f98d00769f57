//! The networks behind interfaces of the configuration: their own, and those of the VLANs on them (IEEE 802.1Q).
//!
//! The kernel has an interface for each of them, with its own addresses and neighbours. Frames leave by the one
//! that carries the program, with the VLAN's tag.

use std::net::IpAddr;

use ipnet::IpNet;

use super::network::{Interface, Vlan};

/// How frames leave for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Index of the interface that they leave by.
    pub interface: u32,
    /// The VLAN of their tag; 0: they bear none.
    pub vlan: u16,
}

/// These interfaces, and behind them every VLAN that stands on one and is up.
#[must_use]
pub fn segments<'a>(configured: &[&'a Interface], existing: &'a [Interface]) -> Vec<&'a Interface> {
    let mut all = configured.to_vec();
    let mut next = 0;
    while let Some(below) = all.get(next).map(|below| below.index) {
        let on_it = |vlan: &&Interface| vlan.vlan.is_some() && vlan.parent == Some(below);
        for vlan in existing.iter().filter(on_it) {
            if vlan.up && !all.iter().any(|known| known.index == vlan.index) {
                all.push(vlan);
            }
        }
        next += 1;
    }
    all
}

/// How frames leave for one of `segments`; `None` where that would take more than one tag of 802.1Q.
#[must_use]
pub fn exit(of: &Interface, segments: &[&Interface]) -> Option<Exit> {
    let below = segments.iter().find(|below| Some(below.index) == of.parent);
    match of.vlan.zip(below) {
        None => Some(Exit { interface: of.index, vlan: 0 }),
        Some((Vlan { id, service: false }, below)) => {
            let Exit { interface, vlan } = exit(below, segments)?;
            (vlan == 0).then_some(Exit { interface, vlan: id })
        }
        Some((Vlan { service: true, .. }, _)) => None,
    }
}

/// The one of `segments` that an address is directly behind: the longest prefix of a subnet decides, and an
/// interface comes before a VLAN.
#[must_use]
pub fn with_subnet<'a>(address: IpAddr, segments: &[&'a Interface]) -> Option<&'a Interface> {
    nearest(segments, |subnet| subnet.contains(&address))
}

/// The one of `segments` that a VIP belongs on: the VLAN that it is in, so that ARP and neighbour discovery are
/// answered there; else the first.
#[must_use]
pub fn home<'a>(vip: IpAddr, segments: &[&'a Interface]) -> Option<&'a Interface> {
    // A VIP that is there already is no subnet.
    let near = nearest(segments, |subnet| subnet.addr() != vip && subnet.contains(&vip));
    let vlan = near.filter(|near| near.vlan.is_some() && exit(near, segments).is_some());
    vlan.or_else(|| segments.first().copied())
}

/// The one with the longest prefix among subnets that fit.
fn nearest<'a>(segments: &[&'a Interface], fits: impl Fn(&IpNet) -> bool) -> Option<&'a Interface> {
    let length = |segment: &Interface| {
        let subnets = segment.addresses.iter().filter(|subnet| fits(subnet));
        subnets.map(IpNet::prefix_len).max()
    };
    let all = segments.iter().filter_map(|&s| Some(((length(s)?, s.vlan.is_none()), s)));
    all.max_by_key(|(rank, _)| *rank).map(|(_, segment)| segment)
}

#[cfg(test)]
mod tests {
    use super::{super::test::interface, *};

    fn vlan(name: &str, index: u32, parent: u32, id: u16, addresses: &[&str]) -> Interface {
        let vlan = Some(Vlan { id, service: false });
        Interface { vlan, parent: Some(parent), ..interface(name, index, addresses) }
    }

    /// A router on a stick.
    fn host() -> Vec<Interface> {
        vec![
            interface("lo", 1, &["127.0.0.1/8"]),
            vlan("eth0.100", 10, 2, 100, &["10.1.0.1/24", "fd00:1::1/64", "10.1.0.9/32"]),
            vlan("eth0.100.7", 12, 10, 7, &["10.7.0.1/24"]),
            vlan("eth0.200", 11, 2, 200, &["10.2.0.1/24"]),
            interface("eth0", 2, &["10.0.0.1/8"]),
            vlan("eth9.300", 20, 9, 300, &["10.3.0.1/24"]),
            Interface { up: false, ..vlan("eth0.400", 21, 2, 400, &["10.4.0.1/24"]) },
        ]
    }

    fn names<'a>(segments: &[&'a Interface]) -> Vec<&'a str> {
        segments.iter().map(|segment| segment.name.as_str()).collect()
    }

    #[test]
    fn vlans_belong_to_what_they_stand_on() {
        let host = host();
        let all = segments(&[&host[4]], &host);
        assert_eq!(names(&all), ["eth0", "eth0.100", "eth0.200", "eth0.100.7"]);
        // What is configured itself is there once.
        let both = segments(&[&host[4], &host[3]], &host);
        assert_eq!(names(&both), ["eth0", "eth0.200", "eth0.100", "eth0.100.7"]);
        // A VLAN that carries the program itself, in generic mode.
        assert_eq!(names(&segments(&[&host[1]], &host)), ["eth0.100", "eth0.100.7"]);
    }

    #[test]
    fn frames_leave_with_one_tag() {
        let host = host();
        let all = segments(&[&host[4]], &host);
        let exits: Vec<_> = all.iter().map(|segment| exit(segment, &all)).collect();
        let by_eth0 = |vlan| Some(Exit { interface: 2, vlan });
        assert_eq!(exits, [by_eth0(0), by_eth0(100), by_eth0(200), None]);
        // On the sub-interface itself, its own tag is not seen.
        let alone = segments(&[&host[1]], &host);
        assert_eq!(exit(&host[1], &alone), Some(Exit { interface: 10, vlan: 0 }));
        assert_eq!(exit(&host[2], &alone), Some(Exit { interface: 10, vlan: 7 }));
        let service = Interface {
            vlan: Some(Vlan { id: 100, service: true }),
            ..vlan("eth0.100", 10, 2, 100, &[])
        };
        assert_eq!(exit(&service, &[&host[4], &service]), None);
    }

    #[test]
    fn a_vip_belongs_into_its_vlan() {
        let host = host();
        let all = segments(&[&host[4]], &host);
        for (vip, expected) in [
            ("10.1.0.40", "eth0.100"),
            ("fd00:1::40", "eth0.100"),
            ("10.2.0.40", "eth0.200"),
            ("10.9.0.40", "eth0"),
            ("192.0.2.40", "eth0"),
            ("fd00:9::40", "eth0"),
            // It is there already.
            ("10.1.0.9", "eth0.100"),
            // Packets for it would bear two tags.
            ("10.7.0.40", "eth0"),
        ] {
            let found = home(vip.parse().unwrap(), &all).map(|home| home.name.as_str());
            assert_eq!(found, Some(expected), "{vip}");
        }
        let mut host = host;
        host[4].addresses.push("10.2.0.40/32".parse().unwrap());
        let all = segments(&[&host[4]], &host);
        let found = home("10.2.0.40".parse().unwrap(), &all).unwrap();
        assert_eq!(found.name, "eth0.200", "an address of its own is no subnet");
        assert_eq!(home("10.2.0.40".parse().unwrap(), &[]), None);
    }
}
