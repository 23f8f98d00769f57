//! What is translated and what is not, byte by byte.

use std::{net::IpAddr, vec::Vec};

use super::*;
use crate::{
    abi::Address,
    wire::{ETHERNET, ethertype},
};

const OWN: &str = "10.8.8.41";
const REAL: &str = "10.8.8.43";
const VIP6: &str = "fd00::40";
const OWN6: &str = "fd00::41";

fn bytes(text: &str) -> Vec<u8> {
    match text.parse::<IpAddr>().unwrap() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn halves(text: &str) -> Halves {
    Address::from(text.parse::<IpAddr>().unwrap()).halves()
}

/// Ports 40,000 to 80 and a head of `next`, from and to these addresses, behind IPv4 options or none.
fn packet(
    next: u8,
    from: &str,
    to: &str,
    options: usize,
    fragment: u16,
    ports: [u16; 2],
) -> Vec<u8> {
    let head = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
    let payload = [head, vec![0; 16]].concat();
    let (kind, ip) = if from.contains(':') {
        let ip = [&[0x60, 0, 0, 0, 0, 20, next, 64][..], &bytes(from), &bytes(to)].concat();
        (ethertype::IPV6, ip)
    } else {
        let first = 0x45 + u8::try_from(options).unwrap();
        let place = fragment.to_be_bytes();
        let ip = [first, 0, 0, 60, 0, 0, place[0], place[1], 64, next, 0, 0];
        (ethertype::IPV4, [&ip[..], &bytes(from), &bytes(to), &vec![1; options * 4]].concat())
    };
    [&[2; 12][..], &kind.to_be_bytes(), &ip, &payload].concat()
}

fn tcp(from: &str, to: &str, ports: [u16; 2]) -> Vec<u8> {
    packet(protocol::TCP, from, to, 0, 0, ports)
}

fn key(way: Way, protocol: u8, own: &str, other: &str) -> ThroughKey {
    let port = |port: u16| u16::from_ne_bytes(port.to_be_bytes());
    ThroughKey::new(way, protocol, (halves(own), port(40_000)), (halves(other), port(80)))
}

#[test]
fn both_ways_find_the_other_end() {
    let there = passing(&tcp(OWN, REAL, [40_000, 80])[..], Way::Out).unwrap();
    assert_eq!(there.key, key(Way::Out, protocol::TCP, OWN, REAL));
    assert_eq!((there.v6, there.ip, there.address, there.checksum), (false, 14, 30, 50));
    let back = passing(&tcp("10.8.8.40", OWN, [80, 40_000])[..], Way::In).unwrap();
    assert_eq!(back.key, key(Way::In, protocol::TCP, OWN, "10.8.8.40"));
    assert_eq!(back.address, 26);
}

#[test]
fn headers_of_every_length() {
    let longest = packet(protocol::UDP, OWN, REAL, 10, 0x4000, [40_000, 80]);
    let longest = passing(&longest[..], Way::Out).unwrap();
    assert_eq!(longest.key, key(Way::Out, protocol::UDP, OWN, REAL));
    assert_eq!((longest.address, longest.checksum), (30, 14 + 60 + 6));
    let v6 = passing(&tcp(OWN6, VIP6, [40_000, 80])[..], Way::Out).unwrap();
    assert_eq!(v6.key, key(Way::Out, protocol::TCP, OWN6, VIP6));
    assert_eq!((v6.v6, v6.address, v6.checksum), (true, 14 + 24, 14 + 40 + 16));
    let v6 = passing(&tcp(VIP6, OWN6, [80, 40_000])[..], Way::In).unwrap();
    assert_eq!((v6.key, v6.address), (key(Way::In, protocol::TCP, OWN6, VIP6), 14 + 8));
    let mut tagged = tcp(OWN, REAL, [40_000, 80]);
    tagged.splice(12..12, [0x81, 0, 0, 7]);
    assert_eq!(passing(&tagged[..], Way::Out).unwrap().address, 34);
}

#[test]
fn what_is_no_whole_packet_of_a_check_stays_as_it_is() {
    for (what, frame) in [
        ("a fragment", packet(protocol::TCP, OWN, REAL, 0, 0x2000, [40_000, 80])),
        ("a later one", packet(protocol::TCP, OWN, REAL, 0, 3, [40_000, 80])),
        ("ICMP", packet(protocol::ICMP, OWN, REAL, 0, 0, [40_000, 80])),
        ("a mapped address", tcp("::ffff:10.8.8.41", "::ffff:10.8.8.43", [40_000, 80])),
    ] {
        assert_eq!(passing(&frame[..], Way::Out), None, "{what}");
    }
    let whole = tcp(OWN, REAL, [40_000, 80]);
    for length in 0..ETHERNET + 24 {
        assert_eq!(passing(&whole[..length], Way::Out), None, "{length} bytes");
    }
    let mut short = whole;
    short[14] = 0x44;
    assert_eq!(passing(&short[..], Way::Out), None, "a header too short to be one");
}
