//! What [`super`] makes of frames, byte by byte.

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::abi::Address;

const CLIENT4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const VIP4: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 40);
const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x40);
/// Client's port 4711, service's port 80.
const PORTS: [u8; 4] = [0x12, 0x67, 0, 80];

fn ethernet(kind: u16, rest: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &kind.to_be_bytes(), rest].concat()
}

fn tcp(flags: u8) -> Vec<u8> {
    [&PORTS[..], &[0; 8], &[0x50, flags], &[0; 6]].concat()
}

fn v4(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, rest: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + rest.len()).unwrap().to_be_bytes();
    let head = [0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    [&head[..], &from.octets(), &to.octets(), rest].concat()
}

fn v6(next: u8, from: Ipv6Addr, to: Ipv6Addr, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    let head = [0x60, 0, 0, 0, length[0], length[1], next, 64];
    [&head[..], &from.octets(), &to.octets(), rest].concat()
}

/// The packet of the client in both families, behind an Ethernet header.
fn both(protocol: u8, rest: &[u8]) -> [Vec<u8>; 2] {
    [
        ethernet(ethertype::IPV4, &v4(protocol, CLIENT4, VIP4, rest)),
        ethernet(ethertype::IPV6, &v6(protocol, CLIENT6, VIP6, rest)),
    ]
}

fn see(frame: &[u8]) -> Decoded {
    decode(frame)
}

/// The flow in a frame; panics where there is none.
fn flow_in(frame: &[u8]) -> (Flow, IpHeader) {
    match see(frame) {
        Decoded::Flow { flow, ip, .. } | Decoded::Quote { flow, ip } => (flow, ip),
        other => panic!("{other:?}"),
    }
}

fn assert_is_the_clients(flow: &Flow, v6: bool) {
    let (client, vip) =
        if v6 { (CLIENT6.into(), VIP6.into()) } else { (CLIENT4.into(), VIP4.into()) };
    assert_eq!(Address::from_halves(flow.client), client);
    assert_eq!(Address::from_halves(flow.vip), vip);
    assert_eq!(flow.client_port(), 4711);
    assert_eq!(flow.vip_port(), 80);
}

#[test]
fn flags_make_the_segment() {
    for (flags, segment) in [
        (0x02, Segment::Syn),
        (0xc2, Segment::Syn),
        (0x12, Segment::Other),
        (0x10, Segment::Other),
        (0x11, Segment::Fin),
        (0x03, Segment::Syn),
        (0x14, Segment::Rst),
        (0x06, Segment::Rst),
        (0x00, Segment::Other),
    ] {
        for frame in both(protocol::TCP, &tcp(flags)) {
            assert_eq!(flow_in(&frame).0.segment, segment, "flags {flags:#x}");
        }
    }
}

#[test]
fn a_flow_is_read_whole() {
    for (protocol, rest) in [(protocol::TCP, tcp(0x10)), (protocol::UDP, [PORTS, [0; 4]].concat())]
    {
        for (v6, frame) in [false, true].into_iter().zip(both(protocol, &rest)) {
            let (flow, ip) = flow_in(&frame);
            assert_is_the_clients(&flow, v6);
            assert_eq!(flow.protocol, protocol);
            assert_eq!((ip.offset, ip.v6, ip.ttl, ip.first), (14, v6, 64, false));
            assert_eq!(ip.length, frame.len() - 14);
        }
    }
}

#[test]
fn tags_move_the_header() {
    let v4 = v4(protocol::TCP, CLIENT4, VIP4, &tcp(2));
    let tag = |kind: u16, rest: &[u8]| [&[0, 7][..], &kind.to_be_bytes(), rest].concat();
    let one = ethernet(ethertype::VLAN, &tag(ethertype::IPV4, &v4));
    assert_eq!(flow_in(&one).1.offset, 18);
    let two = tag(ethertype::VLAN, &tag(ethertype::IPV4, &v4));
    assert_eq!(flow_in(&ethernet(ethertype::SERVICE_VLAN, &two)).1.offset, 22);
    let three = ethernet(ethertype::SERVICE_VLAN, &tag(ethertype::VLAN, &two));
    assert_eq!(see(&three), Decoded::Pass(Reason::PassHeaders));
}

#[test]
fn extension_headers_are_followed_up_to_a_limit() {
    let options = |next: u8, rest: &[u8]| [&[next, 0, 1, 4, 0, 0, 0, 0][..], rest].concat();
    let mut next = protocol::TCP;
    let mut rest = tcp(2);
    for count in 1..=EXTENSIONS + 1 {
        rest = options(next, &rest);
        next = protocol::DESTINATION;
        let decoded = see(&ethernet(ethertype::IPV6, &v6(next, CLIENT6, VIP6, &rest)));
        let followed = matches!(decoded, Decoded::Flow { whole: true, .. });
        assert_eq!(followed, count <= EXTENSIONS, "{count} headers");
        let headers = matches!(
            decoded,
            Decoded::Portless { vip: Reason::Headers, other: Reason::PassHeaders, .. }
        );
        assert_eq!(headers, count > EXTENSIONS, "{count} headers");
    }
}

