//! ICMP errors to clients, built where the packet is: RFC 792, RFC 1191, RFC 4443, RFC 8201.
//!
//! The frame turns round: the error's own headers go in front, the packet that caused it is cut to what is
//! quoted. Not more than [`RATE`] a second and CPU (RFC 1812, section 4.3.2.8; RFC 4443, section 2.4 (f)).
#![expect(
    clippy::cast_possible_truncation,
    reason = "header fields take the low bits; lengths are at most 176"
)]
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::bindings::{xdp_action, xdp_md};
use lb_common::{
    abi::{Halves, Reason},
    decode::IpHeader,
    verdict::Tables as _,
    wire::Frame as _,
};

use crate::{
    checksum::Sum,
    ethernet::{Macs, copy_head},
    maps::{self, ANSWERS},
    packet::Packet,
    place::Place,
    tables::Maps,
};

/// Errors a second and CPU, and how many may come at once.
const RATE: u64 = 1_000;
const BURST: u64 = 50;
const SECOND: u64 = 1_000_000_000;
/// Bytes of the packet that are quoted at most: enough for its headers, little for who forges its source.
const QUOTED: usize = 128;
/// Headers that are put before the packet.
const HEADERS4: usize = 20 + 8;
const HEADERS6: usize = 40 + 8;

/// What an error says: type and code of both families, and the four bytes behind the checksum.
#[derive(Clone, Copy)]
struct Message {
    v4: u16,
    v6: u16,
    mtu: u16,
}

impl Message {
    /// The error for a reason; `None` where clients are not told.
    #[inline(always)]
    const fn of(reason: u32, mtu: u16) -> Option<Self> {
        if reason == Reason::TtlExceeded as u32 {
            // Time exceeded in transit.
            Some(Self { v4: 0x0b00, v6: 0x0300, mtu: 0 })
        } else if reason == Reason::Rejected as u32 {
            // Port unreachable: what a TCP client takes for "connection refused".
            Some(Self { v4: 0x0303, v6: 0x0104, mtu: 0 })
        } else if reason == Reason::TooBig as u32 {
            // Fragmentation needed, packet too big.
            Some(Self { v4: 0x0304, v6: 0x0200, mtu })
        } else {
            None
        }
    }
}

/// Turns the frame into an ICMP error to its sender: the action that sends it, where there is one to send.
#[inline(always)]
pub(crate) fn answer(
    packet: &mut Packet<'_>,
    ip: IpHeader,
    reason: Reason,
    mtu: u16,
) -> Option<u32> {
    if ip.offset == 0 || Message::of(reason as u32, mtu).is_none() {
        return None;
    }
    let at = Place::of(ip).pack();
    let sent = icmp_answer(packet.context(), at, reason as u32, u32::from(mtu));
    packet.reload();
    if sent == 0 { None } else { Some(xdp_action::XDP_TX) }
}

/// A global function of the program: the verifier looks at it once, not once for every way to get here.
/// Returns 1 where the frame is an ICMP error now.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn icmp_answer(ctx: *mut xdp_md, at: u64, reason: u32, mtu: u32) -> u32 {
    let place = Place::unpack(at);
    // SAFETY: called with the context of the running program, which reads its packet anew afterwards.
    let mut packet = unsafe { Packet::from_raw(ctx) };
    let Some(message) = Message::of(reason, mtu as u16) else { return 0 };
    // RFC 1122, section 3.2.2: never about what was sent to everybody on the link.
    if packet.window::<6>(0).is_none_or(|to| to.u8::<0>() & 1 == 1) || !within_rate() {
        return 0;
    }
    let sent = if place.v6 {
        answer6(&mut packet, place, message)
    } else {
        answer4(&mut packet, place, message)
    };
    u32::from(sent.is_some())
}

