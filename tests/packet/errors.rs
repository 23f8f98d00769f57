//! ICMP errors go to the real server that owns the flow they quote (RFC 792, RFC 4443).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_common::abi::Reason;

use crate::{
    craft::{self, DESTINATION, DOT1Q, fragment, tagged, with},
    director::{
        Director,
        Outcome::{self, Dropped, Passed},
    },
    family::{BUNDLE, FAMILIES, Family, HOST, SINGLE},
    frames::{ACK, CLIENT, L4, build, frame},
    plane,
};

type Socket = (IpAddr, u16);

/// Kinds of errors: type, code, words.
const fn kinds(family: Family) -> &'static [(u8, u8, &'static str)] {
    match family {
        Family::V4 => &[
            (3, 1, "host unreachable"),
            (3, 3, "port unreachable"),
            (3, 4, "fragmentation needed"),
            (4, 0, "source quench"),
            (11, 0, "time exceeded"),
            (12, 0, "parameter problem"),
        ],
        Family::V6 => &[
            (1, 0, "no route"),
            (1, 4, "port unreachable"),
            (2, 0, "packet too big"),
            (3, 0, "time exceeded"),
            (4, 1, "parameter problem"),
        ],
    }
}

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

/// Length of an IP header without options.
const fn ip(family: Family) -> usize {
    family.transport() - 14
}

