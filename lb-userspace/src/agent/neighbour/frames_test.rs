//! Frames byte by byte.

use super::*;

const US: Mac = [2, 0, 0, 0, 0, 0x41];
const THEM: Mac = [2, 0, 0, 0, 0, 0x43];

fn v4(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 8, 8, last)
}

fn v6(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

#[test]
fn an_arp_request() {
    #[rustfmt::skip]
    let expected = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x41, 0x08, 0x06,
        0, 1, 0x08, 0x00, 6, 4, 0, 1,
        2, 0, 0, 0, 0, 0x41, 10, 8, 8, 41,
        0, 0, 0, 0, 0, 0, 10, 8, 8, 43,
    ];
    assert_eq!(arp_request(US, Some(v4(41)), v4(43)).expect("a frame"), expected);
    let probe = arp_request(US, None, v4(43)).expect("a frame");
    assert_eq!(probe[28..32], [0; 4], "without an address of our own it is a probe");
}

#[test]
fn a_neighbour_solicitation() {
    #[rustfmt::skip]
    let expected = [
        0x33, 0x33, 0xff, 0x00, 0x00, 0x43, 2, 0, 0, 0, 0, 0x41, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 32, 58, 255,
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x41,
        0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0x43,
        135, 0, 0x4a, 0x5d, 0, 0, 0, 0,
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x43,
        1, 1, 2, 0, 0, 0, 0, 0x41,
    ];
    let frame = solicitation(US, Some(v6("fe80::41")), v6("2001:db8::43"));
    assert_eq!(frame.expect("a frame"), expected);
}

#[test]
fn a_solicitation_without_a_source_does_not_tell_our_mac() {
    let frame = solicitation(US, None, v6("2001:db8::43")).expect("a frame");
    assert_eq!(frame.len(), 78);
    assert_eq!(frame[18..20], [0, 24]);
    assert_eq!(frame[22..38], [0; 16]);
    assert_eq!(frame[54..58], [135, 0, 0x4c, 0x69]);
}

#[test]
fn an_unsolicited_advertisement() {
    #[rustfmt::skip]
    let expected = [
        0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x41, 0x86, 0xdd,
        0x60, 0, 0, 0, 0, 32, 58, 255,
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40,
        0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        136, 0, 0x78, 0x6c, 0xa0, 0, 0, 0,
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40,
        2, 1, 2, 0, 0, 0, 0, 0x41,
    ];
    let vip = v6("2001:db8::40");
    let frame = unsolicited_advertisement(US, vip, true).expect("a frame");
    assert_eq!(answer(&frame), Some((vip.into(), US)), "neighbours understand it");
    assert_eq!(frame, expected);
    let host = unsolicited_advertisement(US, vip, false).expect("a frame");
    assert_eq!(host[58], 0x20, "a host, not a router");
}

fn arp_reply_frame() -> Vec<u8> {
    let mut frame = arp_request(THEM, Some(v4(43)), v4(41)).expect("a frame");
    frame[21] = 2;
    frame
}

#[rustfmt::skip]
const ADVERTISEMENT: [u8; 86] = [
    2, 0, 0, 0, 0, 0x41, 2, 0, 0, 0, 0, 0x43, 0x86, 0xdd,
    0x60, 0, 0, 0, 0, 32, 58, 255,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x43,
    0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x41,
    136, 0, 0xb8, 0xa6, 0x60, 0, 0, 0,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x43,
    2, 1, 2, 0, 0, 0, 0, 0x43,
];

#[test]
fn answers_are_read() {
    assert_eq!(answer(&arp_reply_frame()), Some((v4(43).into(), THEM)));
    assert_eq!(answer(&ADVERTISEMENT), Some((v6("2001:db8::43").into(), THEM)));
    let mut padded = arp_reply_frame();
    padded.resize(60, 0);
    assert_eq!(answer(&padded), Some((v4(43).into(), THEM)));
}

#[test]
fn requests_and_forgeries_are_not() {
    assert_eq!(answer(&arp_request(US, Some(v4(41)), v4(43)).expect("a frame")), None);
    let mut group_mac = arp_reply_frame();
    group_mac[22] |= 1;
    assert_eq!(answer(&group_mac), None);
    let mut routed = ADVERTISEMENT;
    routed[21] = 64;
    assert_eq!(answer(&routed), None, "a hop limit other than 255 came through a router");
    let mut damaged = ADVERTISEMENT;
    damaged[60] ^= 1;
    assert_eq!(answer(&damaged), None, "the checksum is wrong");
}

#[test]
fn no_prefix_of_a_frame_is_an_answer_or_a_panic() {
    for length in 0..ADVERTISEMENT.len() {
        assert_eq!(answer(&ADVERTISEMENT[..length]), None);
    }
    let reply = arp_reply_frame();
    for length in 0..reply.len() {
        assert_eq!(answer(&reply[..length]), None);
    }
}
