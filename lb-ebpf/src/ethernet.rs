//! The head of a frame that is moved: what stands between the MAC addresses and the IP header.

use lb_common::wire::{ETHERNET, Frame as _};

use crate::packet::Packet;

/// Two VLAN tags and a type, two bytes each.
const WORDS: usize = 5;
const MACS: usize = 12;

/// VLAN tags and the type, as they stand in the frame.
pub(crate) struct Types {
    words: [u16; WORDS],
    /// Bytes in use.
    length: usize,
}

impl Types {
    /// Those before an IP header at `ip`.
    #[inline(always)]
    pub(crate) fn read(packet: &Packet<'_>, ip: usize) -> Option<Self> {
        let mut words = [0; WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            if MACS + index * 2 < ip {
                *word = packet.window::<2>(MACS + index * 2)?.raw16::<0>();
            }
        }
        Some(Self { words, length: ip.checked_sub(MACS)? })
    }

    /// Writes them to the front of a frame, where the last one says `kind` (network order).
    #[inline(always)]
    pub(crate) fn write(&self, packet: &mut Packet<'_>, kind: u16) -> Option<()> {
        for (index, word) in self.words.iter().enumerate() {
            let end = (index + 1) * 2;
            if end < self.length {
                packet.write::<u16>(MACS + index * 2, *word)?;
            } else if end == self.length {
                packet.write::<u16>(MACS + index * 2, kind)?;
            }
        }
        Some(())
    }

    /// The type of the IP header (network order).
    #[inline(always)]
    pub(crate) fn kind(v6: bool) -> u16 {
        use lb_common::wire::ethertype::{IPV4, IPV6};
        if v6 { IPV6.to_be() } else { IPV4.to_be() }
    }
}

/// The MAC addresses of a frame.
#[derive(Clone, Copy)]
pub(crate) struct Macs {
    destination: [u16; 3],
    source: [u16; 3],
}

impl Macs {
    #[inline(always)]
    pub(crate) fn read(packet: &Packet<'_>) -> Option<Self> {
        let macs = packet.window::<ETHERNET>(0)?;
        Some(Self {
            destination: [macs.raw16::<0>(), macs.raw16::<2>(), macs.raw16::<4>()],
            source: [macs.raw16::<6>(), macs.raw16::<8>(), macs.raw16::<10>()],
        })
    }

    /// The source as a number: its bytes in order, the first one lowest.
    #[inline(always)]
    pub(crate) fn source(self) -> u64 {
        let [a, b, c] = self.source;
        u64::from(u16::from_le(a))
            | u64::from(u16::from_le(b)) << 16
            | u64::from(u16::from_le(c)) << 32
    }

    /// Back to where it came from.
    #[inline(always)]
    pub(crate) const fn turned(self) -> Self {
        Self { destination: self.source, source: self.destination }
    }

    #[inline(always)]
    pub(crate) fn write(self, packet: &mut Packet<'_>) -> Option<()> {
        for (index, word) in self.destination.into_iter().chain(self.source).enumerate() {
            packet.write::<u16>(index * 2, word)?;
        }
        Some(())
    }
}
