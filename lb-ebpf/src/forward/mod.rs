//! Forwarding methods: one a file.

mod direct;
mod tunnel;

use lb_common::abi::{Link, Reason};

pub(crate) use direct::direct_routing;
pub(crate) use tunnel::tunnel;

use crate::{maps::DEVICES, packet::Packet};
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

/// The action that sends a frame out of the real server's interface: it leaves when the program returns.
#[inline(always)]
fn send(packet: &Packet<'_>, link: &Link) -> Result<u32, Reason> {
    if link.interface == packet.interface() {
        return Ok(xdp_action::XDP_TX);
    }
    DEVICES.redirect(link.interface, 0).map_err(|_| Reason::NoDevice)
}
