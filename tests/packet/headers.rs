//! What stands before the ports: VLAN tags, options, extension headers, fragments, TTL.

use lb_common::abi::Reason;

use crate::{
    craft::{
        DESTINATION, DOT1AD, DOT1Q, FRAGMENT, HOP_BY_HOP, ROUTING, fit, fix_checksum, fragment,
        tagged, with, with_extensions, with_options,
    },
    director::{
        Director,
        Outcome::{self, Answered, Dropped, Passed},
    },
    family::{FAMILIES, Family, HOST, SINGLE},
    frames::{ACK, L4, SYN, build, frame},
};

/// A SYN to the service `web`, and one to the host.
fn pair(family: Family) -> [Vec<u8>; 2] {
    [SINGLE, HOST].map(|last| frame(family.client(1), (family.vip(last), 80), SYN))
}

/// What a frame that does not change anything for its service goes through: the same real server as without.
fn same_real(director: &mut Director, family: Family, plain: &[u8], dressed: &[u8], what: &str) {
    let to = Outcome::To(family.name("web"), director.real(plain));
    assert_eq!(director.send(dressed), to, "IPv{family}, {what}");
}

#[test]
fn vlan_tags() {
    let mut director = Director::new();
    for family in FAMILIES {
        let [web, host] = pair(family);
        for (what, tags) in [
            ("one tag", &[DOT1Q][..]),
            ("one outer tag", &[DOT1AD]),
            ("QinQ", &[DOT1AD, DOT1Q]),
            ("QinQ, old style", &[DOT1Q, DOT1Q]),
        ] {
            same_real(&mut director, family, &web, &tagged(&web, tags), what);
            assert_eq!(director.send(&tagged(&host, tags)), Passed(Reason::NoService), "{what}");
        }
        let three = tagged(&web, &[DOT1AD, DOT1Q, DOT1Q]);
        assert_eq!(director.send(&three), Passed(Reason::PassHeaders), "three tags");
    }
    let mut arp = tagged(&pair(Family::V4)[0], &[DOT1Q]);
    arp[16..18].copy_from_slice(&[0x08, 0x06]);
    assert_eq!(director.send(&arp), Passed(Reason::NotIp), "ARP behind a tag");
}

#[test]
fn ipv4_options() {
    let mut director = Director::new();
    let [web, host] = pair(Family::V4);
    let udp = frame(Family::V4.client(1), (Family::V4.vip(SINGLE), 53), L4::Udp);
    for words in 1..=10 {
        same_real(&mut director, Family::V4, &web, &with_options(&web, words), "options");
        let outcome = director.send(&with_options(&host, words));
        assert_eq!(outcome, Passed(Reason::NoService), "{words} words of options");
        let real = director.real(&udp);
        assert_eq!(director.real(&with_options(&udp, words)), real, "{words} words, UDP");
    }
    let tagged = tagged(&with_options(&web, 3), &[DOT1AD, DOT1Q]);
    same_real(&mut director, Family::V4, &web, &tagged, "options behind two tags");
}

#[test]
fn ipv6_extension_headers() {
    let mut director = Director::new();
    let [web, host] = pair(Family::V6);
    let udp = frame(Family::V6.client(1), (Family::V6.vip(SINGLE), 53), L4::Udp);
    for (what, chain) in [
        ("hop by hop", &[HOP_BY_HOP][..]),
        ("destination options", &[DESTINATION]),
        ("routing, none left", &[ROUTING]),
        ("a whole packet behind a fragment header", &[FRAGMENT]),
        ("the order of RFC 8200", &[HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT]),
        ("four of a kind", &[DESTINATION; 4]),
    ] {
        same_real(&mut director, Family::V6, &web, &with_extensions(&web, chain), what);
        let real = director.real(&udp);
        assert_eq!(director.real(&with_extensions(&udp, chain)), real, "{what}, UDP");
        let outcome = director.send(&with_extensions(&host, chain));
        assert_eq!(outcome, Passed(Reason::NoService), "{what}");
    }
    for kind in [HOP_BY_HOP, DESTINATION, ROUTING, FRAGMENT] {
        let chain = [kind; 5];
        let outcome = director.send(&with_extensions(&web, &chain));
        assert_eq!(outcome, Dropped(Reason::Headers), "too many of {kind}");
        let outcome = director.send(&with_extensions(&host, &chain));
        assert_eq!(outcome, Passed(Reason::PassHeaders), "too many of {kind}");
    }
    let tagged = tagged(&with_extensions(&web, &[HOP_BY_HOP, DESTINATION]), &[DOT1Q]);
    same_real(&mut director, Family::V6, &web, &tagged, "extension headers behind a tag");
    // 59: nothing follows. 50: ESP.
    for next in [59, 50] {
        let outcome = director.send(&with(&web, 20, next));
        assert_eq!(outcome, Passed(Reason::OtherProtocol), "next header {next}");
    }
}

