//! The tag that a frame leaves with (IEEE 802.1Q): that of its link, whatever it came in with.

use lb_common::{
    abi::Reason,
    wire::{ETHERNET, VLAN_TAG, ethertype},
};

use crate::packet::Packet;

/// Where a tag stands: behind the MAC addresses.
const TAG: usize = ETHERNET - 2;
/// Where the IP header of a frame with one tag stands.
const TAGGED: usize = ETHERNET + VLAN_TAG;
/// The bits of a tag's second half that are no VLAN: priority and drop eligibility.
const PRIORITY: u16 = 0xf000;

/// Gives a frame whose IP header stands at `ip` the tag of `vlan`, or none where that is 0. Returns where the IP
/// header stands then. Where a tag comes or goes, the MAC addresses are lost: the caller writes them anew.
///
/// # Errors
/// A frame with two tags, which is left as it is: nobody behind a link of one VLAN could read it.
#[inline(always)]
pub(super) fn retag(packet: &mut Packet<'_>, vlan: u16, ip: usize) -> Result<usize, Reason> {
    if ip > TAGGED {
        return Err(Reason::Headers);
    }
    let done = match (ip == TAGGED, vlan) {
        (false, 0) => return Ok(ETHERNET),
        (true, 0) => packet.grow(-4),
        (true, vlan) => packet.update::<u32>(TAG, |old| tag(tci(old) & PRIORITY | vlan)),
        (false, vlan) => packet.grow(4).and_then(|()| packet.write(TAG, tag(vlan))),
    };
    let ip = if vlan == 0 { ETHERNET } else { TAGGED };
    done.map(|()| ip).ok_or(Reason::Inconsistent)
}

/// A tag as it stands in the frame.
#[inline(always)]
const fn tag(tci: u16) -> u32 {
    ((ethertype::VLAN as u32) << 16 | tci as u32).to_be()
}

/// The second half of a tag as it stands in the frame: priority, drop eligibility, VLAN.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half")]
const fn tci(tag: u32) -> u16 {
    u32::from_be(tag) as u16
}
