//! A real server as the XDP program sees it: where to send, and whether.

/// What a real server may be given. Bits of [`Real::state_and_link`].
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

/// One real server of one pool. One word, replaced by one store: a packet never sees half of it, and a cache
/// line holds eight, which is what a packet's cost depends on where there are many.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Real {
    /// Where frames go: the real server, or the router before it.
    pub destination_mac: [u8; 6],
    /// Bits 0 to 3: [`RealState`]. Bits 4 to 15: the number of its [`Link`].
    pub state_and_link: u16,
}

const _: () = assert!(size_of::<Real>() == 8);

impl Real {
    const LINK_SHIFT: u32 = 4;

    /// Puts a record together. `link`: below [`LINKS`].
    #[must_use]
    pub const fn new(destination_mac: [u8; 6], state: RealState, link: u16) -> Self {
        Self { destination_mac, state_and_link: state.0 | link << Self::LINK_SHIFT }
    }

    /// What it may be given.
    #[inline(always)]
    #[must_use]
    pub const fn state(&self) -> RealState {
        RealState(self.state_and_link & ((1 << Self::LINK_SHIFT) - 1))
    }

    /// The link it is behind; 0 where that is not known.
    #[inline(always)]
    #[must_use]
    pub const fn link(&self) -> u16 {
        self.state_and_link >> Self::LINK_SHIFT
    }

    /// The word that the XDP program reads and the agent stores.
    #[inline(always)]
    #[must_use]
    pub const fn word(&self) -> u64 {
        let ([a, b, c, d, e, f], [g, h]) =
            (self.destination_mac, self.state_and_link.to_ne_bytes());
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }

    /// The record that [`Real::word`] came from.
    #[inline(always)]
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = word.to_ne_bytes();
        Self { destination_mac: [a, b, c, d, e, f], state_and_link: u16::from_ne_bytes([g, h]) }
    }
}

/// Number of [`Link`]s; the first one is nowhere.
pub const LINKS: u32 = 1 << (16 - Real::LINK_SHIFT);

/// How frames leave: shared by all real servers behind one interface, in one VLAN. Never changed while a [`Real`] names it.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The director's own address there.
    pub source_mac: [u8; 6],
    /// The largest packet (IP header included) that may go there, in bytes; 0: not known.
    pub mtu: u16,
    /// The interface.
    pub interface: u32,
    /// The VLAN on it (802.1Q), 1 to 4,094; 0: frames bear no tag.
    pub vlan: u16,
    /// Zero.
    pub zero: u16,
}

const _: () = assert!(size_of::<Link>() == 16);

impl Link {
    /// The words that the XDP program reads and the agent stores.
    #[inline(always)]
    #[must_use]
    pub const fn words(&self) -> [u64; 2] {
        let ([a, b, c, d, e, f], [g, h]) = (self.source_mac, self.mtu.to_ne_bytes());
        let ([i, j, k, l], [m, n]) = (self.interface.to_ne_bytes(), self.vlan.to_ne_bytes());
        [u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes([i, j, k, l, m, n, 0, 0])]
    }

    /// The record that [`Link::words`] came from.
    #[inline(always)]
    #[must_use]
    pub const fn from_words([first, second]: [u64; 2]) -> Self {
        let [a, b, c, d, e, f, g, h] = first.to_ne_bytes();
        let [i, j, k, l, m, n, ..] = second.to_ne_bytes();
        Self {
            source_mac: [a, b, c, d, e, f],
            mtu: u16::from_ne_bytes([g, h]),
            interface: u32::from_ne_bytes([i, j, k, l]),
            vlan: u16::from_ne_bytes([m, n]),
            zero: 0,
        }
    }

    /// Both MAC addresses as an Ethernet header begins with them: its first eight bytes, and four more.
    #[inline(always)]
    #[must_use]
    pub const fn header_to(&self, real: &Real) -> (u64, u32) {
        let (to, from) = (u64::from_le(real.word()), u64::from_le(self.words()[0]));
        #[expect(clippy::cast_possible_truncation, reason = "the source address's last four bytes")]
        ((to & MAC | from << 48).to_le(), ((from >> 16) as u32).to_le())
    }
}

/// The bytes of a MAC address in a word.
const MAC: u64 = (1 << 48) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Link = Link {
        source_mac: [7, 8, 9, 10, 11, 12],
        mtu: 1_500,
        interface: 0x0102_0304,
        vlan: 0x0506,
        zero: 0,
    };

    #[test]
    fn words_are_the_record() {
        let state = RealState::USABLE.with(RealState::LOCAL);
        let real = Real::new([1, 2, 3, 4, 5, 6], state, 0xfff);
        assert_eq!(Real::from_word(real.word()), real);
        assert_eq!((real.state(), real.link()), (state, 0xfff));
        assert_eq!(Link::from_words(LINK.words()), LINK);
    }

    #[test]
    fn a_header_is_both_addresses() {
        let real = Real::new([1, 2, 3, 4, 5, 6], RealState::RESOLVED, 1);
        let (first, second) = LINK.header_to(&real);
        assert_eq!(first.to_ne_bytes(), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(second.to_ne_bytes(), [9, 10, 11, 12]);
    }
}
