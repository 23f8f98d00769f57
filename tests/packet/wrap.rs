//! Tunnels as a director should build them, put together by another library than its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, UdpHeader};
use lb_userspace::model::{Node, TunnelKind};

use crate::{craft::ip_header, plane::DIRECTOR};

/// The way to a real server.
pub(crate) struct Way<'a> {
    pub(crate) node: &'a Node,
    pub(crate) kind: TunnelKind,
    pub(crate) remote: IpAddr,
}

/// What the flow's hash fills in an outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entropy {
    /// Source address.
    pub(crate) source: IpAddr,
    /// IPv6 alone.
    pub(crate) label: Option<u32>,
    /// Source port, of GUE alone.
    pub(crate) port: Option<u16>,
}

impl Entropy {
    /// Of a frame that is in a tunnel.
    pub(crate) fn of(frame: &[u8]) -> Self {
        let (at, v6) = ip_header(frame);
        let (protocol, end) = if v6 { (frame[at + 6], at + 40) } else { (frame[at + 9], at + 20) };
        let label = [0, frame[at + 1] & 0x0f, frame[at + 2], frame[at + 3]];
        Self {
            source: crate::craft::addresses(frame).0,
            label: v6.then_some(u32::from_be_bytes(label)),
            port: (protocol == 17).then(|| u16::from_be_bytes([frame[end], frame[end + 1]])),
        }
    }
}

impl Way<'_> {
    /// Bytes in front of a packet.
    pub(crate) const fn overhead(&self) -> u16 {
        let ip = if self.remote.is_ipv4() { 20 } else { 40 };
        match self.kind {
            TunnelKind::Ip => ip,
            TunnelKind::Gue { .. } => ip + 8,
        }
    }

    /// The frame that leaves for a real server with this MAC address. What the hash fills is taken from the
    /// frame `out`, as far as it may be filled.
    pub(crate) fn wrapped(&self, frame: &[u8], mac: [u8; 6], out: &[u8]) -> Vec<u8> {
        let (at, v6) = ip_header(frame);
        let packet = &frame[at..];
        let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        let (class, length) =
            if v6 { (packet[0] << 4 | packet[1] >> 4, word(4) + 40) } else { (packet[1], word(2)) };
        let inner = if v6 { IpNumber::IPV6 } else { IpNumber::IPV4 };
        let entropy = Entropy::of(out);
        let mut wrapped = [&mac[..], &DIRECTOR, &frame[12..at - 2]].concat();
        let udp = match self.kind {
            TunnelKind::Ip => None,
            TunnelKind::Gue { port } => {
                let source = entropy.port.expect("UDP") | 0xc000;
                Some(UdpHeader {
                    source_port: source,
                    destination_port: port,
                    length: length + 8,
                    checksum: 0,
                })
            }
        };
        let protocol = if udp.is_some() { IpNumber::UDP } else { inner };
        let payload = udp.as_ref().map_or(length, |udp| udp.length);
        match (self.remote, entropy.source) {
            (IpAddr::V4(remote), IpAddr::V4(source)) => {
                let source = self.source4(source).octets();
                let mut ip = Ipv4Header::new(payload, 64, protocol, source, remote.octets())
                    .expect("it fits");
                ip.dscp = (class >> 2).try_into().expect("it fits");
                ip.ecn = (class & 3).try_into().expect("it fits");
                ip.header_checksum = ip.calc_header_checksum();
                wrapped.extend(0x0800_u16.to_be_bytes());
                ip.write(&mut wrapped).expect("it fits");
            }
            (IpAddr::V6(remote), IpAddr::V6(source)) => {
                let ip = Ipv6Header {
                    traffic_class: class,
                    flow_label: Ipv6FlowLabel::try_new(entropy.label.expect("IPv6"))
                        .expect("it fits"),
                    payload_length: payload,
                    next_header: protocol,
                    hop_limit: 64,
                    source: self.source6(source).octets(),
                    destination: remote.octets(),
                };
                wrapped.extend(0x86dd_u16.to_be_bytes());
                ip.write(&mut wrapped).expect("it fits");
            }
            (remote, source) => panic!("a tunnel from {source} to {remote}"),
        }
        if let Some(udp) = udp {
            udp.write(&mut wrapped).expect("it fits");
        }
        wrapped.extend(packet);
        wrapped
    }

    /// The outer source: what is configured, else the host's own address, its free bits from `filled`.
    fn source4(&self, filled: Ipv4Addr) -> Ipv4Addr {
        self.node
            .tunnel_source
            .map_or(Ipv4Addr::UNSPECIFIED, |net| net.network() | (filled & net.hostmask()))
    }

    fn source6(&self, filled: Ipv6Addr) -> Ipv6Addr {
        self.node
            .tunnel_source6
            .map_or(Ipv6Addr::UNSPECIFIED, |net| net.network() | (filled & net.hostmask()))
    }
}

/// The frame that was in a tunnel: the outer headers taken off, the MAC addresses kept.
pub(crate) fn inside(frame: &[u8]) -> Vec<u8> {
    let (at, v6) = ip_header(frame);
    let (protocol, end) = if v6 { (frame[at + 6], at + 40) } else { (frame[at + 9], at + 20) };
    let packet = &frame[if protocol == 17 { end + 8 } else { end }..];
    let kind: u16 = if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 };
    [&frame[..12], &kind.to_be_bytes(), packet].concat()
}
