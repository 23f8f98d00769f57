//! ICMP errors as routers and hosts on a client's side send them, with the packet that they quote.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    craft,
    family::Family,
    frames::{CLIENT, L4, build},
    plane,
};

/// An address and a port.
pub(crate) type Socket = (IpAddr, u16);

/// The most usual one: what path MTU discovery lives on.
pub(crate) const fn too_big(family: Family) -> (u8, u8) {
    match family {
        Family::V4 => (3, 4),
        Family::V6 => (2, 0),
    }
}

/// What the real server sent: a packet from the VIP to the client, from its IP header on.
pub(crate) fn answer(vip: Socket, client: Socket, l4: L4) -> Vec<u8> {
    build(vip, client, l4, 60, &[0x77; 40])[14..].to_vec()
}

/// An error of a router on the way, to `to`, that quotes the beginning of a packet.
pub(crate) fn error(family: Family, to: IpAddr, (kind, code): (u8, u8), quote: &[u8]) -> Vec<u8> {
    let message = [&[kind, code, 0xbe, 0xef, 0, 0, 0x05, 0x00], quote].concat();
    let length = u16::try_from(message.len()).expect("a length");
    let ethernet = [&plane::DIRECTOR[..], &CLIENT].concat();
    let mut frame = match to {
        IpAddr::V4(to) => {
            let [high, low] = (20 + length).to_be_bytes();
            let head = [0x08, 0, 0x45, 0, high, low, 0, 1, 0, 0, 64, 1, 0, 0];
            let router = Ipv4Addr::new(203, 0, 113, 1).octets();
            [&ethernet[..], &head, &router, &to.octets(), &message].concat()
        }
        IpAddr::V6(to) => {
            let [high, low] = length.to_be_bytes();
            let head = [0x86, 0xdd, 0x60, 0, 0, 0, high, low, 58, 64];
            let router = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1).octets();
            [&ethernet[..], &head, &router, &to.octets(), &message].concat()
        }
    };
    assert_eq!(to.is_ipv4(), family == Family::V4);
    craft::fix_checksum(&mut frame);
    frame
}
