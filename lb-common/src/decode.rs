//! One decoder for XDP, the agent's tests, `lb trace` and the fuzzer: frame → flow, or why there is none.
//!
//! Followed: up to two VLAN tags, IPv4 with options, up to [`EXTENSIONS`] IPv6 extension headers, TCP, UDP,
//! and ICMP errors with the flow that they quote. Lengths are the IP header's, never the frame's: a padded
//! runt has no ports in its padding.

use crate::{
    abi::{Halves, Reason},
    flow::{Flow, Segment},
    wire::{ETHERNET, Frame, VLAN_TAG, ethertype, is_tag, protocol},
};

/// VLAN tags that are followed.
pub const TAGS: usize = 2;
/// IPv6 extension headers that are followed.
pub const EXTENSIONS: usize = 4;

/// The flag of IPv4 fragments that are not the last one.
const MORE_FRAGMENTS: u16 = 0x2000;

/// Where the IP header stands, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpHeader {
    /// Offset in the frame.
    pub offset: usize,
    /// IPv6 (false: IPv4).
    pub v6: bool,
    /// TTL or hop limit, as it came.
    pub ttl: u8,
    /// Length of the packet, this header included.
    pub length: usize,
    /// True for the first of several fragments.
    pub first: bool,
    /// Its identification, as it stands in the packet, where it is a fragment.
    pub id: u32,
}

impl IpHeader {
    /// Where an ICMP error about this packet may be sent: nothing is known of a packet that was not decoded
    /// as far as this.
    pub const NONE: Self = Self { offset: 0, v6: false, ttl: 0, length: 0, first: false, id: 0 };
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A packet of a flow. `whole` is false where the transport header is cut short behind its ports.
    Flow {
        /// The flow.
        flow: Flow,
        /// Its IP header.
        ip: IpHeader,
        /// The transport header is all there.
        whole: bool,
    },
    /// An ICMP error sent to a VIP about a flow of this client.
    Quote {
        /// The flow, turned round: as the client sends it.
        flow: Flow,
        /// The IP header of the error itself.
        ip: IpHeader,
    },
    /// A later fragment: its ports stand in the first one.
    Later {
        /// Sender and receiver.
        from: Halves,
        /// Where it is going.
        to: Halves,
        /// The IP protocol.
        protocol: u8,
        /// Its IP header.
        ip: IpHeader,
    },
    /// For this address, but no port can be told: `vip` is the reason if it is a VIP, `other` if not.
    Portless {
        /// Where it is going.
        to: Halves,
        /// The IP protocol, where the header got as far as that.
        protocol: Option<u8>,
        /// The reason, if that is a VIP.
        vip: Reason,
        /// The reason, if it is not.
        other: Reason,
    },
    /// Nothing for a service.
    Pass(Reason),
}

/// What the IP header says of what follows it.
struct Payload {
    ip: IpHeader,
    from: Halves,
    to: Halves,
    protocol: u8,
    /// Offset of the transport header.
    at: usize,
    /// Bytes from there on, as the IP header counts them.
    length: usize,
    /// A fragment other than the first.
    later: bool,
}

/// What stands behind the MAC addresses and VLAN tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
    /// Nothing for a service.
    Pass(Reason),
}

/// Looks behind the MAC addresses and up to [`TAGS`] tags: what stands there, and where.
#[inline(always)]
pub fn kind<F: Frame + ?Sized>(frame: &F) -> (Kind, usize) {
    let mut at = ETHERNET;
    let Some(ethernet) = frame.window::<ETHERNET>(0) else {
        return (Kind::Pass(Reason::PassTruncated), at);
    };
    let mut kind = ethernet.be16::<12>();
    for _ in 0..TAGS {
        if !is_tag(kind) {
            break;
        }
        let Some(tag) = frame.window::<VLAN_TAG>(at) else {
            return (Kind::Pass(Reason::PassTruncated), at);
        };
        at += VLAN_TAG;
        kind = tag.be16::<2>();
    }
    let kind = match kind {
        ethertype::IPV4 => Kind::Ipv4,
        ethertype::IPV6 => Kind::Ipv6,
        kind if is_tag(kind) => Kind::Pass(Reason::PassHeaders),
        _ => Kind::Pass(Reason::NotIp),
    };
    (kind, at)
}

/// Reads a frame.
pub fn decode<F: Frame + ?Sized>(frame: &F) -> Decoded {
    match kind(frame) {
        (Kind::Ipv4, at) => ipv4(frame, at),
        (Kind::Ipv6, at) => ipv6(frame, at),
        (Kind::Pass(reason), _) => Decoded::Pass(reason),
    }
}

