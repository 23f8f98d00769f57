//! Frames that end too soon, too late or somewhere else than they say.

use lb_common::abi::Reason;

use crate::{
    craft::{DESTINATION, DOT1Q, fit, set_length, tagged, with, with_extensions, with_options},
    director::{
        Director,
        Outcome::{self, Dropped, Passed},
    },
    family::{FAMILIES, Family, HOST, SINGLE},
    frames::{L4, SYN, build, frame},
};

/// To a VIP's service, or to the host.
fn to(family: Family, last: u16, l4: L4) -> Vec<u8> {
    let port = if matches!(l4, L4::Udp) { 53 } else { 80 };
    frame(family.client(1), (family.vip(last), port), l4)
}

/// A frame cut at every length: without a whole address it passes, without all that it says to have it is
/// cut short; `address` is where its destination ends.
fn cut_everywhere(director: &mut Director, what: &str, address: usize, vip: &[u8], host: &[u8]) {
    for length in 14..vip.len() {
        let wanted = if length < address {
            Passed(Reason::PassTruncated)
        } else {
            Dropped(Reason::Truncated)
        };
        assert_eq!(director.send(&vip[..length]), wanted, "{what}, for a VIP, {length} bytes");
        let outcome = director.send(&host[..length]);
        assert_eq!(outcome, Passed(Reason::PassTruncated), "{what}, for the host, {length} bytes");
    }
    assert!(matches!(director.send(vip), Outcome::To(..)), "{what}, whole");
}

#[test]
fn cut_at_every_length() {
    let mut director = Director::new();
    for family in FAMILIES {
        for l4 in [SYN, L4::Udp] {
            let (vip, host) = (to(family, SINGLE, l4), to(family, HOST, l4));
            let what = format!("IPv{family}, {l4:?}");
            let ip = family.transport();
            cut_everywhere(&mut director, &what, ip, &vip, &host);
            let [vip, host] = [vip, host].map(|frame| tagged(&frame, &[DOT1Q]));
            cut_everywhere(&mut director, &format!("{what}, tagged"), ip + 4, &vip, &host);
        }
    }
    let [vip, host] = [SINGLE, HOST].map(|last| with_options(&to(Family::V4, last, SYN), 5));
    cut_everywhere(&mut director, "options", 34, &vip, &host);
    let chain = [DESTINATION; 2];
    let [vip, host] =
        [SINGLE, HOST].map(|last| with_extensions(&to(Family::V6, last, SYN), &chain));
    cut_everywhere(&mut director, "extension headers", 54, &vip, &host);
}

/// The IP header says how much of a frame counts: the same lengths, told by the header, with the rest of
/// the frame still there (a padded runt) and without it.
#[test]
fn transport_headers_cut_short() {
    let mut director = Director::new();
    for family in FAMILIES {
        for (l4, whole) in [(SYN, 20), (L4::Udp, 8)] {
            for length in 0..whole {
                let [vip, host, other] =
                    [(SINGLE, l4), (HOST, l4), (SINGLE, l4)].map(|(last, l4)| {
                        let mut frame = to(family, last, l4);
                        set_length(&mut frame, family.transport() - 14 + length);
                        frame
                    });
                let port = family.transport() + 2;
                let other = with(&with(&other, port, 0xff), port + 1, 0xff);
                // With fewer than four bytes nobody knows the port.
                let (no_port, no_service) = if length < 4 {
                    (Dropped(Reason::Truncated), Reason::PassTruncated)
                } else {
                    (Passed(Reason::NoService), Reason::NoService)
                };
                for end in [family.transport() + length, vip.len()] {
                    let what = format!("IPv{family}, {l4:?}, {length} of {end} bytes");
                    let outcome = director.send(&vip[..end]);
                    assert_eq!(outcome, Dropped(Reason::Truncated), "{what}, for a service");
                    assert_eq!(director.send(&other[..end]), no_port, "{what}, another port");
                    assert_eq!(director.send(&host[..end]), Passed(no_service), "{what}, host");
                }
            }
        }
    }
}

#[test]
fn padding_is_sent_along() {
    let mut director = Director::new();
    for family in FAMILIES {
        for (service, l4) in [("web", SYN), ("dns", L4::Udp)] {
            let mut frame = to(family, SINGLE, l4);
            let to = director.send(&frame);
            assert!(matches!(&to, Outcome::To(taken, _) if *taken == family.name(service)));
            frame.extend([0xa5; 22]);
            assert_eq!(director.send(&frame), to, "IPv{family}, {service}");
        }
    }
}

#[test]
fn longer_than_the_frame() {
    let mut director = Director::new();
    for family in FAMILIES {
        for more in [1, 100, 10_000] {
            let [vip, host] = [SINGLE, HOST].map(|last| {
                let mut frame = to(family, last, SYN);
                let length = frame.len() - 14 + more;
                set_length(&mut frame, length);
                frame
            });
            assert_eq!(director.send(&vip), Dropped(Reason::Truncated), "IPv{family}, {more}");
            assert_eq!(director.send(&host), Passed(Reason::PassTruncated), "IPv{family}, {more}");
        }
    }
}

#[test]
fn impossible_headers() {
    let mut director = Director::new();
    let broken = |family: Family, last, what: &str, at: usize, byte: u8| {
        (format!("IPv{family}, {what} {byte:#x}"), family, last, at, byte)
    };
    let mut cases = Vec::new();
    for last in [SINGLE, HOST] {
        for first in [0x40, 0x44, 0x05, 0x55, 0x65, 0xf5, 0x4f] {
            cases.push(broken(Family::V4, last, "version and header length", 14, first));
        }
        // A total length smaller than the header.
        cases.push(broken(Family::V4, last, "total length", 17, 19));
        for first in [0x00, 0x45, 0x50, 0x70, 0xf0] {
            cases.push(broken(Family::V6, last, "version", 14, first));
        }
    }
    for (what, family, last, at, byte) in cases {
        let mut frame = to(family, last, SYN);
        frame[at] = byte;
        let wanted =
            if last == SINGLE { Dropped(Reason::Truncated) } else { Passed(Reason::PassTruncated) };
        assert_eq!(director.send(&frame), wanted, "{what}");
    }
}

/// RFC 2675: a jumbogram says 0 bytes and has its length elsewhere. Nobody sends them.
#[test]
fn a_jumbogram_is_cut_short() {
    let mut director = Director::new();
    let mut frame = to(Family::V6, SINGLE, SYN);
    set_length(&mut frame, 40);
    assert_eq!(director.send(&frame), Dropped(Reason::Truncated));
}

#[test]
fn large_frames() {
    let mut director = Director::new();
    director.change(|plane| plane.mtu = 9_000);
    for family in FAMILIES {
        let first = director.real(&to(family, SINGLE, L4::Tcp(0x18)));
        for payload in [1_400, 3_000, 3_400] {
            let payload = vec![0x5a; payload];
            let vip = (family.vip(SINGLE), 80);
            let mut frame = build(family.client(1), vip, L4::Tcp(0x18), 64, &payload);
            fit(&mut frame);
            assert_eq!(director.real(&frame), first, "IPv{family}, {} bytes", frame.len());
        }
    }
}
