//! Where a packet's IP header stands, in one word: what functions of the program hand to each other.

use lb_common::decode::IpHeader;

/// The most that stands before an IP header: MAC addresses, two tags, the type.
const MOST: usize = 22;

/// Of an [`IpHeader`], what is needed to put headers before it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Its offset in the frame.
    pub(crate) offset: usize,
    /// Length of the packet, at most 65,575.
    pub(crate) length: usize,
    /// IPv6 (false: IPv4).
    pub(crate) v6: bool,
}

impl Place {
    #[inline(always)]
    pub(crate) const fn of(ip: IpHeader) -> Self {
        Self { offset: ip.offset, length: ip.length, v6: ip.v6 }
    }

    #[inline(always)]
    pub(crate) const fn pack(self) -> u64 {
        self.length as u64 | (self.offset as u64) << 32 | (self.v6 as u64) << 40
    }

    /// What [`Place::pack`] has packed. The verifier has to see that the numbers are small.
    #[inline(always)]
    pub(crate) const fn unpack(word: u64) -> Self {
        let offset = (word >> 32 & 0x1f) as usize;
        let offset = if offset > MOST { MOST } else { offset };
        Self { offset, length: (word & 0x1_ffff) as usize, v6: word >> 40 & 1 == 1 }
    }
}
