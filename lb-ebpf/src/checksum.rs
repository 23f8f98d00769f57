//! The Internet checksum (RFC 1071): words as the machine loads them, which it allows in any byte order.
#![expect(clippy::cast_possible_truncation, reason = "the carries are folded in")]

/// A sum that is not folded yet.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// Adds a word as it stands in the packet.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn add(self, word: u32) -> Self {
        Self(self.0 + word as u64)
    }

    /// Adds both halves of eight bytes.
    #[inline(always)]
    #[must_use]
    pub(crate) const fn add_long(self, word: u64) -> Self {
        Self(self.0 + (word & 0xffff_ffff) + (word >> 32))
    }

    /// The checksum, as it stands in the packet.
    #[inline(always)]
    pub(crate) const fn finish(self) -> u16 {
        let folded =
            (self.0 & 0xffff) + (self.0 >> 16 & 0xffff) + (self.0 >> 32 & 0xffff) + (self.0 >> 48);
        let folded = (folded & 0xffff) + (folded >> 16);
        let folded = (folded & 0xffff) + (folded >> 16);
        !(folded as u16)
    }
}
