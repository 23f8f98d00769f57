//! A pool's rings: which real server each slot of the hash belongs to.
//!
//! In the steady state a packet reads `current` alone. After a change, the slots that it moved carry the
//! *tracked* bit for as long as the transition window is open; for those, `base` tells where flows that
//! are older than the change belong, and the flow table where flows have been seen since.

/// Where a ring lies in the arena. One aligned word: replaced by one store.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingRef {
    /// First word of the region.
    pub offset: u32,
    /// Number of slots; 0 is the ring without any.
    pub slots: u32,
}

const _: () = assert!(size_of::<RingRef>() == 8 && align_of::<RingRef>() == 8);

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

/// Slots in one word of the arena.
pub const SLOTS_PER_WORD: u32 = 4;

/// One word of the arena, as bpftool prints it. Read and written whole.
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

    /// The slot `slot` out of the word that holds it.
    #[inline(always)]
    #[must_use]
    pub const fn in_word(word: u64, slot: u32) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "16 bits are wanted")]
        Self { bits: (word >> ((slot % SLOTS_PER_WORD) * 16)) as u16 }
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
