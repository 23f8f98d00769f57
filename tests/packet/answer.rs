//! ICMP errors as a director should send them, put together by another library than its own.

use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{
    Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber, Ipv4Header, Ipv6FlowLabel,
    Ipv6Header, icmpv4, icmpv6,
};
use lb_common::{abi::Reason, decode::TAGS};
use lb_userspace::plan::OwnAddresses;

/// Bytes of a packet that are quoted at most.
const QUOTED: usize = 128;

/// The frame that answers `frame`, about whose VIP nothing but the address is known; `mtu` for what was too
/// large.
pub(crate) fn to(frame: &[u8], reason: Reason, mtu: u16) -> Vec<u8> {
    from(&OwnAddresses::default(), frame, reason, mtu)
}

/// The same from a director that has these addresses of its own; the VIP stands in for one that it lacks.
pub(crate) fn from(own: &OwnAddresses, frame: &[u8], reason: Reason, mtu: u16) -> Vec<u8> {
    let tags = frame[12..].chunks(4).take(TAGS).take_while(|tag| {
        let kind = u16::from_be_bytes([tag[0], tag[1]]);
        kind == 0x8100 || kind == 0x88a8
    });
    let ip = 14 + tags.count() * 4;
    let packet = &frame[ip..];
    let v6 = packet[0] >> 4 == 6;
    let length = if v6 {
        40 + usize::from(u16::from_be_bytes([packet[4], packet[5]]))
    } else {
        usize::from(u16::from_be_bytes([packet[2], packet[3]]))
    };
    let quote = &packet[..if length > QUOTED { QUOTED } else { length & !3 }];
    let mut out = [&frame[6..12], &frame[..6], &frame[12..ip]].concat();
    if v6 {
        answer6(&mut out, own.ipv6, quote, reason, mtu);
    } else {
        answer4(&mut out, own.ipv4, quote, reason, mtu);
    }
    out.extend(quote);
    out
}

fn answer4(out: &mut Vec<u8>, own: Option<Ipv4Addr>, quote: &[u8], reason: Reason, mtu: u16) {
    use icmpv4::{
        DestUnreachableHeader::{FragmentationNeeded, Port},
        TimeExceededCode,
    };
    let kind = match reason {
        Reason::TtlExceeded => Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit),
        Reason::Rejected => Icmpv4Type::DestinationUnreachable(Port),
        Reason::TooBig => {
            Icmpv4Type::DestinationUnreachable(FragmentationNeeded { next_hop_mtu: mtu })
        }
        other => panic!("nobody is told of {other:?}"),
    };
    let (client, vip) =
        (quote[12..16].try_into().expect("it fits"), quote[16..20].try_into().expect("it fits"));
    let from = own.map_or(vip, |own| own.octets());
    let length = u16::try_from(quote.len() + 8).expect("it fits");
    let mut ip = Ipv4Header::new(length, 64, IpNumber::ICMP, from, client).expect("it fits");
    // Internetwork control; fragments never, so no identification and no flag is needed.
    ip.dscp = 48_u8.try_into().expect("it fits");
    ip.dont_fragment = false;
    ip.header_checksum = ip.calc_header_checksum();
    ip.write(out).expect("it fits");
    Icmpv4Header::with_checksum(kind, quote).write(out).expect("it fits");
}

fn answer6(out: &mut Vec<u8>, own: Option<Ipv6Addr>, quote: &[u8], reason: Reason, mtu: u16) {
    use icmpv6::{DestUnreachableCode::Port, TimeExceededCode};
    let kind = match reason {
        Reason::TtlExceeded => Icmpv6Type::TimeExceeded(TimeExceededCode::HopLimitExceeded),
        Reason::Rejected => Icmpv6Type::DestinationUnreachable(Port),
        Reason::TooBig => Icmpv6Type::PacketTooBig { mtu: mtu.into() },
        other => panic!("nobody is told of {other:?}"),
    };
    let (client, vip) =
        (quote[8..24].try_into().expect("it fits"), quote[24..40].try_into().expect("it fits"));
    let from = own.map_or(vip, |own| own.octets());
    let ip = Ipv6Header {
        traffic_class: 0,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: u16::try_from(quote.len() + 8).expect("it fits"),
        next_header: IpNumber::IPV6_ICMP,
        hop_limit: 64,
        source: from,
        destination: client,
    };
    ip.write(out).expect("it fits");
    Icmpv6Header::with_checksum(kind, from, client, quote)
        .expect("it fits")
        .write(out)
        .expect("it fits");
}