/// An IPv4 packet whose header begins at `at`.
#[inline(always)]
pub fn ipv4<F: Frame + ?Sized>(frame: &F, at: usize) -> Decoded {
    match ipv4_header(frame, at, false) {
        Ok(payload) => transport(frame, &payload),
        Err(why) => why,
    }
}

/// An IPv6 packet whose header begins at `at`.
#[inline(always)]
pub fn ipv6<F: Frame + ?Sized>(frame: &F, at: usize) -> Decoded {
    match ipv6_header(frame, at, false) {
        Ok(payload) => transport(frame, &payload),
        Err(why) => why,
    }
}

/// RFC 791, section 3.1. A `quoted` header stands inside an ICMP error, where the packet behind it is cut.
#[inline(always)]
fn ipv4_header<F: Frame + ?Sized>(frame: &F, at: usize, quoted: bool) -> Result<Payload, Decoded> {
    let Some(header) = frame.window::<20>(at) else {
        return Err(Decoded::Pass(Reason::PassTruncated));
    };
    let to = Halves::from_v4_word(header.raw32::<16>());
    let first = header.u8::<0>();
    let header_length = usize::from(first & 0x0f) * 4;
    let fragment = header.be16::<6>();
    let total = usize::from(header.be16::<2>());
    let cut = !quoted && at + total > frame.length();
    if first >> 4 != 4 || header_length < 20 || total < header_length || cut {
        return Err(Decoded::Portless {
            to,
            protocol: None,
            vip: Reason::Truncated,
            other: Reason::PassTruncated,
        });
    }
    Ok(Payload {
        ip: IpHeader {
            offset: at,
            v6: false,
            ttl: header.u8::<8>(),
            length: total,
            first: fragment & 0x3fff == MORE_FRAGMENTS,
            id: u32::from(header.raw16::<4>()),
        },
        from: Halves::from_v4_word(header.raw32::<12>()),
        to,
        protocol: header.u8::<9>(),
        at: at + header_length,
        length: total - header_length,
        later: fragment & 0x1fff != 0,
    })
}

/// RFC 8200, sections 3 and 4.
#[inline(always)]
fn ipv6_header<F: Frame + ?Sized>(frame: &F, at: usize, quoted: bool) -> Result<Payload, Decoded> {
    let Some(header) = frame.window::<40>(at) else {
        return Err(Decoded::Pass(Reason::PassTruncated));
    };
    let from = Halves([header.raw64::<8>(), header.raw64::<16>()]);
    let to = Halves([header.raw64::<24>(), header.raw64::<32>()]);
    if to.is_mapped_v4() {
        return Err(Decoded::Pass(Reason::NoService));
    }
    let short = Decoded::Portless {
        to,
        protocol: None,
        vip: Reason::Truncated,
        other: Reason::PassTruncated,
    };
    let mut length = usize::from(header.be16::<4>());
    let total = length + 40;
    if header.u8::<0>() >> 4 != 6 || (!quoted && at + 40 + length > frame.length()) {
        return Err(short);
    }
    let mut next = header.u8::<6>();
    let mut offset = at + 40;
    let (mut later, mut first, mut id) = (false, false, 0);
    for _ in 0..EXTENSIONS {
        let size = match next {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION => {
                let Some(extension) = frame.window::<2>(offset) else { return Err(short) };
                next = extension.u8::<0>();
                (usize::from(extension.u8::<1>()) + 1) * 8
            }
            protocol::FRAGMENT => {
                let Some(extension) = frame.window::<8>(offset) else { return Err(short) };
                next = extension.u8::<0>();
                let place = extension.be16::<2>();
                later = place & 0xfff8 != 0;
                first = place & 0xfff9 == 1;
                id = extension.raw32::<4>();
                8
            }
            _ => break,
        };
        if length < size {
            return Err(short);
        }
        length -= size;
        offset += size;
        if later {
            break;
        }
    }
    let extension = matches!(
        next,
        protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION | protocol::FRAGMENT
    );
    if extension {
        // What is inside stands behind headers that only the first fragment has, or that are too many.
        let (vip, other) = if later {
            (Reason::Fragment, Reason::PassFragment)
        } else {
            (Reason::Headers, Reason::PassHeaders)
        };
        return Err(Decoded::Portless { to, protocol: None, vip, other });
    }
    let ip = IpHeader { offset: at, v6: true, ttl: header.u8::<7>(), length: total, first, id };
    Ok(Payload { ip, from, to, protocol: next, at: offset, length, later })
}

