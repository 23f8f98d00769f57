//! A virtual service as the XDP program sees it: one entry for each address, protocol and port.

use super::Address;

/// What a packet is looked up by.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceKey {
    /// The VIP.
    pub address: Address,
    /// Destination port; 0 stands for every port that has no entry of its own.
    pub port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Zero.
    pub zero: u8,
}

const _: () = assert!(size_of::<ServiceKey>() == 20);

impl ServiceKey {
    /// The key of `port` at `address`.
    #[inline(always)]
    #[must_use]
    pub const fn new(address: Address, protocol: u8, port: u16) -> Self {
        Self { address, port, protocol, zero: 0 }
    }

    /// The key that catches every other port.
    #[inline(always)]
    #[must_use]
    pub const fn wildcard(self) -> Self {
        Self { port: 0, ..self }
    }
}

/// How the packets of a virtual service are treated. All entries of a bundle hold the same record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Starts the flow hash: differs from VIP to VIP, is the same for all ports of one.
    pub salt: u64,
    /// Which bits of the client's address count ([`super::Halves::lanes`]).
    pub source_mask: [u64; 2],
    /// All ones where the ports count, 0 where all connections of a client belong together.
    pub port_mask: u32,
    /// Number of its pool.
    pub pool: u32,
    /// First of its counters: one for each real server of the pool.
    pub counters: u32,
    /// The firewall mark that is its number, 0 for none.
    pub mark: u32,
}

const _: () = assert!(size_of::<Service>() == 40);

/// An address that at least one virtual service uses: packets to it that no service can be chosen for
/// (later fragments, too many headers) are dropped instead of reaching the host.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vip {
    /// Number of service entries at this address.
    pub services: u32,
    /// Bit 0: TCP, bit 1: UDP.
    pub protocols: u32,
}

const _: () = assert!(size_of::<Vip>() == 8);

impl Vip {
    /// Its bit in [`Vip::protocols`]; 0 for what no service can have.
    #[inline(always)]
    #[must_use]
    pub const fn protocol_bit(protocol: u8) -> u32 {
        match protocol {
            6 => 1,
            17 => 2,
            _ => 0,
        }
    }
}
