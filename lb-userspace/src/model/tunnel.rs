//! Tunnels: how a packet is wrapped for a real server that is not in the director's own network.

use serde::{Deserialize, Serialize};

/// How real servers of a pool are reached by services with `mode = "tunnel"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// What is put around a packet.
    pub kind: TunnelKind,
    /// The largest packet, with what is around it, that the path to the real servers carries; `None`: as
    /// the interface.
    pub mtu: Option<u16>,
}

/// What is put around a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TunnelKind {
    /// An IP header alone, of the real server's family (RFC 2003, RFC 2473, RFC 4213).
    #[default]
    Ip,
    /// IP and UDP headers: GUE variant 1 (draft-ietf-intarea-gue).
    Gue {
        /// The UDP port that the real servers listen on.
        port: u16,
    },
}

/// An MTU that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("MTU {0} is out of range: the path to the servers carries {min} to {max} bytes", min = Tunnel::SMALLEST_MTU, max = u16::MAX)]
pub struct MtuError(i128);

impl Tunnel {
    /// The smallest MTU: every IPv4 host takes packets of this size (RFC 1122, section 3.3.2).
    pub const SMALLEST_MTU: u16 = 576;

    /// Checks the range of an MTU.
    pub fn mtu(value: impl Into<i128>) -> Result<u16, MtuError> {
        let value = value.into();
        u16::try_from(value).ok().filter(|mtu| *mtu >= Self::SMALLEST_MTU).ok_or(MtuError(value))
    }
}

impl TunnelKind {
    /// The UDP port of GUE where none is named (IANA: `gue`).
    pub const DEFAULT_GUE_PORT: u16 = 6_080;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mtu() {
        assert_eq!(Tunnel::mtu(576), Ok(576));
        assert_eq!(Tunnel::mtu(65_535), Ok(65_535));
        for bad in [-1, 0, 575, 65_536] {
            let error = Tunnel::mtu(bad).unwrap_err().to_string();
            assert!(error.contains("576 to 65535"), "{error}");
        }
    }
}
