//! ICMP errors to clients, byte by byte (checked by `Director::send`), and who gets none.

use std::{net::IpAddr, time::Duration};

use lb_common::abi::{Features, Reason};
use lb_userspace::plan::OwnAddresses;
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

use crate::{
    craft::{
        DESTINATION, DOT1AD, DOT1Q, HOP_BY_HOP, fragment, tagged, with, with_extensions,
        with_options,
    },
    director::{
        Director,
        Outcome::{self, Answered, Dropped},
    },
    family::{FAMILIES, Family, SINGLE, web},
    frames::{ACK, L4, SYN, build},
    quotes::{answer, error, too_big},
};

const TWO: &[(u16, u16)] = &[(1, 1), (2, 1)];

/// A frame of a client to the service `web`.
fn to_web(family: Family, l4: L4, ttl: u8, payload: &[u8]) -> Vec<u8> {
    build(family.client(1), (family.vip(SINGLE), 80), l4, ttl, payload)
}

/// A frame to `web` from an address.
fn from(family: Family, source: &str, ttl: u8) -> Vec<u8> {
    let source: IpAddr = source.parse().expect("an address");
    build((source, 4_000), (family.vip(SINGLE), 80), SYN, ttl, &[])
}

#[test]
fn time_exceeded_with_everything_before_and_behind() {
    let mut director = Director::with(&web(TWO, ""));
    for family in FAMILIES {
        for payload in [0, 1, 2, 3, 60, 700] {
            let plain = to_web(family, ACK, 1, &vec![0x5a; payload]);
            let dressed = match family {
                Family::V4 => with_options(&plain, 10),
                Family::V6 => with_extensions(&plain, &[HOP_BY_HOP, DESTINATION]),
            };
            let padded = [&plain[..], &[0xa5; 11]].concat();
            for frame in [plain, dressed, padded] {
                let outcome = director.send(&frame);
                assert_eq!(outcome, Answered(Reason::TtlExceeded), "IPv{family}, {payload}");
            }
        }
        let plain = to_web(family, SYN, 0, &[]);
        for tags in [&[DOT1Q][..], &[DOT1AD], &[DOT1AD, DOT1Q]] {
            let outcome = director.send(&tagged(&plain, tags));
            assert_eq!(outcome, Answered(Reason::TtlExceeded), "IPv{family}, {tags:x?}");
        }
    }
}

#[test]
fn no_server_left() {
    for (keys, wanted) in [
        ("on_empty = \"reject\"", Answered(Reason::Rejected)),
        ("on_empty = \"drop\"", Dropped(Reason::NoReal)),
        ("", Dropped(Reason::NoReal)),
    ] {
        let tcp = web(TWO, keys);
        for (config, l4) in [(tcp.clone(), SYN), (tcp.replace("tcp/80", "udp/80"), L4::Udp)] {
            let mut director = Director::with(&config);
            for family in FAMILIES {
                let frame = to_web(family, l4, 64, &[0x5a; 30]);
                assert!(matches!(director.send(&frame), Outcome::To(..)), "IPv{family}: all up");
                director.change(|plane| plane.down.extend([1, 2].map(|n| family.real(n))));
                assert_eq!(director.send(&frame), wanted, "IPv{family}, {keys}, {l4:?}");
                let tagged = tagged(&frame, &[DOT1Q]);
                assert_eq!(director.send(&tagged), wanted, "IPv{family}, {keys}, {l4:?}, tag");
            }
        }
    }
}

/// Errors come from the director where it has an address of that family.
#[test]
fn from_an_address_of_its_own() {
    let mut director = Director::with(&web(TWO, "on_empty = \"reject\""));
    let (ipv4, ipv6) = ("10.8.8.2".parse().ok(), "fd00:8:8::2".parse().ok());
    for own in [
        OwnAddresses { ipv4, ipv6 },
        OwnAddresses { ipv4, ipv6: None },
        OwnAddresses { ipv4: None, ipv6 },
        OwnAddresses::default(),
    ] {
        director.change(|plane| plane.surroundings.own = own);
        for family in FAMILIES {
            let outcome = director.send(&to_web(family, SYN, 1, &[]));
            assert_eq!(outcome, Answered(Reason::TtlExceeded), "IPv{family}, {own:?}");
        }
    }
}