#[inline(always)]
fn answer4(packet: &mut Packet<'_>, ip: Place, message: Message) -> Option<()> {
    let from = packet.behind(ip.offset);
    let header = from.window::<20>(0)?;
    let (client, vip) = (header.raw32::<12>(), header.raw32::<16>());
    let first = client.to_ne_bytes()[0];
    // RFC 1122, section 3.2.2: never to what is not a single host.
    if first == 0 || first == 127 || first >= 224 {
        return None;
    }
    let own = maps::node().map_or(0, |node| (node.ipv4.halves().0[1] >> 32) as u32);
    let from = if own == 0 { vip } else { own };
    let quote = turn(packet, ip, HEADERS4)?;
    let mut packet = packet.behind(ip.offset);
    let total = ((HEADERS4 + quote) as u16).to_be();
    // Version 4, five words, type of service "internetwork control" (RFC 1812, section 4.3.2.5).
    let words = [
        u32::from(0xc045_u16.to_le()) | u32::from(total) << 16,
        0,
        // TTL 64, ICMP.
        u32::from(0x0140_u16.to_le()),
        from,
        client,
    ];
    let sum = words.into_iter().fold(Sum::default(), Sum::add).finish();
    let rest = u32::from(message.mtu).to_be();
    let check = icmp_sum(&packet, HEADERS4, message.v4, rest, quote, Sum::default())?;
    let icmp = u32::from(message.v4.to_be()) | u32::from(check) << 16;
    let [a, b, c, d, e] = words;
    let headers = [a, b, c | u32::from(sum) << 16, d, e, icmp, rest];
    packet.write::<[u32; 7]>(0, headers)
}

#[inline(always)]
fn answer6(packet: &mut Packet<'_>, ip: Place, message: Message) -> Option<()> {
    let from = packet.behind(ip.offset);
    let header = from.window::<40>(0)?;
    let client = Halves([header.raw64::<8>(), header.raw64::<16>()]);
    let vip = Halves([header.raw64::<24>(), header.raw64::<32>()]);
    // RFC 4443, section 2.4 (e): never to what is not a single host.
    if client.0[0].to_ne_bytes()[0] == 0xff || client.0[0] == 0 {
        return None;
    }
    let own = maps::node().map_or(Halves([0; 2]), |node| node.ipv6.halves());
    let from = if own.0 == [0; 2] { vip } else { own };
    let quote = turn(packet, ip, HEADERS6)?;
    let mut packet = packet.behind(ip.offset);
    let length = ((8 + quote) as u16).to_be();
    let pseudo = [from.0[0], from.0[1], client.0[0], client.0[1]];
    let sum = pseudo.into_iter().fold(Sum::default(), Sum::add_long);
    let sum = sum.add(u32::from(length)).add(58_u32.to_be());
    let rest = u32::from(message.mtu).to_be();
    let check = icmp_sum(&packet, HEADERS6, message.v6, rest, quote, sum)?;
    let long = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    // Next header ICMPv6, hop limit 64.
    let start =
        long(0x6000_0000_u32.to_be(), u32::from(length) | u32::from(0x403a_u16.to_le()) << 16);
    let icmp = u32::from(message.v6.to_be()) | u32::from(check) << 16;
    let (from, client) = (from.0, client.0);
    let headers = [start, from[0], from[1], client[0], client[1], long(icmp, rest)];
    packet.write::<[u64; 6]>(0, headers)
}

/// Makes room for `headers` before the IP header, cuts the packet behind what is quoted, and sends the frame
/// back where it came from. Returns the number of bytes that are quoted.
#[inline(always)]
fn turn(packet: &mut Packet<'_>, ip: Place, headers: usize) -> Option<usize> {
    let quote = if ip.length > QUOTED { QUOTED } else { ip.length & !3 };
    packet.grow(headers as i32)?;
    packet.resize(ip.offset + headers + quote)?;
    copy_head(packet, headers, 0, ip.offset, ip.v6, Macs::Turned)?;
    Some(quote)
}

/// The checksum of an error whose quote stands at `at`.
#[inline(always)]
fn icmp_sum(
    packet: &Packet<'_>,
    at: usize,
    kind: u16,
    rest: u32,
    quote: usize,
    pseudo: Sum,
) -> Option<u16> {
    let mut sum = pseudo.add(u32::from(kind.to_be())).add(rest);
    for word in 0..QUOTED / 4 {
        if word * 4 < quote {
            sum = sum.add(packet.window::<4>(at + word * 4)?.raw32::<0>());
        }
    }
    Some(sum.finish())
}

#[inline(always)]
fn within_rate() -> bool {
    let Some(bucket) = ANSWERS.get_ptr_mut(0) else { return false };
    // SAFETY: this CPU's own element, which lives as long as the map; XDP runs on it one at a time.
    let next = unsafe { *bucket }.take(Maps.now(), SECOND / RATE, SECOND / RATE * (BURST - 1));
    match next {
        Some(next) => {
            // SAFETY: as above.
            unsafe { *bucket = next };
            true
        }
        None => false,
    }
}