/// Behind the IP header: TCP, UDP, an ICMP error, or nothing of ours.
#[inline(always)]
fn transport<F: Frame + ?Sized>(frame: &F, payload: &Payload) -> Decoded {
    let to = payload.to;
    if payload.later {
        let (from, protocol, ip) = (payload.from, payload.protocol, payload.ip);
        return Decoded::Later { from, to, protocol, ip };
    }
    let icmp = if payload.ip.v6 { protocol::ICMPV6 } else { protocol::ICMP };
    if payload.protocol == protocol::TCP {
        // RFC 9293, section 3.1: ports, two numbers, then the flags in byte 13.
        if payload.length >= 20
            && let Some(tcp) = frame.window::<14>(payload.at)
        {
            return flow(payload, tcp.raw32::<0>(), segment(tcp.u8::<13>()), true);
        }
    } else if payload.protocol == protocol::UDP {
        if payload.length >= 8
            && let Some(udp) = frame.window::<8>(payload.at)
        {
            return flow(payload, udp.raw32::<0>(), datagram(frame, payload), true);
        }
    } else if payload.protocol == icmp {
        return error(frame, payload);
    } else {
        return Decoded::Pass(Reason::OtherProtocol);
    }
    if payload.length >= 4
        && let Some(ports) = frame.window::<4>(payload.at)
    {
        return flow(payload, ports.raw32::<0>(), Segment::Other, false);
    }
    Decoded::Portless { to, protocol: None, vip: Reason::Truncated, other: Reason::PassTruncated }
}

#[inline(always)]
const fn flow(payload: &Payload, ports: u32, segment: Segment, whole: bool) -> Decoded {
    let flow =
        Flow { client: payload.from, vip: payload.to, ports, protocol: payload.protocol, segment };
    Decoded::Flow { flow, ip: payload.ip, whole }
}

#[inline(always)]
const fn segment(flags: u8) -> Segment {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    if flags & RST != 0 {
        Segment::Rst
    } else if flags & (SYN | ACK) == SYN {
        Segment::Syn
    } else if flags & FIN != 0 {
        Segment::Fin
    } else {
        Segment::Other
    }
}

/// Whether a datagram would begin a connection, if it were QUIC: an Initial of version 1 (RFC 9000, section
/// 17.2.2) or 2 (RFC 9369, section 3.2).
#[inline(always)]
fn datagram<F: Frame + ?Sized>(frame: &F, payload: &Payload) -> Segment {
    const LONG: u8 = 0xc0;
    const KIND: u8 = 0x30;
    const V2: u32 = 0x6b33_43cf_u32.to_be();
    let initial = payload.length >= 13
        && frame.window::<5>(payload.at + 8).is_some_and(|quic| {
            let first = quic.u8::<0>();
            let wanted = if quic.raw32::<1>() == V2 { 0x10 } else { 0 };
            first & LONG == LONG && first & KIND == wanted
        });
    if initial { Segment::Initial } else { Segment::Datagram }
}

/// RFC 792 and RFC 4443: an error quotes the packet that caused it, which a real server sent *from* the VIP.
/// RFC 792 asks for no more than eight bytes of its transport header.
#[inline(always)]
fn error<F: Frame + ?Sized>(frame: &F, payload: &Payload) -> Decoded {
    let Some(icmp) = frame.window::<8>(payload.at) else {
        return Decoded::Pass(Reason::OtherProtocol);
    };
    let kind = icmp.u8::<0>();
    let is_error =
        if payload.ip.v6 { (1..=4).contains(&kind) } else { matches!(kind, 3 | 4 | 11 | 12) };
    if !is_error || payload.length < 8 {
        return Decoded::Pass(Reason::OtherProtocol);
    }
    let inner = payload.at + 8;
    let quoted = if payload.ip.v6 {
        ipv6_header(frame, inner, true)
    } else {
        ipv4_header(frame, inner, true)
    };
    let Ok(quoted) = quoted else { return Decoded::Pass(Reason::OtherProtocol) };
    let ours = quoted.protocol == protocol::TCP || quoted.protocol == protocol::UDP;
    // What stands behind the end of the error is the frame's padding.
    let cut = quoted.at + 4 > payload.at + payload.length;
    if quoted.later || !ours || cut || quoted.from != payload.to {
        return Decoded::Pass(Reason::OtherProtocol);
    }
    let Some(ports) = frame.window::<4>(quoted.at) else {
        return Decoded::Pass(Reason::OtherProtocol);
    };
    let flow = Flow {
        client: quoted.to,
        vip: quoted.from,
        ports: ports.raw32::<0>().rotate_left(16),
        protocol: quoted.protocol,
        segment: if quoted.protocol == protocol::TCP { Segment::Other } else { Segment::Datagram },
    };
    Decoded::Quote { flow, ip: payload.ip }
}

#[cfg(test)]
#[path = "decode_test.rs"]
mod tests;
