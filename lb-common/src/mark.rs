//! The firewall mark of a packet that goes on to the host.

use core::borrow::Borrow as _;

use crate::{
    decode::{self, Decoded, Kind},
    verdict::{Tables, find, later},
    wire::Frame,
};

/// The mark of the service that a frame belongs to, 0 for none. Whatever sends a packet on to the host asks
/// this, whether or not a real server was chosen for it: it may have come in a tunnel, or by another director.
#[inline(always)]
pub fn mark<F: Frame + ?Sized, T: Tables>(frame: &F, tables: &T) -> u32 {
    match decode::kind(frame) {
        (Kind::Ipv4, at) => of(decode::ipv4(frame, at), tables),
        (Kind::Ipv6, at) => of(decode::ipv6(frame, at), tables),
        (Kind::Pass(_), _) => 0,
    }
}

#[inline(always)]
fn of<T: Tables>(decoded: Decoded, tables: &T) -> u32 {
    let flow = match decoded {
        Decoded::Flow { flow, .. } | Decoded::Quote { flow, .. } => Some(flow),
        Decoded::Later { from, to, protocol, ip } => later(from, to, protocol, &ip, tables).ok(),
        Decoded::Portless { .. } | Decoded::Pass(_) => None,
    };
    flow.and_then(|flow| find(&flow, tables)).map_or(0, |service| service.borrow().mark)
}
