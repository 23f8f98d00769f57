//! Frames that say who has an address, or ask for that: ARP, neighbour discovery, VRRP.

use std::net::IpAddr;

use crate::family::Family;

/// The MAC address of the other director.
pub(crate) const RIVAL: [u8; 6] = [0x02, 0, 0, 0, 0, 2];
const ASKER: [u8; 6] = [0x02, 0, 0, 0, 0, 3];
const BROADCAST: [u8; 6] = [0xff; 6];

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

fn ipv4(ttl: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(20 + payload.len()).expect("short");
    let head =
        [0x45, 0xc0, 0, length, 0, 0, 0, 0, ttl, protocol, 0, 0, 10, 8, 8, 42, 224, 0, 0, 18];
    ethernet([1, 0, 0x5e, 0, 0, 18], RIVAL, 0x0800, &[&head, payload].concat())
}

pub(crate) fn ipv6(from: [u8; 6], hops: u8, next: u8, source: IpAddr, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    let group: IpAddr = "ff02::1".parse().expect("an address");
    let head = [0x60, 0, 0, 0, 0, length, next, hops];
    let packet = [&head[..], &bytes(source), &bytes(group), payload].concat();
    ethernet([0x33, 0x33, 0, 0, 0, 1], from, 0x86dd, &packet)
}

pub(crate) fn arp(operation: u8, from: [u8; 6], sender: IpAddr, target: IpAddr) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, operation];
    let who = [&head[..], &from, &bytes(sender), &[0; 6], &bytes(target)].concat();
    ethernet(BROADCAST, from, 0x0806, &who)
}

/// ICMPv6 of neighbour discovery, with the option that bears the sender's MAC address.
pub(crate) fn neighbour(
    from: [u8; 6],
    source: IpAddr,
    kind: u8,
    flags: u8,
    target: IpAddr,
) -> Vec<u8> {
    let head = [kind, 0, 0x12, 0x34, flags, 0, 0, 0];
    let message = [&head[..], &bytes(target), &[2, 1], &from].concat();
    ipv6(from, 255, 58, source, &message)
}

/// An advertisement of VRRP version 2 or 3.
pub(crate) fn vrrp(version: u8, router: u8, priority: u8, hops: u8, vip: IpAddr) -> Vec<u8> {
    let head = [version << 4 | 1, router, priority, 1, 0, 100, 0x12, 0x34];
    let message = [&head[..], &bytes(vip), &[0; 8]].concat();
    match vip {
        IpAddr::V4(_) => ipv4(hops, 112, &message),
        IpAddr::V6(_) => ipv6(RIVAL, hops, 112, "fe80::42".parse().expect("an address"), &message),
    }
}

/// Asks who has a VIP.
pub(crate) fn question(family: Family, vip: IpAddr) -> Vec<u8> {
    let asker = family.client(1).0;
    match family {
        Family::V4 => arp(1, ASKER, asker, vip),
        Family::V6 => neighbour(ASKER, asker, 135, 0, vip),
    }
}

/// Says to everybody that a VIP is behind this MAC address.
pub(crate) fn announcement(from: [u8; 6], vip: IpAddr) -> Vec<u8> {
    match vip {
        IpAddr::V4(_) => arp(1, from, vip, vip),
        IpAddr::V6(_) => neighbour(from, vip, 136, 0xa0, vip),
    }
}