#[test]
fn errors_reach_the_owner_of_the_flow() {
    let mut director = Director::new();
    for family in FAMILIES {
        for (service, last, port, l4) in [
            ("web", SINGLE, 80, ACK),
            ("dns", SINGLE, 53, L4::Udp),
            ("bundle", BUNDLE, 443, ACK),
            ("bundle", BUNDLE, 443, L4::Udp),
        ] {
            let vip = (family.vip(last), port);
            for client in (0..12).map(|number| family.client(number)) {
                let owner = director.send(&frame(client, vip, l4));
                assert!(matches!(&owner, Outcome::To(to, _) if *to == family.name(service)));
                let quote = answer(vip, client, l4);
                for &(kind, code, words) in kinds(family) {
                    // The whole packet; 28 bytes of TCP or UDP; the 8 that RFC 792 asks for; ports alone.
                    for length in [quote.len(), ip(family) + 28, ip(family) + 8, ip(family) + 4] {
                        let error = error(family, vip.0, (kind, code), &quote[..length]);
                        let what = format!("IPv{family}, {words}, {length} bytes of {l4:?}");
                        assert_eq!(director.send(&error), owner, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn headers_within_and_without() {
    let mut director = Director::new();
    for family in FAMILIES {
        let (client, vip) = (family.client(3), (family.vip(SINGLE), 80));
        let owner = director.send(&frame(client, vip, ACK));
        let quoted = build(vip, client, ACK, 60, &[0x77; 40]);
        let dressed = match family {
            Family::V4 => craft::with_options(&quoted, 2),
            Family::V6 => craft::with_extensions(&quoted, &[DESTINATION, craft::FRAGMENT]),
        };
        let short = &dressed[14..14 + ip(family) + 16 + 8];
        let error = error(family, vip.0, too_big(family), short);
        assert_eq!(director.send(&error), owner, "IPv{family}, headers in the quote");
        assert_eq!(director.send(&tagged(&error, &[DOT1Q])), owner, "IPv{family}, behind a tag");
        let outer = match family {
            Family::V4 => craft::with_options(&error, 2),
            Family::V6 => craft::with_extensions(&error, &[DESTINATION]),
        };
        assert_eq!(director.send(&outer), owner, "IPv{family}, headers of the error");
        // RFC 4884: extensions behind a quote that is padded to 128 bytes.
        let mut padded = [short, &[0; 128][short.len()..], &[0x20, 0, 0, 0, 0, 8, 1, 1]].concat();
        padded.extend([0, 0, 0x10, 0x01]);
        let error = self::error(family, vip.0, too_big(family), &padded);
        assert_eq!(director.send(&error), owner, "IPv{family}, RFC 4884");
    }
}

#[test]
fn a_hop_is_taken_from_errors_too() {
    let mut director = Director::new();
    for family in FAMILIES {
        let (client, vip) = (family.client(3), (family.vip(SINGLE), 80));
        let quote = answer(vip, client, ACK);
        let error = error(family, vip.0, too_big(family), &quote);
        let ttl = if family == Family::V4 { 22 } else { 21 };
        for hops in [0, 1] {
            let outcome = director.send(&with(&error, ttl, hops));
            assert_eq!(outcome, Dropped(Reason::TtlExceeded), "IPv{family}, {hops}");
        }
        director.real(&with(&error, ttl, 2));
    }
}

#[test]
fn errors_about_other_flows_pass() {
    let mut director = Director::new();
    for family in FAMILIES {
        let client = family.client(3);
        let (vip, host) = (family.vip(SINGLE), family.vip(HOST));
        let about = |from: Socket, to: Socket, l4| answer(from, to, l4);
        for (what, to, quote, reason) in [
            ("a flow of the host", host, about((host, 80), client, ACK), Reason::NoService),
            (
                "a port of the VIP that is no service",
                vip,
                about((vip, 81), client, ACK),
                Reason::NoService,
            ),
            (
                "UDP where the service is TCP",
                vip,
                about((vip, 80), client, L4::Udp),
                Reason::NoService,
            ),
            ("another sender", vip, about((host, 80), client, ACK), Reason::OtherProtocol),
            ("what the client sent", vip, about(client, (vip, 80), ACK), Reason::OtherProtocol),
        ] {
            let outcome = director.send(&error(family, to, too_big(family), &quote));
            assert_eq!(outcome, Passed(reason), "IPv{family}, {what}");
        }
        let mut other = about((vip, 80), client, ACK);
        other[if family == Family::V4 { 9 } else { 6 }] = 132;
        let outcome = director.send(&error(family, vip, too_big(family), &other));
        assert_eq!(outcome, Passed(Reason::OtherProtocol), "IPv{family}, SCTP");
        let quoted = build((vip, 80), client, ACK, 60, &[0x77; 40]);
        let later = &fragment(&quoted, 5, false)[14..];
        let outcome = director.send(&error(family, vip, too_big(family), later));
        assert_eq!(outcome, Passed(Reason::OtherProtocol), "IPv{family}, a later fragment");
    }
}

#[test]
fn quotes_cut_short_pass() {
    let mut director = Director::new();
    for family in FAMILIES {
        let (client, vip) = (family.client(3), (family.vip(SINGLE), 80));
        let quote = answer(vip, client, ACK);
        for length in 0..ip(family) + 4 {
            let mut error = error(family, vip.0, too_big(family), &quote[..length]);
            let outcome = director.send(&error);
            assert_eq!(outcome, Passed(Reason::OtherProtocol), "IPv{family}, {length} bytes");
            // The frame's padding is not the quote.
            error.extend_from_slice(&quote[length..]);
            let outcome = director.send(&error);
            assert_eq!(outcome, Passed(Reason::OtherProtocol), "IPv{family}, {length} and padding");
        }
    }
}

#[test]
fn what_is_no_error_is_for_the_host() {
    let mut director = Director::new();
    for family in FAMILIES {
        let (client, vip) = (family.client(3), (family.vip(SINGLE), 80));
        let quote = answer(vip, client, ACK);
        let kinds = match family {
            Family::V4 => [(8, 0), (0, 0), (5, 1)],
            Family::V6 => [(128, 0), (129, 0), (135, 0)],
        };
        for kind in kinds {
            for rest in [&b"ping"[..], &quote] {
                let outcome = director.send(&error(family, vip.0, kind, rest));
                assert_eq!(outcome, Passed(Reason::OtherProtocol), "IPv{family}, {kind:?}");
            }
        }
        // The other family's ICMP is no protocol of this one.
        let mut other = error(family, vip.0, too_big(family), &quote);
        other[if family == Family::V4 { 23 } else { 20 }] =
            if family == Family::V4 { 58 } else { 1 };
        craft::fix_checksum(&mut other);
        assert_eq!(director.send(&other), Passed(Reason::OtherProtocol), "IPv{family}");
    }
}
