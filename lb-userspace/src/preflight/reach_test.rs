//! Real servers in all places, and the messages, word by word.

use super::{
    super::{network::Vlan, test::interface},
    *,
};

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn find<'a>(
    at: &str,
    tunnelled: bool,
    interfaces: &[&'a Interface],
    route: Option<&RouteTo>,
) -> Result<Reach<'a>, HostError> {
    let wanted = Wanted { name: "web1", address: address(at), tunnelled };
    let all: Vec<_> = interfaces.iter().map(|interface| (*interface).clone()).collect();
    reach(&wanted, &own_addresses(&all), interfaces, route)
}

fn on_link(interface: &Interface) -> Reach<'_> {
    there(interface, interface.index, 0, None)
}

fn there(interface: &Interface, by: u32, vlan: u16, router: Option<IpAddr>) -> Reach<'_> {
    Reach::There(Way { interface, exit: Exit { interface: by, vlan }, router })
}

fn via(interface: u32, gateway: Option<&str>) -> RouteTo {
    RouteTo { interface, gateway: gateway.map(address), source: None, local: false }
}

#[test]
fn a_server_behind_a_router_needs_a_tunnel() {
    let eth0 = interface("eth0", 2, &["10.8.8.41/24", "10.8.8.40/32", "fe80::1/64"]);
    let routed = via(2, Some("10.8.8.1"));
    assert_eq!(
        find("10.9.9.9", false, &[&eth0], Some(&routed)).expect_err("elsewhere").to_string(),
        "direct routing rewrites the MAC only: real server web1 10.9.9.9 must be in a subnet of \
         eth0 (10.8.8.0/24); behind a router it is reached by services with `mode = \"tunnel\"`"
    );
    let router = address("10.8.8.1");
    assert_eq!(
        find("10.9.9.9", true, &[&eth0], Some(&routed)),
        Ok(there(&eth0, 2, 0, Some(router)))
    );
    assert_eq!(find("10.8.8.43", true, &[&eth0], Some(&routed)), Ok(on_link(&eth0)));
    let no_route = "real server web1 10.9.9.9 is out of reach: no route to it leads through \
         eth0 (10.8.8.0/24); add one with `ip route add 10.9.9.9 via ROUTER`";
    for route in [None, Some(&via(7, Some("10.8.8.1"))), Some(&RouteTo { local: true, ..routed })] {
        let error = find("10.9.9.9", true, &[&eth0], route).expect_err("no way");
        assert_eq!(error.to_string(), no_route);
    }
}

#[test]
fn a_server_may_be_this_host() {
    let eth0 = interface("eth0", 2, &["10.8.8.41/24"]);
    for tunnelled in [false, true] {
        assert_eq!(find("10.8.8.41", tunnelled, &[&eth0], None), Ok(Reach::Here));
    }
    // On an interface that packets do not come in by, and in the subnet of one.
    let own = [address("10.8.8.99")].into();
    let wanted = Wanted { name: "web1", address: address("10.8.8.99"), tunnelled: false };
    assert_eq!(reach(&wanted, &own, &[&eth0], None), Ok(Reach::Here));
}

#[test]
fn the_longest_prefix_or_a_route_without_gateway_decides() {
    let eth0 = interface("eth0", 2, &["10.0.0.1/8"]);
    let eth1 = interface("eth1", 3, &["10.8.8.41/24"]);
    let both = [&eth0, &eth1];
    assert_eq!(find("10.8.8.43", false, &both, None), Ok(on_link(&eth1)));
    assert_eq!(find("10.9.9.9", false, &both, None), Ok(on_link(&eth0)));
    assert_eq!(find("192.0.2.9", false, &both, Some(&via(3, None))), Ok(on_link(&eth1)));
    assert!(find("192.0.2.9", false, &both, Some(&via(3, Some("10.0.0.254")))).is_err());
}

fn vlan(name: &str, index: u32, parent: u32, id: u16, addresses: &[&str]) -> Interface {
    let vlan = Some(Vlan { id, service: false });
    Interface { vlan, parent: Some(parent), ..interface(name, index, addresses) }
}

#[test]
fn real_servers_in_vlans() {
    let eth0 = interface("eth0", 2, &["10.8.8.41/24"]);
    let web = vlan("eth0.200", 7, 2, 200, &["10.9.9.1/24", "fd00:9::1/64"]);
    let idle = vlan("eth0.300", 8, 2, 300, &[]);
    let all = [&eth0, &web, &idle];
    for at in ["10.9.9.51", "fd00:9::51"] {
        for tunnelled in [false, true] {
            assert_eq!(find(at, tunnelled, &all, None), Ok(there(&web, 2, 200, None)), "{at}");
        }
    }
    assert_eq!(find("10.8.8.43", false, &all, None), Ok(on_link(&eth0)));
    // By a route without a router, and, for tunnels, by one with.
    assert_eq!(find("192.0.2.9", false, &all, Some(&via(8, None))), Ok(there(&idle, 2, 300, None)));
    let router = address("10.9.9.254");
    let routed = via(7, Some("10.9.9.254"));
    assert_eq!(find("192.0.2.9", true, &all, Some(&routed)), Ok(there(&web, 2, 200, Some(router))));
    assert_eq!(
        find("192.0.2.9", false, &all, Some(&routed)).expect_err("a router").to_string(),
        "direct routing rewrites the MAC only: real server web1 192.0.2.9 must be in a subnet of eth0 \
         (10.8.8.0/24) or eth0.200 (10.9.9.0/24); behind a router it is reached by services with \
         `mode = \"tunnel\"`"
    );
    // Of the same subnet, the interface itself is as good as before.
    let same = vlan("eth0.400", 9, 2, 400, &["10.8.8.41/24"]);
    assert_eq!(find("10.8.8.43", false, &[&eth0, &same], None), Ok(on_link(&eth0)));
}

#[test]
fn two_tags_are_too_many() {
    let eth0 = interface("eth0", 2, &["10.8.8.41/24"]);
    let outer = vlan("eth0.100", 7, 2, 100, &["10.9.9.1/24"]);
    let inner = vlan("eth0.100.7", 8, 7, 7, &["10.7.7.1/24"]);
    let all = [&eth0, &outer, &inner];
    let error = find("10.7.7.51", false, &all, None).expect_err("two tags");
    assert_eq!(
        error.to_string(),
        "real server web1 10.7.7.51 is behind eth0.100.7, a VLAN within a VLAN (QinQ) or one of 802.1ad: lb \
         sends with one tag of 802.1Q; give this host a plain VLAN in that network"
    );
    let route = via(8, None);
    assert_eq!(
        find("192.0.2.9", true, &all, Some(&route)).expect_err("by a route"),
        HostError::Stacked {
            server: "web1".to_owned(),
            address: address("192.0.2.9"),
            interface: "eth0.100.7".to_owned()
        }
    );
}