#[test]
fn a_long_extension_header() {
    let mut director = Director::new();
    let [web, _] = pair(Family::V6);
    let mut long = with_extensions(&web, &[DESTINATION]);
    long.splice(62..62, [0; 80]);
    long[55] = 10;
    fit(&mut long);
    same_real(&mut director, Family::V6, &web, &long, "88 bytes of options");
    // One that says to be longer than the packet.
    for length in [13, 255] {
        let outcome = director.send(&with(&long, 55, length));
        assert_eq!(outcome, Dropped(Reason::Truncated), "{length}");
    }
}

#[test]
fn fragments() {
    let mut director = Director::new();
    for family in FAMILIES {
        let [web, host] = pair(family);
        same_real(&mut director, family, &web, &fragment(&web, 0, true), "a first fragment");
        for (offset, more) in [(1, true), (1, false), (185, false), (0x1fff, false)] {
            let outcome = director.send(&fragment(&web, offset, more));
            assert_eq!(outcome, director.send(&web), "IPv{family}, {offset}: the VIP's only port");
            let outcome = director.send(&fragment(&host, offset, more));
            assert_eq!(outcome, Passed(Reason::PassFragment), "IPv{family}, {offset}");
        }
        // No service owns ICMP: the fragments of a large ping are for the host.
        let ping = with(&fragment(&web, 185, true), if family == Family::V4 { 23 } else { 54 }, 1);
        let outcome = director.send(&ping);
        assert_eq!(outcome, Passed(Reason::PassFragment), "IPv{family}, a large ping");
        let outcome = director.send(&fragment(&host, 0, true));
        assert_eq!(outcome, Passed(Reason::NoService), "IPv{family}, a first one for the host");
    }
}

/// `::ffff:a.b.c.d` is no address of a packet, though it is how the maps write IPv4.
#[test]
fn a_mapped_address_is_no_vip() {
    let mut director = Director::new();
    let [mut web, _] = pair(Family::V6);
    let std::net::IpAddr::V4(vip) = Family::V4.vip(SINGLE) else { panic!("IPv4") };
    web[38..54].copy_from_slice(&vip.to_ipv6_mapped().octets());
    assert_eq!(director.send(&web), Passed(Reason::NoService));
}

#[test]
fn time_to_live() {
    let mut director = Director::new();
    for family in FAMILIES {
        let to = |last, ttl, l4| build(family.client(1), (family.vip(last), 80), l4, ttl, b"");
        for ttl in [0, 1] {
            let outcome = director.send(&to(SINGLE, ttl, ACK));
            assert_eq!(outcome, Answered(Reason::TtlExceeded), "IPv{family}, TTL {ttl}");
            let outcome = director.send(&to(HOST, ttl, ACK));
            assert_eq!(outcome, Passed(Reason::NoService), "IPv{family}, TTL {ttl} for the host");
        }
        for ttl in [2, 3, 64, 255] {
            director.real(&to(SINGLE, ttl, ACK));
        }
    }
}

/// The checksum comes out as if computed from nothing (RFC 1624, section 3: 0xffff is no checksum).
#[test]
fn checksums() {
    let mut director = Director::new();
    let [mut frame, _] = pair(Family::V4);
    for identification in 0..=u16::MAX {
        frame[18..20].copy_from_slice(&identification.to_be_bytes());
        fix_checksum(&mut frame);
        let checksum = u16::from_be_bytes([frame[24], frame[25]]);
        // Those around the carry, and a few of the others.
        if !(3..0xfd00).contains(&checksum) || identification % 257 == 0 {
            director.real(&frame);
        }
    }
}
