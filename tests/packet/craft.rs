//! Frames with something put in, taken away or broken, and what a router makes of a frame.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::plane::DIRECTOR;

/// Protocol numbers of IPv6 extension headers.
pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const DESTINATION: u8 = 60;

/// VLAN tags.
pub(crate) const DOT1Q: u16 = 0x8100;
pub(crate) const DOT1AD: u16 = 0x88a8;

/// The frame that leaves for a real server: other MAC addresses, one hop less. The checksum of an IPv4
/// header is computed from nothing; one that was wrong before stays wrong by as much.
pub(crate) fn forwarded(frame: &[u8], destination: [u8; 6]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[..6].copy_from_slice(&destination);
    frame[6..12].copy_from_slice(&DIRECTOR);
    let (at, v6) = ip_header(&frame);
    if v6 {
        frame[at + 7] -= 1;
        return frame;
    }
    let word = |frame: &[u8], at| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
    let (old, checksum) = (word(&frame, at + 8), word(&frame, at + 10));
    let right = {
        let mut copy = frame.clone();
        fix_checksum(&mut copy);
        copy == frame
    };
    frame[at + 8] -= 1;
    if right {
        fix_checksum(&mut frame);
    } else {
        // RFC 1624, section 3: HC' = ~(~HC + ~m + m').
        let sum = (!checksum & 0xffff) + (!old & 0xffff) + word(&frame, at + 8);
        frame[at + 10..at + 12].copy_from_slice(&(!folded(sum)).to_be_bytes());
    }
    frame
}

/// One's complement: the carries added back.
fn folded(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    u16::try_from((sum & 0xffff) + (sum >> 16)).expect("folded")
}

/// Sender and receiver of a packet.
pub(crate) fn addresses(frame: &[u8]) -> (IpAddr, IpAddr) {
    let (at, v6) = ip_header(frame);
    let v4 = |at: usize| Ipv4Addr::from(<[u8; 4]>::try_from(&frame[at..at + 4]).expect("four"));
    let six = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&frame[at..at + 16]).expect("16"));
    if v6 {
        (six(at + 8).into(), six(at + 24).into())
    } else {
        (v4(at + 12).into(), v4(at + 16).into())
    }
}

/// Where the IP header begins, and whether it is IPv6.
pub(crate) fn ip_header(frame: &[u8]) -> (usize, bool) {
    let mut at = 12;
    loop {
        let kind = u16::from_be_bytes([frame[at], frame[at + 1]]);
        at += 2;
        match kind {
            DOT1Q | DOT1AD => at += 2,
            0x86dd => return (at, true),
            0x0800 => return (at, false),
            _ => panic!("not IP: {kind:#x}"),
        }
    }
}

/// RFC 791, section 3.1: the checksum of the IPv4 header.
pub(crate) fn fix_checksum(frame: &mut [u8]) {
    let (at, v6) = ip_header(frame);
    if v6 {
        return;
    }
    let end = at + usize::from(frame[at] & 0x0f) * 4;
    frame[at + 10..at + 12].fill(0);
    let words = frame[at..end].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let checksum = !folded(words.sum());
    frame[at + 10..at + 12].copy_from_slice(&checksum.to_be_bytes());
}

/// With one byte replaced; the checksum of the IPv4 header follows.
pub(crate) fn with(frame: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] = byte;
    fix_checksum(&mut frame);
    frame
}

/// With VLAN tags, the outermost first.
pub(crate) fn tagged(frame: &[u8], tags: &[u16]) -> Vec<u8> {
    let tags = tags.iter().flat_map(|kind| {
        let [high, low] = kind.to_be_bytes();
        [high, low, 0x20, 100]
    });
    frame[..12].iter().copied().chain(tags).chain(frame[12..].iter().copied()).collect()
}

/// As it is in a VLAN: with one tag of 802.1Q, which keeps priority and drop eligibility of the one
/// that it had; 0: without a tag.
pub(crate) fn in_vlan(frame: &[u8], vlan: u16) -> Vec<u8> {
    let tagged = ip_header(frame).0 > 14;
    let priority = if tagged { frame[14] & 0xf0 } else { 0 };
    let rest = &frame[if tagged { 16 } else { 12 }..];
    let [high, low] = vlan.to_be_bytes();
    let tag = [0x81, 0x00, priority | high, low];
    let tag = if vlan == 0 { &[][..] } else { &tag };
    [&frame[..12], tag, rest].concat()
}

/// With one tag: its kind, and its priority, drop eligibility and VLAN.
pub(crate) fn with_tag(frame: &[u8], kind: u16, tci: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (kind.to_be_bytes(), tci.to_be_bytes());
    [&frame[..12], &[a, b, c, d], &frame[12..]].concat()
}

/// With so many words of IPv4 options (RFC 791: no operation).
pub(crate) fn with_options(frame: &[u8], words: u8) -> Vec<u8> {
    let options = vec![1; usize::from(words) * 4];
    let mut frame = [&frame[..34], &options, &frame[34..]].concat();
    frame[14] = 0x45 + words;
    fit(&mut frame);
    frame
}

/// With IPv6 extension headers in this order, each of eight bytes.
pub(crate) fn with_extensions(frame: &[u8], kinds: &[u8]) -> Vec<u8> {
    kinds.iter().rev().fold(frame.to_vec(), |frame, &kind| {
        // PadN for options, no segments left for routing, offset 0 and no more for a fragment.
        let rest = match kind {
            FRAGMENT => [0, 0, 0, 0, 0, 9],
            ROUTING => [4, 0, 0, 0, 0, 0],
            _ => [1, 4, 0, 0, 0, 0],
        };
        let header = [&[frame[20], 0][..], &rest].concat();
        let mut frame = [&frame[..54], &header, &frame[54..]].concat();
        frame[20] = kind;
        fit(&mut frame);
        frame
    })
}

/// As a fragment: `offset` in units of eight bytes, and whether more follow.
pub(crate) fn fragment(frame: &[u8], offset: u16, more: bool) -> Vec<u8> {
    let (_, v6) = ip_header(frame);
    if v6 {
        let mut frame = with_extensions(frame, &[FRAGMENT]);
        frame[56..58].copy_from_slice(&(offset << 3 | u16::from(more)).to_be_bytes());
        frame
    } else {
        let mut frame = frame.to_vec();
        frame[20..22].copy_from_slice(&(offset | u16::from(more) << 13).to_be_bytes());
        fix_checksum(&mut frame);
        frame
    }
}

/// With its IP length changed to fit the frame (no VLAN tags).
pub(crate) fn fit(frame: &mut [u8]) {
    set_length(frame, frame.len() - 14);
}

/// With an IP length of so many bytes, header included (no VLAN tags).
pub(crate) fn set_length(frame: &mut [u8], length: usize) {
    let (_, v6) = ip_header(frame);
    let (field, length) = if v6 { (18, length - 40) } else { (16, length) };
    let length = u16::try_from(length).expect("a length").to_be_bytes();
    frame[field..field + 2].copy_from_slice(&length);
    fix_checksum(frame);
}
