//! What should become of frames in tunnels that end here: from the RFCs, beside the program's own code.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_common::abi::Reason;
use lb_userspace::model::{Node, TunnelKind};

use crate::{
    director::{XDP_DROP, XDP_PASS},
    wrap,
};

/// Reason, action and frame where it ends here; `None` where it goes the usual way. Tags, options, extension
/// headers and fragments outside are no tunnel.
pub(crate) fn unpacked(node: &Node, frame: &[u8]) -> Option<(Reason, u32, Vec<u8>)> {
    let byte = |at: usize| frame.get(at).copied();
    let (from, to, protocol, end): (IpAddr, IpAddr, u8, usize) = match frame.get(12..14)? {
        [0x08, 0x00] => {
            let header: &[u8; 20] = frame.get(14..)?.first_chunk()?;
            if header[0] != 0x45 || header[6] & 0x3f != 0 || header[7] != 0 {
                return None;
            }
            let address = |at: usize| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?));
            (address(12)?.into(), address(16)?.into(), header[9], 34)
        }
        [0x86, 0xdd] => {
            let header: &[u8; 40] = frame.get(14..)?.first_chunk()?;
            let address = |at: usize| Some(Ipv6Addr::from(*header.get(at..)?.first_chunk::<16>()?));
            (address(8)?.into(), address(24)?.into(), header[6], 54)
        }
        _ => return None,
    };
    if !node.decapsulate.contains(&to) {
        return None;
    }
    let inside = match protocol {
        4 | 41 => end,
        17 => {
            let port = u16::from_be_bytes([byte(end + 2)?, byte(end + 3)?]);
            if port != TunnelKind::DEFAULT_GUE_PORT {
                return None;
            }
            end + 8
        }
        _ => return None,
    };
    let packet: &[u8; 20] = frame.get(inside..)?.first_chunk()?;
    if !matches!(packet[0] >> 4, 4 | 6) {
        return None;
    }
    if node.decapsulate_from.iter().any(|net| net.contains(&from)) {
        Some((Reason::Unpacked, XDP_PASS, wrap::inside(frame)))
    } else {
        Some((Reason::Stranger, XDP_DROP, frame.to_vec()))
    }
}