/// RFC 1122, section 3.2.2, and RFC 4443, section 2.4 (e).
#[test]
fn never_to_what_is_no_single_host() {
    let mut director = Director::with(&web(TWO, ""));
    let v4 = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1"];
    for source in v4.into_iter().chain(["255.255.255.255"]) {
        let outcome = director.send(&from(Family::V4, source, 1));
        assert_eq!(outcome, Dropped(Reason::TtlExceeded), "{source}");
    }
    for source in ["::", "::1", "ff02::1", "ff0e::5"] {
        let outcome = director.send(&from(Family::V6, source, 1));
        assert_eq!(outcome, Dropped(Reason::TtlExceeded), "{source}");
    }
    for (family, source) in [(Family::V4, "223.255.255.1"), (Family::V6, "fe80::1")] {
        let outcome = director.send(&from(family, source, 1));
        assert_eq!(outcome, Answered(Reason::TtlExceeded), "{source}");
    }
}

/// RFC 1122, section 3.2.2: nor about what was sent to everybody on the link.
#[test]
fn never_about_a_broadcast() {
    let mut director = Director::with(&web(TWO, ""));
    for family in FAMILIES {
        for first in [0xff, 0x01, 0x33] {
            let frame = with(&to_web(family, ACK, 1, &[]), 0, first);
            let outcome = director.send(&frame);
            assert_eq!(outcome, Dropped(Reason::TtlExceeded), "IPv{family}, {first:#x}");
        }
    }
}

#[test]
fn never_to_an_error() {
    let mut director = Director::with(&web(TWO, "on_empty = \"reject\""));
    for family in FAMILIES {
        let (client, vip) = (family.client(1), (family.vip(SINGLE), 80));
        let report = error(family, vip.0, too_big(family), &answer(vip, client, ACK));
        assert!(matches!(director.send(&report), Outcome::To(..)), "IPv{family}");
        let ttl = if family == Family::V4 { 22 } else { 21 };
        let outcome = director.send(&with(&report, ttl, 1));
        assert_eq!(outcome, Dropped(Reason::TtlExceeded), "IPv{family}");
        director.change(|plane| plane.down.extend([1, 2].map(|n| family.real(n))));
        assert_eq!(director.send(&report), Dropped(Reason::Rejected), "IPv{family}");
    }
}

/// The first fragment is answered, the others are not (RFC 1122, section 3.2.2).
#[test]
fn never_to_a_later_fragment() {
    let mut director = Director::with(&web(TWO, "on_empty = \"reject\""));
    for family in FAMILIES {
        let frame = to_web(family, ACK, 1, &[0x5a; 64]);
        let outcome = director.send(&fragment(&frame, 0, true));
        assert_eq!(outcome, Answered(Reason::TtlExceeded), "IPv{family}");
        let later = fragment(&frame, 4, false);
        assert_eq!(director.send(&later), Dropped(Reason::TtlExceeded), "IPv{family}");
        director.change(|plane| plane.down.extend([1, 2].map(|n| family.real(n))));
        let later = fragment(&to_web(family, ACK, 64, &[0x5a; 64]), 4, false);
        assert_eq!(director.send(&later), Dropped(Reason::Rejected), "IPv{family}");
    }
}

/// 50 at once, then one each millisecond, on each CPU: this one stays on one.
#[test]
fn so_many_and_no_more() {
    let this = Pid::from_raw(0);
    let all = sched_getaffinity(this).expect("a set of CPUs");
    let cpu = (0..CpuSet::count()).find(|&cpu| all.is_set(cpu).unwrap_or(false)).expect("a CPU");
    let mut one = CpuSet::new();
    one.set(cpu).expect("it is in the set");
    sched_setaffinity(this, &one).expect("this thread may stay");

    let mut director = Director::equipped(&web(TWO, ""), Features::CLOCK);
    let frames = FAMILIES.map(|family| to_web(family, ACK, 1, &[]));
    let at = |director: &mut Director, micros, wanted: [usize; 2]| {
        director.plane.data.set_clock(Duration::from_micros(micros)).expect("a clock");
        let outcomes = (0..wanted[0] + wanted[1]).map(|n| director.send(&frames[n % 2]));
        let outcomes: Vec<_> = outcomes.collect();
        let (first, rest) = outcomes.split_at(wanted[0]);
        let (told, untold) = (Answered(Reason::TtlExceeded), Dropped(Reason::TtlExceeded));
        assert!(first.iter().all(|o| *o == told), "{micros} µs: {first:?}");
        assert!(rest.iter().all(|o| *o == untold), "{micros} µs: {rest:?}");
    };
    at(&mut director, 1_000_000, [50, 20]);
    at(&mut director, 1_000_999, [0, 5]);
    at(&mut director, 1_001_000, [1, 5]);
    at(&mut director, 1_011_000, [10, 5]);
    at(&mut director, 9_000_000, [50, 5]);
}
