//! The way to a real server that is reached in a tunnel.

use super::{Address, Halves};

/// The outer header of a real server's packets. Stands beside the [`super::Real`] of the same number; written
/// before that one names it, and never changed while packets use it (another address is another number).
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// Where the tunnel ends: the real server. Its family is that of the outer header.
    pub remote: Address,
    /// Where it begins: the director, or the prefix that `spread` fills up.
    pub local: Address,
    /// The bits of `local` that are taken from the flow's hash, so that the real server's receive queues
    /// share the work; 0 for a fixed address.
    pub spread: [u64; 2],
    /// UDP port of GUE; 0 for IP in IP.
    pub port: u16,
    /// The largest packet that fits inside, in bytes.
    pub mtu: u16,
    /// Zero.
    pub zero2: u16,
    /// 1 where the outer header is IPv6.
    pub v6: u16,
    /// Zero.
    pub zero: u64,
}

const _: () = assert!(size_of::<Tunnel>() == 64);

impl Tunnel {
    /// Bytes that it puts before a packet.
    #[inline(always)]
    #[must_use]
    pub const fn overhead(&self) -> u16 {
        let ip = if self.v6 == 0 { 20 } else { 40 };
        if self.port == 0 { ip } else { ip + 8 }
    }

    /// The outer source of a flow: its free bits are filled from the hash.
    #[inline(always)]
    #[must_use]
    pub const fn source(&self, hash: u64) -> Halves {
        let Halves([high, low]) = self.local.halves();
        let [a, b] = self.spread;
        Halves([high | hash.rotate_left(32) & a, low | hash & b])
    }
}
