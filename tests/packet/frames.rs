//! Frames as clients send them.

use std::net::IpAddr;

use etherparse::PacketBuilder;

/// The client's (or its router's) MAC address.
pub(crate) const CLIENT: [u8; 6] = [0x02, 0, 0, 0, 0, 9];

/// What a frame carries besides its addresses and ports.
#[derive(Clone, Copy, Debug)]
pub(crate) enum L4 {
    /// A TCP segment with these flags (FIN 1, SYN 2, RST 4, ACK 16).
    Tcp(u8),
    /// A UDP datagram.
    Udp,
}

/// ACK.
pub(crate) const ACK: L4 = L4::Tcp(0x10);
/// SYN.
pub(crate) const SYN: L4 = L4::Tcp(0x02);

/// A frame from a client to a VIP: no payload, TTL 64.
pub(crate) fn frame(from: (IpAddr, u16), to: (IpAddr, u16), l4: L4) -> Vec<u8> {
    build(from, to, l4, 64, &[])
}

/// The same with a TTL and a payload.
pub(crate) fn build(
    (client, client_port): (IpAddr, u16),
    (vip, port): (IpAddr, u16),
    l4: L4,
    ttl: u8,
    payload: &[u8],
) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(CLIENT, super::plane::DIRECTOR);
    let ip = match (client, vip) {
        (IpAddr::V4(client), IpAddr::V4(vip)) => ethernet.ipv4(client.octets(), vip.octets(), ttl),
        (IpAddr::V6(client), IpAddr::V6(vip)) => ethernet.ipv6(client.octets(), vip.octets(), ttl),
        _ => panic!("addresses of different families"),
    };
    let mut out = Vec::new();
    match l4 {
        L4::Udp => ip.udp(client_port, port).write(&mut out, payload),
        L4::Tcp(flags) => {
            let mut tcp = ip.tcp(client_port, port, 1_000, 8_192);
            tcp = if flags & 0x01 == 0 { tcp } else { tcp.fin() };
            tcp = if flags & 0x02 == 0 { tcp } else { tcp.syn() };
            tcp = if flags & 0x04 == 0 { tcp } else { tcp.rst() };
            tcp = if flags & 0x10 == 0 { tcp } else { tcp.ack(1) };
            tcp.write(&mut out, payload)
        }
    }
    .expect("a Vec takes everything");
    out
}
