//! What stands in front of a packet on its way from XDP to the tc program.

/// The mark of a packet that goes on to this host, as XDP metadata: XDP cannot set the mark of a packet that
/// the kernel has not made yet.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// [`Metadata::MAGIC`]: the bytes are ours.
    pub magic: u32,
    /// The firewall mark.
    pub mark: u32,
}

const _: () = assert!(size_of::<Metadata>() == Metadata::BYTES);

impl Metadata {
    /// The bytes `lbmk`, read in network order.
    pub const MAGIC: u32 = 0x6c62_6d6b;

    /// Its size.
    pub const BYTES: usize = 8;

    /// Says `mark`.
    #[inline(always)]
    #[must_use]
    pub const fn new(mark: u32) -> Self {
        Self { magic: Self::MAGIC, mark }
    }

    /// The mark, where these bytes are ours.
    #[inline(always)]
    #[must_use]
    pub const fn mark(&self) -> Option<u32> {
        if self.magic == Self::MAGIC { Some(self.mark) } else { None }
    }
}
