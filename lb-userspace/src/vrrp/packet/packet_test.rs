//! Bytes written by hand from the RFCs, and some heard from keepalived 2.2.7.

use std::{net::IpAddr, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::vrrp::types::*;

const SECRET: &str = "s3cret";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn v2(authentication: Authentication) -> Dialect {
    Dialect::V2 { interval: Duration::from_secs(1).try_into().unwrap(), authentication }
}

fn v3(checksum: ChecksumKind) -> Dialect {
    Dialect::V3 { interval: Duration::from_secs(1).try_into().unwrap(), checksum }
}

fn ah() -> Dialect {
    v2(Authentication::Ah(Key::new(Secret::new(SECRET).unwrap())))
}

fn pass() -> Dialect {
    v2(Authentication::Pass(Secret::new(SECRET).unwrap()))
}

fn endpoint(dialect: Dialect, source: &str, peers: &[&str], vips: &[&str]) -> Endpoint {
    let vips: Vec<IpAddr> = vips.iter().map(|text| ip(text)).collect();
    let addresses = Addresses::new(Family::of(vips[0]), &vips).unwrap();
    let peers = peers.iter().map(|text| ip(text)).collect();
    Endpoint::new(VirtualRouterId::new(51).unwrap(), dialect, ip(source), peers, addresses).unwrap()
}

const VIPS: [&str; 2] = ["10.9.0.100", "10.9.0.101"];

/// The sender and the receiver that belong together.
fn pair(dialect: Dialect) -> (Endpoint, Endpoint) {
    (endpoint(dialect, "10.9.0.1", &[], &VIPS), endpoint(dialect, "10.9.0.2", &[], &VIPS))
}

fn standing(priority: u8) -> Claim {
    Claim::Master(Priority::new(priority).unwrap())
}

fn hear(bytes: &[u8], ours: &Endpoint) -> Result<Advertisement, Reject> {
    parse(Packet::V4(bytes), |id| (id == ours.virtual_router).then_some(ours))
}

/// IPv4 header, authentication header and message as keepalived 2.2.7 sent them, with the password above.
const KEEPALIVED_AH: &str = "45c0 0044 0001 0000 ff33 d0a9 0a09 0001 e000 0012
    7004 0000 0a09 0001 0000 0001 a948 46b8 5f49 904b 06a2 698f
    2133 6402 0201 63ee 0a09 0064 0a09 0065 0000 0000 0000 0000";

#[test]
fn bytes_over_ipv4() {
    let ip_header = "45c0 002c 0001 0000 ff70 d084 0a09 0001 e000 0012";
    // 2133 + 6402 + 0001 + 0a09 + 0064 + 0a09 + 0065 = 9a11
    let plain = "2133 6402 0001 65ee 0a09 0064 0a09 0065 0000 0000 0000 0000";
    // … + type 0100, and "s3cr" "et": 7333 + 6372 + 6574
    let with_password = "2133 6402 0101 28d4 0a09 0064 0a09 0065 7333 6372 6574 0000";
    // 3133 + 6402 + 0064 + 0a09 + 0064 + 0a09 + 0065
    let alone = "3133 6402 0064 558b 0a09 0064 0a09 0065";
    // … + 0a09 + 0001 + e000 + 0012 + 0070 + 0010
    let pseudo = "3133 6402 0064 6aee 0a09 0064 0a09 0065";
    let short = ip_header.replace("002c 0001 0000 ff70 d084", "0024 0001 0000 ff70 d08c");
    let cases = [
        ("version 2", v2(Authentication::None), [ip_header, plain].concat()),
        ("PASS", pass(), [ip_header, with_password].concat()),
        ("AH", ah(), KEEPALIVED_AH.to_owned()),
        ("RFC 9568", v3(ChecksumKind::MessageOnly), [&short, alone].concat()),
        ("pseudo-header", v3(ChecksumKind::PseudoHeader), [&short, pseudo].concat()),
    ];
    for (name, dialect, expected) in cases {
        let (sender, receiver) = pair(dialect);
        let sent = sender.emit(standing(100), 1);
        let expected = Outgoing { destination: GROUP_V4.into(), bytes: hex(&expected) };
        assert_eq!(sent, [expected], "{name}");
        let heard = hear(&sent[0].bytes, &receiver).expect(name);
        assert_eq!((heard.claim, heard.source), (standing(100), ip("10.9.0.1")), "{name}");
        assert_eq!(heard.addresses, sender.addresses, "{name}");
        assert_eq!(heard.interval, dialect.interval(), "{name}");
    }
}

#[test]
fn bytes_over_ipv6() {
    let dialect = v3(ChecksumKind::MessageOnly);
    let sender = endpoint(dialect, "fe80::1", &[], &["fe80::100", "2001:db8::1"]);
    let receiver = endpoint(dialect, "fe80::2", &[], &["fe80::100"]);
    let sent = sender.emit(Claim::Leaving, 7);
    let message = "3133 0002 0064 a2fc
        fe80 0000 0000 0000 0000 0000 0000 0100 2001 0db8 0000 0000 0000 0000 0000 0001";
    // Message: 5ed4. Pseudo-header, there in any case: fe80 + 0001 + ff02 + 0012 + 0028 + 0070 = fe2e.
    assert_eq!(sent, [Outgoing { destination: GROUP_V6.into(), bytes: hex(message) }]);
    let heard = |hop_limit, payload| {
        let packet = Packet::V6 {
            source: "fe80::1".parse().unwrap(),
            destination: GROUP_V6,
            hop_limit,
            payload,
        };
        parse(packet, |_| Some(&receiver))
    };
    let advertisement = heard(255, &sent[0].bytes).unwrap();
    assert_eq!((advertisement.claim, advertisement.addresses.count()), (Claim::Leaving, 2));
    assert_eq!(heard(254, &sent[0].bytes), Err(Reject::Hops));
    assert_eq!(heard(255, &sent[0].bytes[..39]), Err(Reject::Length));
}

/// A change to the packet at a place counted from the start of the IP header.
type Change = fn(&mut Vec<u8>);

#[test]
fn every_reason_to_reject() {
    let plain = || pair(v2(Authentication::None));
    let third = || pair(v3(ChecksumKind::PseudoHeader));
    let cases: &[(Reject, Dialect, Change)] = &[
        (Reject::Ip, plain().0.dialect, |bytes| bytes.truncate(19)),
        (Reject::Ip, plain().0.dialect, |bytes| bytes.truncate(43)),
        (Reject::Ip, plain().0.dialect, |bytes| bytes[0] = 0x44),
        (Reject::Ip, plain().0.dialect, |bytes| bytes[0] = 0x65),
        (Reject::Ip, plain().0.dialect, |bytes| bytes[7] = 1),
        (Reject::Ip, plain().0.dialect, |bytes| bytes[9] = 6),
        (Reject::Ip, ah(), |bytes| bytes[20] = 6),
        (Reject::Version, plain().0.dialect, |bytes| bytes[20] = 0x11),
        (Reject::Version, plain().0.dialect, |bytes| bytes[20] = 0x31),
        (Reject::Version, third().0.dialect, |bytes| bytes[20] = 0x21),
        (Reject::Type, plain().0.dialect, |bytes| bytes[20] = 0x22),
        (Reject::Length, plain().0.dialect, |bytes| bytes[23] = 3),
        (Reject::Length, third().0.dialect, |bytes| bytes[23] = 1),
        (Reject::Length, third().0.dialect, |bytes| bytes[3] = 27),
        (Reject::NoAddress, third().0.dialect, |bytes| bytes[23] = 0),
        (Reject::VirtualRouter, plain().0.dialect, |bytes| bytes[21] = 0),
        (Reject::VirtualRouter, plain().0.dialect, |bytes| bytes[21] = 52),
        (Reject::Looped, plain().0.dialect, |bytes| bytes[15] = 2),
        (Reject::Destination, plain().0.dialect, |bytes| bytes[19] = 5),
        (Reject::Hops, plain().0.dialect, |bytes| bytes[8] = 254),
        (Reject::AuthenticationType, plain().0.dialect, |bytes| bytes[24] = 1),
        (Reject::AuthenticationType, ah(), |bytes| bytes[48] = 0),
        (Reject::AuthenticationType, ah(), |bytes| {
            bytes.drain(20..44);
            (bytes[3], bytes[9]) = (44, 112);
        }),
        (Reject::AuthenticationData, pass(), |bytes| bytes[36] ^= 1),
        (Reject::AuthenticationData, pass(), |bytes| bytes[43] = 1),
        (Reject::AuthenticationData, ah(), |bytes| bytes[43] ^= 1),
        (Reject::AuthenticationData, ah(), |bytes| bytes[46] = 101),
        (Reject::AuthenticationData, ah(), |bytes| bytes[15] = 7),
        (Reject::Checksum, plain().0.dialect, |bytes| bytes[22] = 101),
        (Reject::Checksum, third().0.dialect, |bytes| bytes[15] = 7),
        (Reject::Interval, plain().0.dialect, |bytes| bytes[25] = 2),
        (Reject::Interval, plain().0.dialect, |bytes| bytes[25] = 0),
        (Reject::Interval, third().0.dialect, |bytes| bytes[25] = 0),
    ];
    let mut met = Vec::new();
    for (number, (expected, dialect, change)) in cases.iter().enumerate() {
        let (sender, receiver) = pair(*dialect);
        let mut bytes = sender.emit(standing(100), 1).remove(0).bytes;
        assert!(hear(&bytes, &receiver).is_ok(), "before the change");
        change(&mut bytes);
        assert_eq!(hear(&bytes, &receiver), Err(*expected), "case {number}");
        met.push(*expected);
    }
    // The only one that multicast does not know: tested below.
    met.push(Reject::Peer);
    for reject in Reject::ALL {
        assert!(met.contains(reject), "no case for {reject:?}");
    }
}

#[test]
fn the_other_checksum_of_version_3_is_wrong() {
    for (ours, theirs) in [
        (ChecksumKind::PseudoHeader, ChecksumKind::MessageOnly),
        (ChecksumKind::MessageOnly, ChecksumKind::PseudoHeader),
    ] {
        let sent = pair(v3(theirs)).0.emit(standing(1), 1);
        assert_eq!(hear(&sent[0].bytes, &pair(v3(ours)).1), Err(Reject::Checksum));
    }
}

#[test]
fn what_may_change_on_the_way_does_not_break_an_authentication_header() {
    let mut bytes = hex(KEEPALIVED_AH);
    (bytes[1], bytes[6], bytes[10]) = (0, 0x40, 0);
    assert!(hear(&bytes, &pair(ah()).1).is_ok());
}

#[test]
fn unicast_goes_to_each_peer_and_is_heard_from_them_only() {
    let dialect = v3(ChecksumKind::PseudoHeader);
    let sender = endpoint(dialect, "10.9.0.1", &["10.9.0.2", "10.8.0.3"], &VIPS);
    let sent = sender.emit(standing(100), 1);
    assert_eq!(sent.iter().map(|packet| packet.destination).collect::<Vec<_>>(), sender.peers);
    let receiver = endpoint(dialect, "10.9.0.2", &["10.9.0.1"], &VIPS);
    let mut bytes = sent[0].bytes.clone();
    // From routers away.
    bytes[8] = 60;
    assert!(hear(&bytes, &receiver).is_ok());
    let stranger = endpoint(dialect, "10.9.0.2", &["10.9.0.9"], &VIPS);
    assert_eq!(hear(&bytes, &stranger), Err(Reject::Peer));
    assert_eq!(hear(&sent[1].bytes, &receiver), Err(Reject::Destination));
    let group = pair(dialect).0.emit(standing(100), 1);
    assert_eq!(hear(&group[0].bytes, &receiver), Err(Reject::Destination), "multicast");
}

#[test]
fn parts_that_do_not_go_together() {
    let new = |dialect, source: &str, peers: &[&str], vip: &str| {
        let addresses = Addresses::new(Family::of(ip(vip)), &[ip(vip)]).unwrap();
        let peers = peers.iter().map(|text| ip(text)).collect();
        Endpoint::new(VirtualRouterId::new(1).unwrap(), dialect, ip(source), peers, addresses)
    };
    let third = v3(ChecksumKind::PseudoHeader);
    let error = |result: Result<Endpoint, EndpointError>| result.unwrap_err();
    assert_eq!(error(new(pass(), "fe80::1", &[], "fe80::2")), EndpointError::V2OverIpv6);
    let family = EndpointError::Family(ip("10.0.0.1"), Family::V6);
    assert_eq!(error(new(third, "10.0.0.1", &[], "fe80::2")), family);
    assert_eq!(error(new(third, "fe80::1", &["10.0.0.1"], "fe80::2")), family);
    for peer in ["10.0.0.1", "224.0.0.18", "0.0.0.0"] {
        let peers = ["10.0.0.7", peer];
        assert_eq!(
            error(new(third, "10.0.0.1", &peers, "10.0.0.2")),
            EndpointError::Peer(ip(peer))
        );
    }
}

fn any_endpoint() -> impl Strategy<Value = (Endpoint, Endpoint)> {
    let secret = "[ -~]{1,8}".prop_map(|text| Secret::new(&text).unwrap());
    let authentication = (0..3, secret).prop_map(|(kind, secret)| match kind {
        0 => Authentication::None,
        1 => Authentication::Pass(secret),
        _ => Authentication::Ah(Key::new(secret)),
    });
    let second = (1..=255u64, authentication).prop_map(|(seconds, authentication)| Dialect::V2 {
        interval: Duration::from_secs(seconds).try_into().unwrap(),
        authentication,
    });
    let kind = prop_oneof![Just(ChecksumKind::PseudoHeader), Just(ChecksumKind::MessageOnly)];
    let third = (1..=4095u64, kind).prop_map(|(count, checksum)| Dialect::V3 {
        interval: Duration::from_millis(count * 10).try_into().unwrap(),
        checksum,
    });
    let vips = proptest::collection::vec(any::<[u8; 4]>().prop_map(IpAddr::from), 1..=255);
    (prop_oneof![second, third], vips, 1..=255).prop_map(|(dialect, vips, id)| {
        let addresses = Addresses::new(Family::V4, &vips).unwrap();
        let id = VirtualRouterId::new(id).unwrap();
        let side =
            |source| Endpoint::new(id, dialect, ip(source), vec![], addresses.clone()).unwrap();
        (side("192.0.2.1"), side("192.0.2.2"))
    })
}

proptest! {
    #[test]
    fn what_is_sent_is_heard((sender, receiver) in any_endpoint(), priority: u8, sequence: u32) {
        let claim = Claim::from_wire(priority);
        let heard = hear(&sender.emit(claim, sequence)[0].bytes, &receiver).unwrap();
        prop_assert_eq!(heard.claim, claim);
        prop_assert_eq!(heard.virtual_router, sender.virtual_router);
        prop_assert_eq!(heard.interval, sender.dialect.interval());
        prop_assert_eq!(&heard.addresses, &sender.addresses);
    }

    #[test]
    fn no_bytes_panic(
        (sender, receiver) in any_endpoint(),
        bytes: Vec<u8>,
        change in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let _ = hear(&bytes, &receiver);
        let mut sent = sender.emit(standing(9), 1).remove(0).bytes;
        for (place, byte) in change {
            let place = place % sent.len();
            sent[place] = byte;
        }
        let _ = hear(&sent, &receiver);
        let (source, destination) = ("fe80::1".parse().unwrap(), GROUP_V6);
        for payload in [&bytes, &sent] {
            let _ = parse(Packet::V6 { source, destination, hop_limit: 255, payload }, |_| Some(&receiver));
        }
    }
}
