//! What is a claim and what is none, byte by byte.

use std::{net::IpAddr, vec::Vec};

use super::*;
use crate::abi::Address;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const MAC_NUMBER: u64 = 0x0900_0000_0002;

fn halves(text: &str) -> Halves {
    Address::from(text.parse::<IpAddr>().unwrap()).halves()
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[0xff; 6], &MAC[..], &kind.to_be_bytes(), payload].concat()
}

fn arp_of(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, operation];
    ethernet(ethertype::ARP, &[&head[..], &MAC, &sender, &[0; 6], &target].concat())
}

fn ipv4(ttl: u8, next: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let first = 0x45 + u8::try_from(options.len() / 4).unwrap();
    let length = u8::try_from(20 + options.len() + payload.len()).unwrap();
    let head = [first, 0, 0, length, 0, 0, 0, 0, ttl, next, 0, 0, 10, 8, 8, 41, 224, 0, 0, 18];
    ethernet(ethertype::IPV4, &[&head, options, payload].concat())
}

fn ipv6_of(hops: u8, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let source = Address::from("fe80::41".parse::<IpAddr>().unwrap()).bytes;
    let head = [&[0x60, 0, 0, 0, 0, length, next, hops][..], &source, &[0xff; 16]].concat();
    ethernet(ethertype::IPV6, &[&head[..], payload].concat())
}

fn neighbour(kind: u8, flags: u8, target: &str) -> Vec<u8> {
    let target = Address::from(target.parse::<IpAddr>().unwrap()).bytes;
    [&[kind, 0, 0, 0, flags, 0, 0, 0][..], &target].concat()
}

fn vrrp(kind: u8, priority: u8, count: u8, address: &str) -> Vec<u8> {
    let address = match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    [&[kind, 51, priority, count, 0, 100, 0, 0][..], &address].concat()
}

const MAPPED: &str = "::ffff:10.8.8.40";
const VIP: [u8; 4] = [10, 8, 8, 40];
const HOST: [u8; 4] = [10, 8, 8, 41];

#[test]
fn what_comes_in() {
    let vip = || halves("10.8.8.40");
    let vip6 = || halves("fd00::40");
    let claimed = Heard::claimed(vip(), MAC_NUMBER);
    let advertised = Heard::advertised(vip(), 51, 100);
    let v4 = || vrrp(VRRP3, 100, 1, "10.8.8.40");
    let v6 = vrrp(VRRP3, 100, 2, "fe80::51");
    let mut other_length = arp_of(1, VIP, VIP);
    other_length[18] = 8;
    let mut virtual_mac = arp_of(1, VIP, VIP);
    virtual_mac[22..28].copy_from_slice(&[0, 0, 0x5e, 0, 1, 51]);
    for (name, frame, wanted) in [
        ("an ARP request", arp_of(1, HOST, VIP), Heard::asked(vip())),
        ("a gratuitous request", arp_of(1, VIP, VIP), claimed),
        ("a gratuitous reply", arp_of(2, VIP, VIP), claimed),
        ("a reply", arp_of(2, VIP, HOST), Heard::NOTHING),
        ("a request from a VIP", arp_of(1, VIP, HOST), Heard::asked(halves("10.8.8.41"))),
        ("a probe", arp_of(1, [0; 4], VIP), Heard::asked(vip())),
        ("reverse ARP", arp_of(3, VIP, VIP), Heard::NOTHING),
        ("ARP of other lengths", other_length, Heard::NOTHING),
        ("a virtual router's MAC", virtual_mac, Heard::NOTHING),
        ("VRRPv3", ipv4(255, 112, &[], &v4()), advertised),
        ("VRRPv2", ipv4(255, 112, &[], &vrrp(VRRP2, 100, 1, "10.8.8.40")), advertised),
        ("VRRP behind options", ipv4(255, 112, &[1; 8], &v4()), advertised),
        (
            "VRRP with a signature",
            ipv4(255, 51, &[], &[&[112; 24], &v4()[..]].concat()),
            advertised,
        ),
        ("VRRP from afar", ipv4(254, 112, &[], &v4()), Heard::NOTHING),
        (
            "priority 0",
            ipv4(255, 112, &[], &vrrp(VRRP3, 0, 1, "10.8.8.40")),
            Heard::advertised(vip(), 51, 0),
        ),
        ("no address", ipv4(255, 112, &[], &vrrp(VRRP3, 100, 0, "10.8.8.40")), Heard::NOTHING),
        ("another version", ipv4(255, 112, &[], &vrrp(0x41, 100, 1, "10.8.8.40")), Heard::NOTHING),
        ("UDP", ipv4(255, 17, &[], &v4()), Heard::NOTHING),
        ("VRRP over IPv6", ipv6_of(255, 112, &v6), Heard::advertised(halves("fe80::51"), 51, 100)),
        ("VRRP over IPv6 from afar", ipv6_of(254, 112, &v6), Heard::NOTHING),
        ("a solicitation", ipv6_of(255, 58, &neighbour(135, 0, "fd00::40")), Heard::asked(vip6())),
        ("one from afar", ipv6_of(254, 58, &neighbour(135, 0, "fd00::40")), Heard::NOTHING),
        (
            "an unsolicited advertisement",
            ipv6_of(255, 58, &neighbour(136, 0xa0, "fd00::40")),
            Heard::claimed(vip6(), MAC_NUMBER),
        ),
        ("a solicited one", ipv6_of(255, 58, &neighbour(136, 0x60, "fd00::40")), Heard::NOTHING),
        ("an echo request", ipv6_of(255, 58, &neighbour(128, 0, "fd00::40")), Heard::NOTHING),
        ("a mapped address", ipv6_of(255, 58, &neighbour(136, 0, MAPPED)), Heard::NOTHING),
    ] {
        assert_eq!(heard(&frame[..]), wanted, "{name}");
        let mut tagged = frame.clone();
        tagged.splice(12..12, [0x81, 0, 0x20, 7]);
        assert_eq!((heard(&tagged[..]), vlan(&tagged[..])), (wanted, 7), "{name}, tagged");
        assert_eq!(vlan(&frame[..]), 0, "{name}");
        for length in 0..frame.len() {
            assert_eq!(heard(&frame[..length]), Heard::NOTHING, "{name}, cut at {length}");
        }
    }
}