#[test]
fn later_fragments_have_no_ports() {
    for (offset, later) in [(0x2000_u16, false), (0x2001, true), (0x0001, true), (0x4000, false)] {
        let [mut frame, _] = both(protocol::TCP, &tcp(2));
        frame[20..22].copy_from_slice(&offset.to_be_bytes());
        let portless = matches!(see(&frame), Decoded::Later { .. });
        assert_eq!(portless, later, "IPv4, {offset:#x}");
    }
    for (offset, later) in [(1_u16, false), (8, true), (9, true), (6, false)] {
        let [high, low] = offset.to_be_bytes();
        let rest = [&[protocol::TCP, 0, high, low, 0, 0, 0, 1][..], &tcp(2)].concat();
        let frame = ethernet(ethertype::IPV6, &v6(protocol::FRAGMENT, CLIENT6, VIP6, &rest));
        let portless = matches!(see(&frame), Decoded::Later { .. });
        assert_eq!(portless, later, "IPv6, {offset:#x}");
    }
}

#[test]
fn what_a_later_fragment_holds_may_stand_in_the_first_one() {
    let rest = [&[protocol::DESTINATION, 0, 0, 8, 0, 0, 0, 1][..], &tcp(2)].concat();
    let frame = ethernet(ethertype::IPV6, &v6(protocol::FRAGMENT, CLIENT6, VIP6, &rest));
    let decoded = see(&frame);
    let dropped = matches!(
        decoded,
        Decoded::Portless {
            protocol: None,
            vip: Reason::Fragment,
            other: Reason::PassFragment,
            ..
        }
    );
    assert!(dropped, "{decoded:?}");
}

/// An ICMP error to the VIP that quotes `rest` of a segment from the VIP to the client.
fn error(v6: bool, kind: u8, rest: &[u8]) -> Vec<u8> {
    let head = [kind, 0, 0, 0, 0, 0, 5, 0];
    if v6 {
        let quote = self::v6(protocol::TCP, VIP6, CLIENT6, rest);
        let router = Ipv6Addr::LOCALHOST;
        let packet = self::v6(protocol::ICMPV6, router, VIP6, &[&head[..], &quote].concat());
        ethernet(ethertype::IPV6, &packet)
    } else {
        let quote = v4(protocol::TCP, VIP4, CLIENT4, rest);
        let router = Ipv4Addr::new(198, 51, 100, 1);
        let packet = v4(protocol::ICMP, router, VIP4, &[&head[..], &quote].concat());
        ethernet(ethertype::IPV4, &packet)
    }
}

/// What the real server sent: from port 80 to port 4711.
const QUOTED: [u8; 8] = [0, 80, 0x12, 0x67, 0, 0, 0, 1];

#[test]
fn errors_are_turned_round() {
    for (v6, kinds) in [(false, [3, 4, 11, 12]), (true, [1, 2, 3, 4])] {
        for kind in kinds {
            for quote in [&QUOTED[..4], &QUOTED, &[&QUOTED[..], &[0; 20]].concat()] {
                let frame = error(v6, kind, quote);
                assert!(matches!(see(&frame), Decoded::Quote { .. }), "{v6} {kind}");
                assert_is_the_clients(&flow_in(&frame).0, v6);
            }
        }
    }
    for (v6, kinds) in [(false, [0, 5, 8]), (true, [0, 128, 135])] {
        for kind in kinds {
            let decoded = see(&error(v6, kind, &QUOTED));
            assert_eq!(decoded, Decoded::Pass(Reason::OtherProtocol), "{v6} {kind}");
        }
    }
}

#[test]
fn a_quote_ends_where_the_packet_does() {
    for v6 in [false, true] {
        let mut frame = error(v6, 3, &QUOTED[..3]);
        // What looks like the rest of the quote is padding of the frame.
        frame.extend_from_slice(&[0x67; 40]);
        assert_eq!(see(&frame), Decoded::Pass(Reason::OtherProtocol), "IPv6: {v6}");
    }
}

/// Frames of every kind.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = vec![error(false, 3, &QUOTED), error(true, 2, &QUOTED)];
    for (protocol, rest) in
        [(protocol::TCP, tcp(2)), (protocol::UDP, [PORTS, [0; 4]].concat()), (50, vec![0; 9])]
    {
        samples.extend(both(protocol, &rest));
        let hops = [&[protocol, 0, 0, 0, 0, 0, 0, 0][..], &rest].concat();
        let v6 = v6(protocol::HOP_BY_HOP, CLIENT6, VIP6, &hops);
        samples.push(ethernet(ethertype::IPV6, &v6));
        samples.push(ethernet(ethertype::VLAN, &[&[0, 1, 0x86, 0xdd][..], &v6].concat()));
    }
    samples
}

#[test]
fn padding_changes_nothing() {
    for frame in samples() {
        let padded = [&frame[..], &[0x45; 60]].concat();
        assert_eq!(see(&padded), see(&frame));
    }
}

#[test]
fn what_is_cut_short_is_no_flow() {
    for frame in samples() {
        for length in 0..frame.len() {
            let decoded = see(&frame[..length]);
            let flow = matches!(decoded, Decoded::Flow { .. } | Decoded::Quote { .. });
            assert!(!flow, "{length} of {} bytes: {decoded:?}", frame.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_decoded(sample in any::<Index>(), changes in vec((any::<Index>(), any::<u8>()), 0..6)) {
        let samples = samples();
        let mut frame = sample.get(&samples).clone();
        for (at, byte) in changes {
            *at.get_mut(&mut frame) = byte;
        }
        let decoded = see(&frame);
        if let Decoded::Flow { ip, .. } | Decoded::Quote { ip, .. } = decoded {
            prop_assert!(ip.offset + 20 <= frame.len());
        }
    }
}
