//! A real server as the XDP program sees it: where to send, and whether.

/// What a real server may be given. Bits of [`Real::state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RealState(pub u16);

impl RealState {
    /// It takes packets of flows that belong to it: not failed, not in maintenance.
    pub const USABLE: Self = Self(1);
    /// Its MAC address is known.
    pub const RESOLVED: Self = Self(2);
    /// It takes new clients: usable, and not drained.
    pub const OPEN: Self = Self(4);
    /// It is this host: its packets go on to the host's own stack.
    pub const LOCAL: Self = Self(8);

    /// True where every bit of `other` is set.
    #[inline(always)]
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One real server of one pool. Each of its words is replaced by one store; 32 bytes, so that no record
/// crosses a cache line.
#[repr(C, align(32))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Real {
    /// Where frames go: the real server, or the router before it.
    pub destination_mac: [u8; 6],
    /// The director's own address on that interface.
    pub source_mac: [u8; 6],
    /// [`RealState`].
    pub state: u16,
    /// Zero.
    pub zero: u16,
    /// The interface it is behind.
    pub interface: u32,
    /// The largest packet (IP header included) that this interface takes, in bytes; 0: not known.
    pub mtu: u16,
    /// Zero.
    pub zero2: u16,
}

const _: () = assert!(size_of::<Real>() == 32);

impl Real {
    /// The three words that the XDP program reads and the agent stores.
    #[must_use]
    pub const fn words(&self) -> [u64; 3] {
        let (d, s) = (self.destination_mac, self.source_mac);
        let (t, i) = (self.state.to_ne_bytes(), self.interface.to_ne_bytes());
        let m = self.mtu.to_ne_bytes();
        [
            u64::from_ne_bytes([d[0], d[1], d[2], d[3], d[4], d[5], s[0], s[1]]),
            u64::from_ne_bytes([s[2], s[3], s[4], s[5], t[0], t[1], 0, 0]),
            u64::from_ne_bytes([i[0], i[1], i[2], i[3], m[0], m[1], 0, 0]),
        ]
    }

    /// The record that [`Real::words`] came from.
    #[inline(always)]
    #[must_use]
    pub const fn from_words(words: [u64; 3]) -> Self {
        let (a, b, c) = (words[0].to_ne_bytes(), words[1].to_ne_bytes(), words[2].to_ne_bytes());
        Self {
            destination_mac: [a[0], a[1], a[2], a[3], a[4], a[5]],
            source_mac: [a[6], a[7], b[0], b[1], b[2], b[3]],
            state: u16::from_ne_bytes([b[4], b[5]]),
            zero: 0,
            interface: u32::from_ne_bytes([c[0], c[1], c[2], c[3]]),
            mtu: u16::from_ne_bytes([c[4], c[5]]),
            zero2: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_record() {
        let real = Real {
            destination_mac: [1, 2, 3, 4, 5, 6],
            source_mac: [7, 8, 9, 10, 11, 12],
            state: RealState::USABLE.with(RealState::RESOLVED).0,
            zero: 0,
            interface: 0x0102_0304,
            mtu: 1_500,
            zero2: 0,
        };
        assert_eq!(Real::from_words(real.words()), real);
    }
}