#[test]
fn a_master_that_leaves() {
    let said = |priority| heard(&ipv4(255, 112, &[], &vrrp(VRRP3, priority, 1, "10.8.8.40"))[..]);
    for (priority, what) in [(0, What::Left), (1, What::Advertised), (255, What::Advertised)] {
        let wanted = Heard { what, address: halves("10.8.8.40"), by: 51 };
        assert_eq!(said(priority), wanted, "{priority}");
    }
}

#[test]
fn what_goes_out() {
    for (name, frame, wanted) in [
        ("a gratuitous request", arp_of(1, VIP, VIP), Some("10.8.8.40")),
        ("a reply", arp_of(2, VIP, HOST), Some("10.8.8.40")),
        ("a request from a VIP", arp_of(1, VIP, HOST), Some("10.8.8.40")),
        ("a request for a VIP", arp_of(1, HOST, VIP), Some("10.8.8.41")),
        ("an advertisement", ipv6_of(255, 58, &neighbour(136, 0x60, "fd00::40")), Some("fd00::40")),
        ("a solicitation", ipv6_of(255, 58, &neighbour(135, 0, "fd00::9")), Some("fe80::41")),
        ("an echo request", ipv6_of(255, 58, &neighbour(128, 0, "fd00::40")), None),
        ("TCP", ipv6_of(255, 6, &neighbour(136, 0, "fd00::40")), None),
        ("a mapped address", ipv6_of(255, 58, &neighbour(136, 0, MAPPED)), None),
        ("VRRP", ipv4(255, 112, &[], &vrrp(VRRP3, 100, 1, "10.8.8.40")), None),
    ] {
        assert_eq!(told(&frame[..]), wanted.map(halves), "{name}");
        for length in 0..frame.len() {
            assert_eq!(told(&frame[..length]), None, "{name}, cut at {length}");
        }
    }
}

/// Whatever a virtual router's own MAC address sends tells a switch where that is; but advertisements may.
#[test]
fn what_a_virtual_mac_sends() {
    let from = |mut frame: Vec<u8>, family: u8| {
        frame[6..12].copy_from_slice(&[0, 0, 0x5e, 0, family, 51]);
        told(frame.as_slice())
    };
    let sign4 = halves("fe80::200:5eff:fe00:133");
    let sign6 = halves("fe80::200:5eff:fe00:233");
    assert_eq!(sign_of([0, 0, 0x5e, 0, 1, 51]), sign4);
    assert_eq!(from(arp_of(2, VIP, HOST), 1), Some(sign4));
    assert_eq!(from(ipv4(64, 6, &[], &[0; 20]), 1), Some(sign4));
    assert_eq!(from(ipv6_of(255, 58, &neighbour(136, 0, "fd00::40")), 2), Some(sign6));
    // Multicast listeners' reports go out by themselves.
    assert_eq!(from(ipv6_of(1, 0, &[58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0]), 2), Some(sign6));
    assert_eq!(from(ipv4(255, 112, &[], &vrrp(VRRP3, 100, 1, "10.8.8.40")), 1), None);
    assert_eq!(from(ipv4(255, 51, &[], &[0; 24]), 1), None);
    assert_eq!(from(ipv6_of(255, 112, &vrrp(VRRP3, 100, 1, "fe80::51")), 2), None);
    // Any other sender.
    assert_eq!(from(ipv4(64, 6, &[], &[0; 20]), 3), None);
}
