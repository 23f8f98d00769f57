//! Checks that go through a VIP: what stands on both sides of a translation.

use super::{Address, Halves};

/// The most connections of checks through VIPs at a time.
pub const THROUGH: u32 = 65_536;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Way {
    /// From this host to a real server.
    Out = 0,
    /// From a real server to this host.
    In = 1,
}

/// A connection of a check, as its packets show it on one side: for the kernel of this host it goes to the real
/// server's own address, for the real server to the VIP.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThroughKey {
    /// This host's address.
    pub own: Address,
    /// What stands in the other place: going out, the real server's address; coming in, the VIP.
    pub other: Address,
    /// This host's port and the other one, as they stand in the packet.
    pub ports: [u16; 2],
    /// IP protocol number.
    pub protocol: u8,
    /// [`Way`].
    pub way: u8,
    /// Zero.
    pub zero: u16,
}

const _: () = assert!(size_of::<ThroughKey>() == 40);

/// What becomes of its packets. Going out, `own` and `other` are the ends of the packet for the real server: this host's
/// address in the VIP's family, and the VIP. Coming in, they are those that the kernel of this host knows: its own
/// address, and the real server's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Takes the place of this host's address; another one only where the families differ.
    pub own: Address,
    /// Takes the other end's place.
    pub other: Address,
    /// Going out: where the tunnel begins.
    pub local: Address,
    /// Where it ends.
    pub remote: Address,
    /// UDP port of GUE; 0 for IP in IP.
    pub port: u16,
    /// What is put around the packet ([`Turn::PLAIN`], [`Turn::IN_V4`], [`Turn::IN_V6`]).
    pub around: u16,
}

const _: () = assert!(size_of::<Turn>() == 68);

impl Turn {
    /// No tunnel.
    pub const PLAIN: u16 = 0;
    /// A tunnel over IPv4.
    pub const IN_V4: u16 = 4;
    /// A tunnel over IPv6.
    pub const IN_V6: u16 = 6;
}

impl ThroughKey {
    /// The packets of this host's `own` address and port with the `other` ones.
    #[inline(always)]
    #[must_use]
    pub const fn new(way: Way, protocol: u8, own: (Halves, u16), other: (Halves, u16)) -> Self {
        Self {
            own: Address::from_halves(own.0),
            other: Address::from_halves(other.0),
            ports: [own.1, other.1],
            protocol,
            way: way as u8,
            zero: 0,
        }
    }
}
