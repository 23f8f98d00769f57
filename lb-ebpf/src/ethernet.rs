//! The head of a frame that moves: what stands before the IP header.

use lb_common::wire::{
    ETHERNET, Frame as _,
    ethertype::{IPV4, IPV6},
};

use crate::packet::Packet;

/// Two MAC addresses, two VLAN tags and a type, in units of two bytes: the most that is moved.
pub(crate) const WORDS: usize = 11;
const MACS: usize = 6;

/// What becomes of the MAC addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Macs {
    /// They stay.
    Kept,
    /// They change places: the frame goes back to where it came from.
    Turned,
}

/// Copies a frame's head, which reaches up to an IP header at `ip`, from `from` to `to`, where the type becomes
/// that of an IP header of the family `v6`. The two do not overlap.
#[inline(always)]
pub(crate) fn copy_head(
    packet: &mut Packet<'_>,
    from: usize,
    to: usize,
    ip: usize,
    v6: bool,
    macs: Macs,
) -> Option<()> {
    packet.copy_words::<WORDS>(from, to, |word, value| {
        let target = if word < MACS && macs == Macs::Turned { (word + 3) % MACS } else { word };
        let end = (word + 1) * 2;
        if end < ip {
            Some((target, value))
        } else if end == ip {
            Some((target, (if v6 { IPV6 } else { IPV4 }).to_be()))
        } else {
            None
        }
    })
}

/// The source MAC address as a number: its bytes in order, the first one lowest.
#[inline(always)]
pub(crate) fn source(packet: &Packet<'_>) -> Option<u64> {
    let macs = packet.window::<ETHERNET>(0)?;
    let (low, high) = (macs.raw32::<6>(), macs.raw16::<10>());
    Some(u64::from(u32::from_le(low)) | u64::from(u16::from_le(high)) << 32)
}
