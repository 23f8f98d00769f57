//! The frame that XDP was called for: the only raw pointers into packet memory.
#![expect(
    unsafe_code,
    reason = "packet memory is reached through pointers that the verifier checks"
)]

use aya_ebpf::{
    bindings::{__sk_buff, xdp_md},
    helpers::generated::{bpf_xdp_adjust_head, bpf_xdp_adjust_meta, bpf_xdp_adjust_tail},
    programs::{TcContext, XdpContext},
};
use core::{arch::asm, marker::PhantomData, ptr};
use lb_common::{
    abi::Metadata,
    wire::{Frame, Window},
};

/// The frame between the context's `data` and `data_end`.
pub(crate) struct Packet<'a> {
    start: usize,
    end: usize,
    ctx: *mut xdp_md,
    lifetime: PhantomData<&'a XdpContext>,
}

impl<'a> Packet<'a> {
    #[inline(always)]
    pub(crate) fn new(ctx: &'a XdpContext) -> Self {
        Self { start: ctx.data(), end: ctx.data_end(), ctx: ctx.ctx, lifetime: PhantomData }
    }

    /// The frame of a context that a function of this program was given.
    ///
    /// # Safety
    /// `ctx` is the context of a program that has not returned, and nobody else uses a `Packet` of it
    /// meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn from_raw(ctx: *mut xdp_md) -> Self {
        let mut packet = Self { start: 0, end: 0, ctx, lifetime: PhantomData };
        packet.reload();
        packet
    }

    /// Index of the interface that it came in by.
    #[inline(always)]
    pub(crate) fn interface(&self) -> u32 {
        // SAFETY: `ctx` is the context of a program that has not returned: `lifetime` borrows it.
        unsafe { (*self.ctx).ingress_ifindex }
    }

    /// The frame from `offset` on. The offset is a number that the verifier knows by its bounds alone: what it
    /// learns of one pointer, it does not know of another that was added up in another order.
    #[inline(always)]
    pub(crate) fn behind(&mut self, offset: usize) -> Packet<'_> {
        let start = opaque(self.start + offset);
        Packet { start, end: self.end, ctx: self.ctx, lifetime: PhantomData }
    }

    /// The context, for helpers.
    #[inline(always)]
    pub(crate) fn context(&self) -> *mut xdp_md {
        self.ctx
    }

    /// Makes room for `bytes` in front (or, negative, takes them away): every offset moves.
    #[inline(always)]
    pub(crate) fn grow(&mut self, bytes: i32) -> Option<()> {
        // SAFETY: `ctx` is the context of a program that has not returned.
        let failed = unsafe { bpf_xdp_adjust_head(self.ctx, -bytes) };
        self.reload();
        if failed == 0 { Some(()) } else { None }
    }

    /// Cuts the frame, or lengthens it, to `length` bytes.
    #[inline(always)]
    pub(crate) fn resize(&mut self, length: usize) -> Option<()> {
        #[expect(clippy::cast_possible_truncation, reason = "frames are far shorter than 2 GB")]
        let change = length as i32 - (self.end - self.start) as i32;
        // SAFETY: as in `grow`.
        let failed = unsafe { bpf_xdp_adjust_tail(self.ctx, change) };
        self.reload();
        if failed == 0 { Some(()) } else { None }
    }

    /// Puts `metadata` in front of the frame, for the programs behind this one; `None` where the driver takes none.
    #[inline(always)]
    pub(crate) fn annotate(&mut self, metadata: Metadata) -> Option<()> {
        #[expect(clippy::cast_possible_truncation, reason = "eight bytes")]
        const BYTES: i32 = Metadata::BYTES as i32;
        // SAFETY: as in `grow`.
        let failed = unsafe { bpf_xdp_adjust_meta(self.ctx, -BYTES) };
        self.reload();
        if failed != 0 {
            return None;
        }
        // SAFETY: as in `reload`.
        let from = unsafe { ptr::read_volatile(&raw const (*self.ctx).data_meta) } as usize;
        if from + Metadata::BYTES > self.start {
            return None;
        }
        // SAFETY: its end was compared with the frame's start; the verifier proves it again.
        unsafe { (from as *mut Metadata).write(metadata) };
        Some(())
    }

    /// The frame may lie elsewhere after a helper has changed it, or a function that was given its context.
    #[inline(always)]
    pub(crate) fn reload(&mut self) {
        // SAFETY: as in `grow`. Volatile: the helper has changed both behind the compiler's back.
        unsafe {
            self.start = ptr::read_volatile(&raw const (*self.ctx).data) as usize;
            self.end = ptr::read_volatile(&raw const (*self.ctx).data_end) as usize;
        }
    }

    /// A pointer to `T` at `offset`, where the frame has one.
    #[inline(always)]
    fn at<T>(&self, offset: usize) -> Option<*mut T> {
        let from = self.start + offset;
        if from + size_of::<T>() > self.end { None } else { Some(from as *mut T) }
    }

    /// Writes `value` at `offset`; the frame must have it.
    ///
    /// Words are stored whole although the frame is not aligned: the machine that BPF is compiled for
    /// allows it (see `lb_common::wire::Window`).
    #[inline(always)]
    pub(crate) fn write<T>(&mut self, offset: usize, value: T) -> Option<()> {
        let to = self.at::<T>(offset)?;
        // SAFETY: `at` compared its end with the frame's; the verifier proves it again.
        unsafe { to.write(value) };
        Some(())
    }

    /// Copies `N` units of two bytes from `from` to `to`, which do not overlap: each to the place, and with the
    /// value, that `f` says, or not at all.
    #[inline(always)]
    pub(crate) fn copy_words<const N: usize>(
        &mut self,
        from: usize,
        to: usize,
        f: impl Fn(usize, u16) -> Option<(usize, u16)>,
    ) -> Option<()> {
        // One comparison for each side: were there one for each word, the compiler would count back from the
        // frame's end, which the verifier refuses.
        let source = self.at::<[u16; N]>(from)?.cast::<u16>();
        let target = self.at::<[u16; N]>(to)?.cast::<u16>();
        for word in 0..N {
            // SAFETY: as in `write`; both have `N` words.
            unsafe {
                if let Some((place, value)) = f(word, source.add(word).read()) {
                    target.add(place).write(value);
                }
            }
        }
        Some(())
    }

    /// Replaces the value at `offset`.
    #[inline(always)]
    pub(crate) fn update<T: Copy>(&mut self, offset: usize, f: impl FnOnce(T) -> T) -> Option<()> {
        let at = self.at::<T>(offset)?;
        // SAFETY: as in `write`.
        unsafe { at.write(f(at.read())) };
        Some(())
    }
}

