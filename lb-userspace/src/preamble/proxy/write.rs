//! Writing headers: for clients of this proxy, and for its checks.

use std::net::{IpAddr, SocketAddr};

use super::{
    ProxiedAddresses, ProxyHeader,
    v2::{PROXY, SIGNATURE, TCP4, TCP6},
};
use crate::model::ProxyVersion;

/// The header of one who speaks for itself, such as a check.
#[must_use]
pub const fn local_header(version: ProxyVersion) -> &'static [u8] {
    match version {
        ProxyVersion::V1 => b"PROXY UNKNOWN\r\n",
        // A signature of 12 bytes, version 2 and `LOCAL`, no family, no addresses.
        ProxyVersion::V2 => b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    }
}

/// Appends a header: at most 107 bytes.
pub fn write_proxy_header(version: ProxyVersion, header: &ProxyHeader, out: &mut Vec<u8>) {
    let ProxyHeader::Proxied(ends) = header else {
        return out.extend_from_slice(local_header(version));
    };
    let ends = Ends::of(ends);
    match version {
        ProxyVersion::V1 => ends.text(out),
        ProxyVersion::V2 => ends.binary(out),
    }
}

/// Both of one family.
struct Ends {
    addresses: [IpAddr; 2],
    ports: [u16; 2],
}

impl Ends {
    /// A header has one family. A listener on `[::]` names clients of IPv4 as mapped addresses: they are IPv4, unless the
    /// other end is not.
    fn of(ends: &ProxiedAddresses) -> Self {
        let ends = [ends.source, ends.destination];
        let plain = ends.map(|end| end.ip().to_canonical());
        let addresses = match plain {
            [IpAddr::V4(_), IpAddr::V4(_)] => plain,
            _ => plain.map(|address| match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
                v6 @ IpAddr::V6(_) => v6,
            }),
        };
        Self { addresses, ports: ends.map(|end| SocketAddr::port(&end)) }
    }

    fn text(&self, out: &mut Vec<u8>) {
        let ([source, destination], [from, to]) = (self.addresses, self.ports);
        let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let line = format!("PROXY {family} {source} {destination} {from} {to}\r\n");
        out.extend_from_slice(line.as_bytes());
    }

    fn binary(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(SIGNATURE);
        let (family, length) = if self.addresses[0].is_ipv4() { (TCP4, 12) } else { (TCP6, 36) };
        out.extend_from_slice(&[PROXY, family, 0, length]);
        for address in self.addresses {
            match address {
                IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
                IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
            }
        }
        for port in self.ports {
            out.extend_from_slice(&port.to_be_bytes());
        }
    }
}
