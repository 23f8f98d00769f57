//! An advertisement as an Ethernet frame, for a sender that is not the host's own MAC address.
//!
//! "The IPvX multicast destination's Ethernet address; the virtual router MAC address as the source" (RFC 9568,
//! sections 5.1 and 7.3).

use std::net::IpAddr;

use super::{HOPS, Outgoing, PROTOCOL, TRAFFIC_CLASS};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

impl Outgoing {
    /// The frame from this MAC address, with `source` in the header that IPv6 packets still lack. `None` for unicast,
    /// whose receiver's MAC address is the kernel's business.
    #[must_use]
    pub fn frame(&self, mac: [u8; 6], source: IpAddr) -> Option<Vec<u8>> {
        let (group, kind, header) = match (self.destination, source) {
            // RFC 1112, section 6.4: the lower 23 bits.
            (IpAddr::V4(group), _) if group.is_multicast() => {
                let [_, high, middle, low] = group.octets();
                ([1, 0, 0x5e, high & 0x7f, middle, low], IPV4, Vec::new())
            }
            // RFC 2464, section 7: the lower 32 bits.
            (IpAddr::V6(group), IpAddr::V6(source)) if group.is_multicast() => {
                let [.., a, b, c, d] = group.octets();
                let [high, low] = u16::try_from(self.bytes.len()).ok()?.to_be_bytes();
                let class = [0x60 | TRAFFIC_CLASS >> 4, TRAFFIC_CLASS << 4];
                let start = [class[0], class[1], 0, 0, high, low, PROTOCOL, HOPS];
                let header = [&start[..], &source.octets(), &group.octets()].concat();
                ([0x33, 0x33, a, b, c, d], IPV6, header)
            }
            (IpAddr::V4(_) | IpAddr::V6(_), _) => return None,
        };
        Some([&group[..], &mac, &kind.to_be_bytes(), &header, &self.bytes].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GROUP_V4, GROUP_V6};
    use super::*;

    const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];

    #[test]
    fn ipv4() {
        let packet = Outgoing { destination: GROUP_V4.into(), bytes: vec![0x45, 0xc0] };
        let frame = packet.frame(MAC, [10, 8, 8, 41].into()).unwrap();
        let head = [1, 0, 0x5e, 0, 0, 18, 0, 0, 0x5e, 0, 1, 51, 8, 0];
        assert_eq!(frame, [&head[..], &[0x45, 0xc0]].concat());
    }

    #[test]
    fn ipv6() {
        let packet = Outgoing { destination: GROUP_V6.into(), bytes: vec![0x31, 51, 7] };
        let source: std::net::Ipv6Addr = "fe80::41".parse().unwrap();
        let frame = packet.frame(MAC, source.into()).unwrap();
        let ethernet = [0x33, 0x33, 0, 0, 0, 0x12, 0, 0, 0x5e, 0, 1, 51, 0x86, 0xdd];
        let ip = [0x6c, 0, 0, 0, 0, 3, 112, 255];
        let addresses = [source.octets(), GROUP_V6.octets()].concat();
        assert_eq!(frame, [&ethernet[..], &ip, &addresses, &[0x31, 51, 7]].concat());
        assert_eq!(packet.frame(MAC, [10, 8, 8, 41].into()), None);
    }

    #[test]
    fn unicast_has_none() {
        let packet = Outgoing { destination: [10, 8, 8, 42].into(), bytes: vec![0x45] };
        assert_eq!(packet.frame(MAC, [10, 8, 8, 41].into()), None);
    }
}