/// A frame on its way out, as tc sees it: the part of it that lies in one piece.
pub(crate) struct Outgoing<'a> {
    start: usize,
    end: usize,
    skb: *mut __sk_buff,
    lifetime: PhantomData<&'a TcContext>,
}

impl<'a> Outgoing<'a> {
    #[inline(always)]
    pub(crate) fn new(ctx: &'a TcContext) -> Self {
        let skb = ctx.skb.skb;
        Self { start: ctx.data(), end: ctx.data_end(), skb, lifetime: PhantomData }
    }

    /// Index of the interface that it goes out by.
    #[inline(always)]
    pub(crate) fn interface(&self) -> u32 {
        // SAFETY: `skb` is the context of a program that has not returned: `lifetime` borrows it.
        unsafe { (*self.skb).ifindex }
    }

    /// The VLAN that stands beside it, not in it; 0: none.
    #[inline(always)]
    pub(crate) fn vlan_beside(&self) -> u16 {
        // SAFETY: as in `interface`.
        let (there, tci) = unsafe { ((*self.skb).vlan_present, (*self.skb).vlan_tci) };
        let vlan = (tci & 0x0fff) as u16;
        if there == 0 { 0 } else { vlan }
    }
}

impl Frame for Outgoing<'_> {
    #[inline(always)]
    fn window<const N: usize>(&self, offset: usize) -> Option<Window<'_, N>> {
        let from = self.start + offset;
        if from + N > self.end {
            return None;
        }
        // SAFETY: its end was compared with the frame's; the verifier proves it again. Nothing writes to it.
        Some(unsafe { Window::from_raw(from as *const u8) })
    }

    #[inline(always)]
    fn length(&self) -> usize {
        self.end - self.start
    }
}

impl Frame for Packet<'_> {
    #[inline(always)]
    fn window<const N: usize>(&self, offset: usize) -> Option<Window<'_, N>> {
        let at = self.at::<[u8; N]>(offset)?;
        // SAFETY: `at` compared its end with the frame's, and nothing writes while the window lives:
        // `write` and `update` borrow the packet mutably.
        Some(unsafe { Window::from_raw(at.cast()) })
    }

    #[inline(always)]
    fn length(&self) -> usize {
        // Were the compiler to see where this number comes from, it would conclude from an IP length that
        // fits in it that the transport header is there, and leave out the comparison of pointers that
        // the verifier wants to see.
        opaque(self.end - self.start)
    }
}

/// The same number, of which the compiler does not know where it comes from.
#[inline(always)]
fn opaque(mut number: usize) -> usize {
    // SAFETY: moves a register onto itself. (No instruction at all would give two line records of one
    // instruction, which the kernel refuses.)
    unsafe {
        asm!("{0} = {0}", inout(reg) number, options(pure, nomem, nostack, preserves_flags));
    }
    number
}
