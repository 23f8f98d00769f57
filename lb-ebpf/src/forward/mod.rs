//! Forwarding methods: one a file.

mod direct;
mod tunnel;
mod vlan;

use lb_common::{
    abi::{Features, Link, Reason},
    decode::IpHeader,
};

pub(crate) use direct::direct_routing;
pub(crate) use tunnel::tunnel;

use crate::{
    maps::{self, DEVICES},
    packet::Packet,
};
use aya_ebpf::bindings::xdp_action;

/// A packet that cannot be sent on.
pub(crate) struct Refusal {
    /// Why.
    pub(crate) reason: Reason,
    /// The largest that could, where it is too large.
    pub(crate) mtu: u16,
}

impl From<Reason> for Refusal {
    #[inline(always)]
    fn from(reason: Reason) -> Self {
        Self { reason, mtu: 0 }
    }
}

/// The action that sends a frame out of the real server's interface, in its VLAN: it leaves when the program returns.
/// And its IP header, which may have moved; its MAC addresses are still to be written.
#[inline(always)]
fn send(packet: &mut Packet<'_>, link: &Link, ip: IpHeader) -> Result<(u32, IpHeader), Reason> {
    let action = if link.interface == packet.interface() {
        xdp_action::XDP_TX
    } else {
        DEVICES.redirect(link.interface, 0).map_err(|_| Reason::NoDevice)?
    };
    if maps::features().has(Features::VLANS) {
        let offset = vlan::retag(packet, link.vlan, ip.offset)?;
        return Ok((action, IpHeader { offset, ..ip }));
    }
    Ok((action, ip))
}
