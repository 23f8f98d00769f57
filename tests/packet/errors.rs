//! ICMP errors go to the real server that owns the flow they quote (RFC 792, RFC 4443).

use lb_common::abi::Reason;

use crate::{
    craft::{self, DESTINATION, DOT1Q, fragment, tagged, with},
    director::{
        Director,
        Outcome::{self, Dropped, Passed},
    },
    family::{BUNDLE, FAMILIES, Family, HOST, SINGLE},
    frames::{ACK, L4, build, frame},
    quotes::{Socket, answer, error, too_big},
};

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
