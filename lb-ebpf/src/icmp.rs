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

use aya_ebpf::bindings::xdp_action;
use lb_common::{
    abi::{Halves, Reason},
    decode::IpHeader,
    verdict::Tables as _,
    wire::Frame as _,
};

use crate::{
    checksum::Sum,
    ethernet::{Macs, Types},
    maps::{self, ANSWERS},
    packet::Packet,
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
    const fn of(reason: Reason, mtu: u16) -> Option<Self> {
        match reason {
            // Time exceeded in transit.
            Reason::TtlExceeded => Some(Self { v4: 0x0b00, v6: 0x0300, mtu: 0 }),
            // Port unreachable: what a TCP client takes for "connection refused".
            Reason::Rejected => Some(Self { v4: 0x0303, v6: 0x0104, mtu: 0 }),
            // Fragmentation needed, packet too big.
            Reason::TooBig => Some(Self { v4: 0x0304, v6: 0x0200, mtu }),
            _ => None,
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
    let message = Message::of(reason, mtu)?;
    if ip.offset == 0 || !within_rate() {
        return None;
    }
    if ip.v6 { answer6(packet, ip, message) } else { answer4(packet, ip, message) }?;
    Some(xdp_action::XDP_TX)
}

#[inline(always)]
fn answer4(packet: &mut Packet<'_>, ip: IpHeader, message: Message) -> Option<()> {
    let header = packet.window::<20>(ip.offset)?;
    let (client, vip) = (header.raw32::<12>(), header.raw32::<16>());
    let first = client.to_ne_bytes()[0];
    // RFC 1122, section 3.2.2: never to what is not a single host.
    if first == 0 || first == 127 || first >= 224 {
        return None;
    }
    let own = maps::node().map_or(0, |node| (node.ipv4.halves().0[1] >> 32) as u32);
    let from = if own == 0 { vip } else { own };
    let quote = turn(packet, ip, HEADERS4)?;
    let at = ip.offset;
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
    packet.write::<u32>(at, words[0])?;
    packet.write::<u32>(at + 4, words[1])?;
    packet.write::<u32>(at + 8, words[2] | u32::from(sum) << 16)?;
    packet.write::<u32>(at + 12, from)?;
    packet.write::<u32>(at + 16, client)?;
    let rest = u32::from(message.mtu).to_be();
    write_icmp(packet, at + 20, message.v4, rest, quote, Sum::default())
}

#[inline(always)]
fn answer6(packet: &mut Packet<'_>, ip: IpHeader, message: Message) -> Option<()> {
    let header = packet.window::<40>(ip.offset)?;
    let client = Halves([header.raw64::<8>(), header.raw64::<16>()]);
    let vip = Halves([header.raw64::<24>(), header.raw64::<32>()]);
    // RFC 4443, section 2.4 (e): never to what is not a single host.
    if client.0[0].to_ne_bytes()[0] == 0xff || client.0[0] == 0 {
        return None;
    }
    let own = maps::node().map_or(Halves([0; 2]), |node| node.ipv6.halves());
    let from = if own.0 == [0; 2] { vip } else { own };
    let quote = turn(packet, ip, HEADERS6)?;
    let at = ip.offset;
    let length = ((8 + quote) as u16).to_be();
    packet.write::<u32>(at, 0x6000_0000_u32.to_be())?;
    // Next header ICMPv6, hop limit 64.
    packet.write::<u32>(at + 4, u32::from(length) | u32::from(0x403a_u16.to_le()) << 16)?;
    packet.write::<u64>(at + 8, from.0[0])?;
    packet.write::<u64>(at + 16, from.0[1])?;
    packet.write::<u64>(at + 24, client.0[0])?;
    packet.write::<u64>(at + 32, client.0[1])?;
    let pseudo = [from.0[0], from.0[1], client.0[0], client.0[1]];
    let sum = pseudo.into_iter().fold(Sum::default(), Sum::add_long);
    let sum = sum.add(u32::from(length)).add(58_u32.to_be());
    write_icmp(packet, at + 40, message.v6, u32::from(message.mtu).to_be(), quote, sum)
}

/// Makes room for `headers` before the IP header, cuts the packet behind what is quoted, and sends the frame
/// back where it came from. Returns the number of bytes that are quoted.
#[inline(always)]
fn turn(packet: &mut Packet<'_>, ip: IpHeader, headers: usize) -> Option<usize> {
    let (macs, types) = (Macs::read(packet)?, Types::read(packet, ip.offset)?);
    let quote = if ip.length > QUOTED { QUOTED } else { ip.length & !3 };
    packet.grow(headers as i32)?;
    packet.resize(ip.offset + headers + quote)?;
    macs.turned().write(packet)?;
    types.write(packet, Types::kind(ip.v6))?;
    Some(quote)
}

/// Writes the ICMP header in front of the quote.
#[inline(always)]
fn write_icmp(
    packet: &mut Packet<'_>,
    at: usize,
    kind: u16,
    rest: u32,
    quote: usize,
    pseudo: Sum,
) -> Option<()> {
    let mut sum = pseudo.add(u32::from(kind.to_be())).add(rest);
    for word in 0..QUOTED / 4 {
        if word * 4 < quote {
            sum = sum.add(packet.window::<4>(at + 8 + word * 4)?.raw32::<0>());
        }
    }
    packet.write::<u32>(at, u32::from(kind.to_be()) | u32::from(sum.finish()) << 16)?;
    packet.write::<u32>(at + 4, rest)
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
