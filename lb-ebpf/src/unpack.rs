//! The far end of tunnels, on hosts that receive what a director sends: the outer header comes off, and the
//! packet inside goes on to this host.
#![expect(clippy::cast_possible_truncation, reason = "headers are at most 48 bytes")]
#![expect(unsafe_code, reason = "a function that the kernel's verifier looks at by itself")]

use aya_ebpf::bindings::{xdp_action, xdp_md};
use lb_common::{
    abi::{Address, GuardAction, GuardList, Halves, Reason},
    decode::{self, Kind},
    wire::{ETHERNET, Frame as _, protocol},
};

use crate::{
    ethernet::{Macs, copy_head},
    guard::look,
    packet::Packet,
    stats,
};

/// No XDP action: the frame goes the usual way.
const NOT_OURS: u32 = u32::MAX;
const IPV4: u8 = 4;
const IPV6: u8 = 41;

/// An outer header.
struct Outer {
    from: Halves,
    to: Halves,
    protocol: u8,
    length: usize,
}

/// Unpacks a frame that is in a tunnel to this host: the XDP action; `None` for every other frame.
#[inline(always)]
pub(crate) fn unpack(packet: &mut Packet<'_>) -> Option<u32> {
    let action = unpack_packet(packet.context());
    packet.reload();
    if action == NOT_OURS { None } else { Some(action) }
}

/// A global function of the program: the verifier looks at it once.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn unpack_packet(ctx: *mut xdp_md) -> u32 {
    // SAFETY: called with the context of the running program, which reads its packet anew afterwards.
    unpacked(&mut unsafe { Packet::from_raw(ctx) }).unwrap_or(NOT_OURS)
}

#[inline(always)]
fn unpacked(packet: &mut Packet<'_>) -> Option<u32> {
    let outer = outer(packet)?;
    let ip_in_ip = outer.protocol == IPV4 || outer.protocol == IPV6;
    if !ip_in_ip && outer.protocol != protocol::UDP {
        return None;
    }
    let port = look(GuardList::ENDS, Address::from_halves(outer.to));
    if port == 0 {
        return None;
    }
    let mut inside = ETHERNET + outer.length;
    if !ip_in_ip {
        let udp = packet.window::<8>(inside)?;
        if u32::from(udp.be16::<2>()) != port {
            return None;
        }
        inside += 8;
    }
    let bytes = packet.length();
    // GUE, variant 1: the first bits are those of an IP header.
    let v6 = match packet.window::<20>(inside)?.u8::<0>() >> 4 {
        4 => false,
        6 => true,
        _ => return None,
    };
    if look(GuardList::TUNNELS, Address::from_halves(outer.from)) != GuardAction::Allow as u32 {
        stats::refused(Reason::Stranger, bytes);
        return Some(xdp_action::XDP_DROP);
    }
    let done = strip(packet, inside - ETHERNET, v6);
    let reason = if done.is_some() { Reason::Unpacked } else { Reason::Inconsistent };
    stats::refused(reason, bytes);
    Some(if done.is_some() { xdp_action::XDP_PASS } else { xdp_action::XDP_DROP })
}

/// The outer header of an untagged frame, without options or extension headers.
#[inline(always)]
fn outer(packet: &Packet<'_>) -> Option<Outer> {
    match decode::kind(packet) {
        (Kind::Ipv4, ETHERNET) => {
            let header = packet.window::<20>(ETHERNET)?;
            let whole = header.be16::<6>() & 0x3fff == 0;
            (header.u8::<0>() == 0x45 && whole).then_some(Outer {
                from: Halves::from_v4_word(header.raw32::<12>()),
                to: Halves::from_v4_word(header.raw32::<16>()),
                protocol: header.u8::<9>(),
                length: 20,
            })
        }
        (Kind::Ipv6, ETHERNET) => {
            let header = packet.window::<40>(ETHERNET)?;
            Some(Outer {
                from: Halves([header.raw64::<8>(), header.raw64::<16>()]),
                to: Halves([header.raw64::<24>(), header.raw64::<32>()]),
                protocol: header.u8::<6>(),
                length: 40,
            })
        }
        (Kind::Ipv4 | Kind::Ipv6 | Kind::Pass(_), _) => None,
    }
}

/// Takes `bytes` away behind the Ethernet header.
#[inline(always)]
fn strip(packet: &mut Packet<'_>, bytes: usize, v6: bool) -> Option<()> {
    copy_head(packet, 0, bytes, ETHERNET, v6, Macs::Kept)?;
    packet.grow(-(bytes as i32))
}
