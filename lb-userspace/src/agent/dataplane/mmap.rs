//! The words of a `BPF_F_MMAPABLE` array, mapped into this process: read and replaced one at a time while
//! packets go on reading them.
#![expect(unsafe_code, reason = "a shared mapping of kernel memory")]

use std::{
    io,
    num::NonZeroUsize,
    os::fd::AsFd,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// A mapped array of words.
#[derive(Debug)]
pub(super) struct Words {
    start: NonNull<AtomicU64>,
    length: usize,
    bytes: NonZeroUsize,
}

// SAFETY: all access goes through atomics; the mapping belongs to no thread.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// Maps `length` words of the array behind `fd`.
    ///
    /// # Errors
    /// What mmap(2) says; `InvalidInput` for no words at all.
    pub(super) fn map(fd: impl AsFd, length: usize) -> io::Result<Self> {
        let bytes = NonZeroUsize::new(length * size_of::<AtomicU64>())
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh mapping at an address of the kernel's choice overlaps nothing.
        let start = unsafe { mmap(None, bytes, protection, MapFlags::MAP_SHARED, fd, 0) }?;
        Ok(Self { start: start.cast(), length, bytes })
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.length, "word {index} of {}", self.length);
        // SAFETY: the index was compared one line up; the mapping is page-aligned and lives as long as
        // `self`. XDP loads the same words whole, which is what makes the atomics of this side right.
        unsafe { self.start.add(index).as_ref() }
    }

    /// Number of words.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Reads a word; `None` beyond the end.
    pub(super) fn get(&self, index: usize) -> Option<u64> {
        (index < self.length).then(|| self.word(index).load(Ordering::Acquire))
    }

    /// Replaces a word. Stores before it are seen before it.
    ///
    /// # Panics
    /// Beyond the end: callers allocate what they write.
    pub(super) fn set(&self, index: usize, word: u64) {
        self.word(index).store(word, Ordering::Release);
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this length; no reference outlives `self`.
        // Unmapping what was mapped cannot fail, and there is nobody to tell.
        let _ = unsafe { munmap(self.start.cast(), self.bytes.get()) };
    }
}
