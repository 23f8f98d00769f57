//! The judgements, on values; the messages, word by word.

use super::{super::network::Vlan, *};

fn interface_named(name: &str, index: u32, addresses: &[&str]) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        mac: [2, 0, 0, 0, 0, 1],
        mtu: 1500,
        up: true,
        running: true,
        ethernet: true,
        addresses: addresses.iter().map(|network| network.parse().expect("a network")).collect(),
        ..Interface::default()
    }
}

#[test]
fn privilege_is_named_capability_by_capability() {
    let of = |bits: u64| privilege(&format!("Name:\tlb\nCapEff:\t{bits:016x}\n"));
    assert_eq!(of(u64::MAX), Ok(()));
    assert_eq!(of(1 << CAP_BPF | 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW), Ok(()));
    assert_eq!(of(1 << CAP_SYS_ADMIN | 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW), Ok(()));
    let error = of(1 << CAP_NET_ADMIN).expect_err("two are missing");
    assert_eq!(
        error.to_string(),
        "`lb run` lacks CAP_BPF, CAP_NET_RAW: start it as root, or with these capabilities"
    );
}

#[test]
fn old_kernels_are_refused_and_middle_aged_ones_remarked_upon() {
    assert_eq!(kernel("6.1.0-28-cloud-amd64"), Ok(None));
    assert_eq!(kernel("6.18.44-fc-v657"), Ok(None));
    assert!(kernel("5.18.0").expect("enough").is_some_and(|text| text.contains("6.1")));
    assert!(kernel("5.17.15").is_err());
    assert!(kernel("mystery").expect("let through").is_some());
    let error = kernel("5.10.0-33-amd64").expect_err("too old");
    assert_eq!(
        error.to_string(),
        "kernel 5.10.0-33-amd64 is too old: at least 5.18 is needed, 6.1 or newer is supported"
    );
}

#[test]
fn a_folder_on_another_file_system_is_refused_with_the_command() {
    let pins =
        PinPlace { folder: "/proc/no/such/folder".into(), existing: "/proc".into(), bpffs: false };
    let error = pins.check().expect_err("not a bpffs");
    assert_eq!(
        error.to_string(),
        "node.pin_folder /proc/no/such/folder: /proc is not on a BPF file system; \
         run `mount -t bpf bpf /proc/no/such`"
    );
}

#[test]
fn a_missing_interface_is_told_with_the_nearest() {
    let existing = [interface_named("lo", 1, &[]), interface_named("eth0", 2, &[])];
    let error = interface("eht0", &existing).expect_err("misspelt");
    assert_eq!(
        error.to_string(),
        "node.interface: there is no interface \"eht0\" (did you mean \"eth0\"?); \
         this host has lo, eth0"
    );
    let error = interface("wan-uplink", &existing).expect_err("missing");
    assert!(!error.to_string().contains("did you mean"), "{error}");
}

#[test]
fn an_interface_must_be_up_and_carry_ethernet() {
    let down = [Interface { up: false, ..interface_named("eth0", 2, &[]) }];
    assert_eq!(
        interface("eth0", &down).expect_err("down").to_string(),
        "node.interface: eth0 is down; bring it up with `ip link set dev eth0 up`"
    );
    let loopback = [Interface { ethernet: false, ..interface_named("lo", 1, &[]) }];
    assert_eq!(
        interface("lo", &loopback).expect_err("loopback").to_string(),
        "node.interface: lo is the loopback; direct routing needs an Ethernet interface"
    );
}

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
    let eth0 = interface_named("eth0", 2, &["10.8.8.41/24", "10.8.8.40/32", "fe80::1/64"]);
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
    let eth0 = interface_named("eth0", 2, &["10.8.8.41/24"]);
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
    let eth0 = interface_named("eth0", 2, &["10.0.0.1/8"]);
    let eth1 = interface_named("eth1", 3, &["10.8.8.41/24"]);
    let both = [&eth0, &eth1];
    assert_eq!(find("10.8.8.43", false, &both, None), Ok(on_link(&eth1)));
    assert_eq!(find("10.9.9.9", false, &both, None), Ok(on_link(&eth0)));
    assert_eq!(find("192.0.2.9", false, &both, Some(&via(3, None))), Ok(on_link(&eth1)));
    assert!(find("192.0.2.9", false, &both, Some(&via(3, Some("10.0.0.254")))).is_err());
}

fn vlan(name: &str, index: u32, parent: u32, id: u16, addresses: &[&str]) -> Interface {
    let vlan = Some(Vlan { id, service: false });
    Interface { vlan, parent: Some(parent), ..interface_named(name, index, addresses) }
}

#[test]
fn real_servers_in_vlans() {
    let eth0 = interface_named("eth0", 2, &["10.8.8.41/24"]);
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
    let eth0 = interface_named("eth0", 2, &["10.8.8.41/24"]);
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
