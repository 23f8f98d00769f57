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
    pub pool: u16,
    /// Number of its guard ([`super::Guard`]), 0 for none.
    pub guard: u16,
    /// First of its counters: one for each real server of the pool.
    pub counters: u32,
    /// The firewall mark that is its number, 0 for none.
    pub mark: u32,
}

const _: () = assert!(size_of::<Service>() == 40);

impl Service {
    /// Ports count in the hash.
    pub const PORTS: u32 = 1;
    /// In moved slots, packets go by the flow table (otherwise by the ring in force: stateless UDP).
    pub const TRACKED: u32 = 1 << 1;
    /// A UDP port that carries QUIC: its connections are told apart as TCP's are.
    pub const QUIC: u32 = 1 << 2;
    /// The scheduler counts: every flow is noted, and a new one goes where [`super::Schedule`] says.
    pub const COUNTING: u32 = 1 << 3;
    /// A flood is on: no new notes.
    pub const FLOOD: u32 = 1 << 4;
    /// Where no real server is left, clients are told (ICMP unreachable).
    pub const REJECT: u32 = 1 << 5;
    /// Packets reach the real servers in tunnels ([`super::Tunnel`]).
    pub const TUNNEL: u32 = 1 << 6;
    /// Clients of a drained real server stay there until their time is up.
    pub const CLINGING: u32 = 1 << 7;
    const IDLE_SHIFT: u32 = 15;
    const SECOND: u64 = 1_000_000_000;

    /// Puts [`Service::flags`] together. `bits`: the constants above. `idle`: seconds for which a client
    /// (where ports count: a UDP flow) stays where it is after a change; 0 for not at all. Cut to 17 bits.
    #[must_use]
    pub const fn flags(bits: u32, idle: u32) -> u32 {
        bits & ((1 << Self::IDLE_SHIFT) - 1) | (idle << Self::IDLE_SHIFT)
    }

    /// True where every bit of `bits` is set.
    #[inline(always)]
    #[must_use]
    pub const fn has(&self, bits: u32) -> bool {
        self.flags & bits == bits
    }

    /// All ones where the ports count, 0 where all connections of a client belong together.
    #[inline(always)]
    #[must_use]
    pub const fn port_mask(&self) -> u32 {
        0_u32.wrapping_sub(self.flags & Self::PORTS)
    }

    /// True where clients, or UDP flows, stay where they are after a change.
    #[inline(always)]
    #[must_use]
    pub const fn sticky(&self) -> bool {
        self.flags >> Self::IDLE_SHIFT != 0
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
        let [m, n] = self.service.pool.to_ne_bytes();
        let [o, p] = self.service.guard.to_ne_bytes();
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
    pub protocols: u16,
    /// The port of its only TCP entry, which later fragments without a note belong to; 0 where there are
    /// several, or where it stands for every port.
    pub tcp: u16,
    /// The same for UDP.
    pub udp: u16,
    /// Zero.
    pub zero: u16,
}

const _: () = assert!(size_of::<Vip>() == 12);

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
    pub const fn protocol_bit(protocol: u8) -> u16 {
        match protocol {
            6 => 1,
            17 => 2,
            _ => 0,
        }
    }

    /// The port that fragments of `protocol` without a note belong to, where there is only one.
    #[inline(always)]
    #[must_use]
    pub const fn only_port(&self, protocol: u8) -> Option<u16> {
        let port = match protocol {
            6 => self.tcp,
            17 => self.udp,
            _ => 0,
        };
        if port == 0 { None } else { Some(port) }
    }
}
