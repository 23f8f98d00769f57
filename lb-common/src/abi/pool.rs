//! A pool's rings: which real server each slot of the hash belongs to.
//!
//! In the steady state a packet reads `current` alone. After a change, the slots that it moved carry the
//! *tracked* bit for as long as the transition window is open; for those, `base` tells where flows that
//! are older than the change belong, and the flow table where flows have been seen since.

/// Where a ring lies in the arena. One aligned word: replaced by one store.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingRef {
    /// First word of the region; bits 30 and 31: [`SlotWidth`].
    pub offset: u32,
    /// Number of slots; 0 is the ring without any.
    pub slots: u32,
}

const _: () = assert!(size_of::<RingRef>() == 8 && align_of::<RingRef>() == 8);

/// How many bits the slots of a ring have: as few as its real servers allow, because what rings take in the caches
/// is most of what a packet costs where many services are busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SlotWidth {
    /// Bit 15: tracked; bits 0 to 14: the real server.
    Sixteen = 0,
    /// Bit 7: tracked; bits 0 to 6: the real server, below 127.
    Eight = 1,
    /// The real server, below 15; none is tracked.
    Four = 2,
}

impl SlotWidth {
    /// The widths, the smallest first.
    pub const ALL: [Self; 3] = [Self::Four, Self::Eight, Self::Sixteen];

    /// Bits of a slot.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u32 {
        16 >> self as u32
    }

    /// Slots in a word.
    #[inline(always)]
    #[must_use]
    pub const fn in_word(self) -> u32 {
        SLOTS_PER_WORD << self as u32
    }
}

impl RingRef {
    const WIDTH_SHIFT: u32 = 30;

    /// A ring of `slots` slots, whose region begins at `first_word`.
    #[must_use]
    pub const fn new(first_word: u32, slots: u32, width: SlotWidth) -> Self {
        Self { offset: first_word | (width as u32) << Self::WIDTH_SHIFT, slots }
    }

    /// The width of its slots.
    #[inline(always)]
    #[must_use]
    pub const fn width(self) -> SlotWidth {
        match self.offset >> Self::WIDTH_SHIFT {
            0 => SlotWidth::Sixteen,
            1 => SlotWidth::Eight,
            _ => SlotWidth::Four,
        }
    }

    /// First word of the region.
    #[inline(always)]
    #[must_use]
    pub const fn first_word(self) -> u32 {
        self.offset & ((1 << Self::WIDTH_SHIFT) - 1)
    }

    /// Words that the ring takes.
    #[must_use]
    pub const fn words(self) -> u32 {
        self.slots.div_ceil(self.width().in_word())
    }

    /// The word that holds a slot.
    #[inline(always)]
    #[must_use]
    pub const fn word_of(self, slot: u32) -> u32 {
        self.first_word().wrapping_add(slot >> (2 + (self.offset >> Self::WIDTH_SHIFT)))
    }

    /// The slot out of the word that holds it.
    #[inline(always)]
    #[must_use]
    pub const fn slot_in(self, word: u64, slot: u32) -> Slot {
        let width = self.offset >> Self::WIDTH_SHIFT;
        // The lane is what is left of the slot's number; 64 bits are all lanes.
        #[expect(clippy::cast_possible_truncation, reason = "the slot's bits are wanted")]
        let bits = (word >> ((slot << (4 - width)) & 63)) as u16;
        match self.width() {
            SlotWidth::Sixteen => Slot { bits },
            SlotWidth::Eight => Slot::from_narrow(bits & 0xff, 7),
            SlotWidth::Four => Slot::from_narrow(bits & 0xf, 4),
        }
    }
}

/// The rings and the real servers of one pool.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// What new flows follow.
    pub current: RingRef,
    /// What was in force before the transition window opened; equal to `current` when none is open.
    pub base: RingRef,
    /// Number of its first real server: ring slots count from here.
    pub reals: u32,
    /// Number of the transition window. Never used twice: notes of another window are void.
    pub window: u32,
    /// When a ring was last replaced, nanoseconds of `CLOCK_MONOTONIC`.
    pub changed: u64,
}

const _: () = assert!(size_of::<Pool>() == 32);

/// Slots in one word of the arena, where they have 16 bits ([`SlotWidth`]).
pub const SLOTS_PER_WORD: u32 = 4;

/// One word of the arena, as bpftool prints it (of narrower slots: two or four a number). Read and written whole.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// [`Slot::bits`].
    pub slot: [u16; SLOTS_PER_WORD as usize],
}

const _: () = assert!(size_of::<Slots>() == 8 && align_of::<Slots>() == 8);

/// The real server number of a slot that nobody serves.
pub const NO_REAL: u16 = 0x7fff;

/// One slot: the number of a real server within its pool, and whether flows here are tracked.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bit 15: tracked. Bits 0 to 14: the real server, [`NO_REAL`] for none.
    pub bits: u16,
}

impl Slot {
    const TRACKED: u16 = 0x8000;

    /// A slot that belongs to `real` (of its pool; below [`NO_REAL`]).
    #[inline(always)]
    #[must_use]
    pub const fn new(real: u16, tracked: bool) -> Self {
        Self { bits: (real & NO_REAL) | if tracked { Self::TRACKED } else { 0 } }
    }

    /// The slot of fewer bits: `number` of them for the real server, all ones for [`NO_REAL`], and one above for
    /// tracked.
    #[inline(always)]
    const fn from_narrow(bits: u16, number: u32) -> Self {
        let none = (1 << number) - 1;
        let real = bits & none;
        let real = if real == none { NO_REAL } else { real };
        Self { bits: real | (bits >> number) << 15 }
    }

    /// Its bits in a ring of that width; `None` where it does not fit.
    #[must_use]
    pub const fn narrow(self, width: SlotWidth) -> Option<u64> {
        let (number, room) = match width {
            SlotWidth::Sixteen => return Some(self.bits as u64),
            SlotWidth::Eight => (7, true),
            SlotWidth::Four => (4, false),
        };
        let none = (1 << number) - 1;
        let tracked = (self.tracked() as u64) << number;
        if self.tracked() && !room {
            None
        } else if self.real() == NO_REAL {
            Some(tracked | none)
        } else if (self.real() as u64) < none {
            Some(tracked | self.real() as u64)
        } else {
            None
        }
    }

    /// The real server's number within its pool.
    #[inline(always)]
    #[must_use]
    pub const fn real(self) -> u16 {
        self.bits & NO_REAL
    }

    /// True while flows of this slot may be at different real servers.
    #[inline(always)]
    #[must_use]
    pub const fn tracked(self) -> bool {
        self.bits & Self::TRACKED != 0
    }
}
