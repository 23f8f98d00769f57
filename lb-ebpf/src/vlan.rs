//! The tag that a frame leaves with (IEEE 802.1Q): that of its link, whatever it came in with.
#![expect(
    clippy::cast_possible_truncation,
    reason = "link numbers are small, and of a tag the low half is wanted"
)]
#![expect(unsafe_code, reason = "a function that the kernel's verifier looks at by itself")]

use aya_ebpf::bindings::xdp_md;
use lb_common::{
    abi::{Real, Reason},
    verdict::Tables as _,
    wire::{ETHERNET, Frame as _, VLAN_TAG, ethertype, is_tag},
};

use crate::{packet::Packet, tables::Maps};

/// Where a tag stands: behind the MAC addresses.
const TAG: usize = ETHERNET - 2;
/// The bits of a tag's second half that are no VLAN: priority and drop eligibility.
const PRIORITY: u16 = 0xf000;

/// Whether a frame whose IP header stands at `ip` has more tags than are exchanged: nobody behind a link of one
/// VLAN could read the second one.
#[inline(always)]
pub(crate) const fn has_two_tags(ip: usize) -> bool {
    ip > ETHERNET + VLAN_TAG
}

/// Gives a frame that is ready for its real server the tag of the link, or none.
#[inline(always)]
pub(crate) fn retag(packet: &mut Packet<'_>, real: &Real) -> Result<(), Reason> {
    let done = retag_packet(packet.context(), u32::from(real.link()));
    packet.reload();
    if done == 0 { Err(Reason::Inconsistent) } else { Ok(()) }
}

/// A global function of the program: the verifier looks at it once, and who has no VLANs does not pay for what
/// would be kept over it. Returns 1 where the frame has the tag.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn retag_packet(ctx: *mut xdp_md, link: u32) -> u32 {
    // SAFETY: called with the context of the running program, which reads its packet anew afterwards.
    let mut packet = unsafe { Packet::from_raw(ctx) };
    let Some(link) = Maps.link(link as u16) else { return 0 };
    u32::from(exchange(&mut packet, link.vlan).is_some())
}

#[inline(always)]
fn exchange(packet: &mut Packet<'_>, vlan: u16) -> Option<()> {
    let head = packet.window::<{ TAG + VLAN_TAG }>(0)?;
    let macs = (head.raw64::<0>(), head.raw32::<8>());
    let (tagged, old) = (is_tag(head.be16::<TAG>()), head.be16::<{ TAG + 2 }>());
    match (tagged, vlan) {
        (false, 0) => return Some(()),
        (true, 0) => packet.grow(-(VLAN_TAG as i32))?,
        (true, vlan) => return packet.write(TAG, tag(old & PRIORITY | vlan)),
        (false, vlan) => {
            packet.grow(VLAN_TAG as i32)?;
            packet.write(TAG, tag(vlan))?;
        }
    }
    packet.write::<u64>(0, macs.0)?;
    packet.write::<u32>(8, macs.1)
}

/// A tag as it stands in the frame.
#[inline(always)]
const fn tag(tci: u16) -> u32 {
    ((ethertype::VLAN as u32) << 16 | tci as u32).to_be()
}
