//! A pool's rings: which real server each slot of the hash belongs to.
//!
//! In the steady state a packet reads `current` alone. After a change, the slots that it moved carry the
//! *tracked* bit for as long as the transition window is open; for those, `base` tells where flows that
//! are older than the change belong, and the flow table where flows have been seen since.

/// Where a ring lies in the arena. One aligned word: replaced by one store.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingRef {
    /// First word of the region; bit 31 where the ring is [narrow](RingRef::NARROW).
    pub offset: u32,
    /// Number of slots; 0 is the ring without any.
    pub slots: u32,
}

const _: () = assert!(size_of::<RingRef>() == 8 && align_of::<RingRef>() == 8);

impl RingRef {
    /// Slots have one byte instead of two: most pools have few real servers, and what rings take in the caches
    /// is most of what a packet costs where many services are busy.
    pub const NARROW: u32 = 1 << 31;

    /// True where slots have one byte.
    #[inline(always)]
    #[must_use]
    pub const fn is_narrow(self) -> bool {
        self.offset & Self::NARROW != 0
    }

    /// First word of the region.
    #[inline(always)]
    #[must_use]
    pub const fn first_word(self) -> u32 {
        self.offset & !Self::NARROW
    }

    /// Words that the ring takes.
    #[must_use]
    pub const fn words(self) -> u32 {
        self.slots.div_ceil(if self.is_narrow() { 2 * SLOTS_PER_WORD } else { SLOTS_PER_WORD })
    }

    /// The word that holds a slot.
    #[inline(always)]
    #[must_use]
    pub const fn word_of(self, slot: u32) -> u32 {
        let slots = if self.is_narrow() { 2 * SLOTS_PER_WORD } else { SLOTS_PER_WORD };
        self.first_word().wrapping_add(slot / slots)
    }

    /// The slot out of the word that holds it.
    #[inline(always)]
    #[must_use]
    pub const fn slot_in(self, word: u64, slot: u32) -> Slot {
        #[expect(clippy::cast_possible_truncation, reason = "16 or 8 bits are wanted")]
        if self.is_narrow() {
            Slot::from_narrow((word >> ((slot % (2 * SLOTS_PER_WORD)) * 8)) as u8)
        } else {
            Slot { bits: (word >> ((slot % SLOTS_PER_WORD) * 16)) as u16 }
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

/// Slots in one word of the arena; twice as many where the ring is [narrow](RingRef::NARROW).
pub const SLOTS_PER_WORD: u32 = 4;

/// One word of the arena, as bpftool prints it (of a narrow ring: two slots a number). Read and written whole.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// [`Slot::bits`].
    pub slot: [u16; SLOTS_PER_WORD as usize],
}

const _: () = assert!(size_of::<Slots>() == 8 && align_of::<Slots>() == 8);

/// The real server number of a slot that nobody serves.
pub const NO_REAL: u16 = 0x7fff;
/// The same in a narrow ring.
const NO_REAL_NARROW: u8 = 0x7f;

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

    /// The slot of a byte of a narrow ring: bit 7 for tracked, 127 for [`NO_REAL`].
    #[inline(always)]
    const fn from_narrow(byte: u8) -> Self {
        let real = (byte & NO_REAL_NARROW) as u16;
        let real = if real == NO_REAL_NARROW as u16 { NO_REAL } else { real };
        Self { bits: real | ((byte & !NO_REAL_NARROW) as u16) << 8 }
    }

    /// The byte of a narrow ring; `None` where the real server's number does not fit.
    #[must_use]
    pub const fn narrow(self) -> Option<u8> {
        let tracked = if self.tracked() { !NO_REAL_NARROW } else { 0 };
        let [low, high] = self.real().to_le_bytes();
        if self.real() == NO_REAL {
            Some(tracked | NO_REAL_NARROW)
        } else if high == 0 && low < NO_REAL_NARROW {
            Some(tracked | low)
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
