//! An IP address of either family as 16 bytes in network order; IPv4 as `::ffff:a.b.c.d`.
#![expect(unsafe_code, reason = "two words are sixteen bytes")]

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP address as map keys hold it.
#[repr(C, align(4))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Network order. IPv4 is mapped: ten zeros, two 0xff, four bytes.
    pub bytes: [u8; 16],
}

const _: () = assert!(size_of::<Address>() == 16);

impl Address {
    /// From two halves as they stand in the packet (native loads of network-order bytes).
    #[inline(always)]
    #[must_use]
    pub const fn from_halves(halves: Halves) -> Self {
        // SAFETY: both are sixteen plain bytes. (Put together byte by byte, the BPF target would build the
        // address with a call of memset.)
        Self { bytes: unsafe { core::mem::transmute::<[u64; 2], [u8; 16]>(halves.0) } }
    }

    /// The halves, as a packet would have them.
    #[inline(always)]
    #[must_use]
    pub const fn halves(&self) -> Halves {
        let b = &self.bytes;
        Halves([
            u64::from_ne_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]),
            u64::from_ne_bytes([b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]]),
        ])
    }

    /// The address as the standard library's type; mapped addresses come back as IPv4.
    #[must_use]
    pub fn to_ip(self) -> IpAddr {
        let v6 = Ipv6Addr::from(self.bytes);
        v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
    }
}

/// An address on its way through a decision: two words, which stay in registers where sixteen bytes would
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves(pub [u64; 2]);

impl Halves {
    /// From an IPv4 address as it stands in the packet.
    #[inline(always)]
    #[must_use]
    pub const fn from_v4_word(word: u32) -> Self {
        let [a, b, c, d] = word.to_ne_bytes();
        Self([0, u64::from_ne_bytes([0, 0, 0xff, 0xff, a, b, c, d])])
    }

    /// True for `::ffff:a.b.c.d`, which stands for an IPv4 address in the maps and for nothing on the wire.
    #[inline(always)]
    #[must_use]
    pub const fn is_mapped_v4(self) -> bool {
        let [high, low] = self.lanes();
        high == 0 && low & 0xffff_ffff == 0xffff_0000
    }

    /// True within `fe80::/10`.
    #[inline(always)]
    #[must_use]
    pub const fn is_link_local(self) -> bool {
        let [high, _] = self.lanes();
        high & 0xc0ff == 0x80fe
    }

    /// The halves as the flow hash reads them, the same on every machine.
    #[inline(always)]
    #[must_use]
    pub const fn lanes(self) -> [u64; 2] {
        [u64::from_le(self.0[0]), u64::from_le(self.0[1])]
    }
}

impl From<Ipv4Addr> for Address {
    fn from(ip: Ipv4Addr) -> Self {
        Self { bytes: ip.to_ipv6_mapped().octets() }
    }
}

impl From<Ipv6Addr> for Address {
    fn from(ip: Ipv6Addr) -> Self {
        Self { bytes: ip.octets() }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => v6.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_survive_the_round_trip() {
        for text in ["10.8.8.40", "0.0.0.0", "2001:db8::40", "::1"] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(Address::from(ip).to_ip(), ip);
        }
    }

    #[test]
    fn words_are_the_packets_bytes() {
        let ip = Ipv4Addr::new(10, 8, 8, 40);
        let word = u32::from_ne_bytes(ip.octets());
        assert_eq!(Address::from_halves(Halves::from_v4_word(word)), Address::from(ip));
        assert_eq!(Address::from(ip).halves(), Halves::from_v4_word(word));
    }
}
