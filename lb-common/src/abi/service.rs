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
    /// What else is said of it: [`Service::flags`] puts this together.
    pub flags: u32,
    /// Number of its pool.
    pub pool: u32,
    /// First of its counters: one for each real server of the pool.
    pub counters: u32,
    /// The firewall mark that is its number, 0 for none.
    pub mark: u32,
}

const _: () = assert!(size_of::<Service>() == 40);

impl Service {
    const PORTS: u32 = 1;
    const TRACKED: u32 = 2;
    const STICKY: u32 = 4;
    const IDLE_SHIFT: u32 = 8;
    const SECOND: u64 = 1_000_000_000;

    /// Puts [`Service::flags`] together. `ports`: they count in the hash. `tracked`: in moved slots, packets
    /// go by the flow table (otherwise by the ring in force: stateless UDP). `idle`: seconds for which a
    /// client (where ports count: a UDP flow) stays where it is after a change; 0 for not at all. Cut to 24
    /// bits.
    #[must_use]
    pub const fn flags(ports: bool, tracked: bool, idle: u32) -> u32 {
        (if ports { Self::PORTS } else { 0 })
            | (if tracked { Self::TRACKED } else { 0 })
            | (if idle > 0 { Self::STICKY } else { 0 })
            | (idle << Self::IDLE_SHIFT)
    }

    /// All ones where the ports count, 0 where all connections of a client belong together.
    #[inline(always)]
    #[must_use]
    pub const fn port_mask(&self) -> u32 {
        0_u32.wrapping_sub(self.flags & Self::PORTS)
    }

    /// True where packets of moved slots go by the flow table.
    #[inline(always)]
    #[must_use]
    pub const fn tracked(&self) -> bool {
        self.flags & Self::TRACKED != 0
    }

    /// True where clients, or UDP flows, stay where they are after a change.
    #[inline(always)]
    #[must_use]
    pub const fn sticky(&self) -> bool {
        self.flags & Self::STICKY != 0
    }

    /// For how long they stay after their last packet, in nanoseconds.
    #[inline(always)]
    #[must_use]
    pub const fn idle(&self) -> u64 {
        (self.flags >> Self::IDLE_SHIFT) as u64 * Self::SECOND
    }
}

/// A virtual service where packets look first: one cache line, at the place that its key hashes to
/// ([`crate::flow_hash::HashKeys::fast_place`]). What is not here is looked up in the hash map of services,
/// which costs more. An entry is never replaced by another while a packet may be reading it:
/// it is cleared, rests, and is written again.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastService {
    /// Whose it is.
    pub key: ServiceKey,
    /// 1 while it may be used.
    pub used: u32,
    /// The same as in the hash map.
    pub service: Service,
}

const _: () = assert!(size_of::<FastService>() == 64);

impl FastService {
    /// The words that the agent stores; the third one ends with `used`.
    #[must_use]
    pub const fn words(&self) -> [u64; 8] {
        let [a, b] = self.key.address.halves().0;
        let [c, d] = self.key.port.to_ne_bytes();
        let [e, f, g, h] = self.used.to_ne_bytes();
        let [i, j, k, l] = self.service.flags.to_ne_bytes();
        let [m, n, o, p] = self.service.pool.to_ne_bytes();
        let [q, r, s, t] = self.service.counters.to_ne_bytes();
        let [u, v, w, x] = self.service.mark.to_ne_bytes();
        [
            a,
            b,
            u64::from_ne_bytes([c, d, self.key.protocol, 0, e, f, g, h]),
            self.service.salt,
            self.service.source_mask[0],
            self.service.source_mask[1],
            u64::from_ne_bytes([i, j, k, l, m, n, o, p]),
            u64::from_ne_bytes([q, r, s, t, u, v, w, x]),
        ]
    }
}

/// Number of places for [`FastService`]: a power of two.
pub const FAST_SERVICES: u32 = 16_384;

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
    /// True where a service of this address may own packets of `protocol`; of any, where it is not known.
    #[inline(always)]
    #[must_use]
    pub const fn serves(&self, protocol: Option<u8>) -> bool {
        match protocol {
            Some(protocol) => self.protocols & Self::protocol_bit(protocol) != 0,
            None => true,
        }
    }

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
