//! A part of a frame whose bounds have been checked: fields are read at offsets known at compile time.
#![expect(unsafe_code, reason = "word loads from packets on the BPF target; see `word`")]

use core::marker::PhantomData;

/// `N` bytes of a frame.
///
/// Holds a pointer, not a reference: a reference tells the compiler that it may load from it at any time,
/// and it then does so before the frame's end has been compared, which the verifier refuses.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a, const N: usize> {
    start: *const u8,
    bytes: PhantomData<&'a [u8; N]>,
}

impl<'a, const N: usize> Window<'a, N> {
    /// A window onto bytes that are there.
    #[inline(always)]
    #[must_use]
    pub const fn new(bytes: &'a [u8; N]) -> Self {
        Self { start: bytes.as_ptr(), bytes: PhantomData }
    }

    /// A window onto packet memory.
    ///
    /// # Safety
    /// The `N` bytes from `start` on can be read for as long as `'a`, and nothing writes to them.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn from_raw(start: *const u8) -> Self {
        Self { start, bytes: PhantomData }
    }

    /// One byte.
    #[inline(always)]
    #[must_use]
    pub const fn u8<const AT: usize>(&self) -> u8 {
        const { assert!(AT < N) };
        self.word::<u8, AT>()
    }

    /// Two bytes in network order as a number.
    #[inline(always)]
    #[must_use]
    pub const fn be16<const AT: usize>(&self) -> u16 {
        const { assert!(AT + 2 <= N) };
        u16::from_be(self.word::<u16, AT>())
    }

    /// Two bytes as the machine loads them: network order, untouched.
    #[inline(always)]
    #[must_use]
    pub const fn raw16<const AT: usize>(&self) -> u16 {
        const { assert!(AT + 2 <= N) };
        self.word::<u16, AT>()
    }

    /// Four bytes as the machine loads them: network order, untouched.
    #[inline(always)]
    #[must_use]
    pub const fn raw32<const AT: usize>(&self) -> u32 {
        const { assert!(AT + 4 <= N) };
        self.word::<u32, AT>()
    }

    /// Eight bytes as the machine loads them: network order, untouched.
    #[inline(always)]
    #[must_use]
    pub const fn raw64<const AT: usize>(&self) -> u64 {
        const { assert!(AT + 8 <= N) };
        self.word::<u64, AT>()
    }

    #[inline(always)]
    const fn word<T: Copy, const AT: usize>(&self) -> T {
        // Packets are not aligned: on the host the load says so. On BPF an unaligned load would be split into
        // single bytes, though the machine it is compiled for loads words from any address (the verifier
        // refuses the program where the kernel's CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS is off), so there the
        // plain load is used.
        // SAFETY: the callers above assert AT + size_of::<T>() <= N, and `N` bytes are there (`new`,
        // `from_raw`).
        let at = unsafe { self.start.add(AT) }.cast::<T>();
        // SAFETY: as above.
        #[cfg(not(target_arch = "bpf"))]
        let word = unsafe { at.read_unaligned() };
        // SAFETY: as above.
        #[cfg(target_arch = "bpf")]
        let word = unsafe { at.read() };
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_where_they_stand() {
        let window = Window::new(&[1, 2, 3, 4, 5]);
        assert_eq!(window.u8::<4>(), 5);
        assert_eq!(window.be16::<1>(), 0x0203);
        assert_eq!(window.raw32::<1>().to_ne_bytes(), [2, 3, 4, 5]);
    }
}
