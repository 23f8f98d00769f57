//! BPF instructions by name: enough for programs of straight lines that use no map.

/// A register: r0 is a call's result, r1 to r5 its arguments, r6 to r9 survive calls.
#[derive(Clone, Copy)]
pub(crate) struct Reg(pub(crate) u8);

/// `bpf_get_prandom_u32()`
pub(crate) const RANDOM: u32 = 7;
/// `bpf_redirect(interface, flags)`
pub(crate) const REDIRECT: u32 = 23;

/// An instruction as the kernel reads it: operation, registers, offset, immediate.
pub(crate) type Insn = [u8; 8];

/// Instructions on 32 bits clear the upper half of their register.
#[derive(Clone, Copy)]
pub(crate) enum Op {
    Add = 0x04,
    And = 0x54,
    ShiftRight = 0x74,
    Modulo = 0x94,
    Xor = 0xa4,
    Move = 0xb4,
}

const SOURCE_IS_REGISTER: u8 = 0x08;
const WIDTH_64: u8 = 0x03;

/// `dst op= value`, on 32 bits.
pub(crate) fn constant(op: Op, dst: Reg, value: u32) -> Insn {
    insn(op as u8, dst, Reg(0), 0, value)
}

/// `dst op= src`, on 32 bits.
pub(crate) fn register(op: Op, dst: Reg, src: Reg) -> Insn {
    insn(op as u8 | SOURCE_IS_REGISTER, dst, src, 0, 0)
}

/// `dst = src`, an address.
pub(crate) fn pointer(dst: Reg, src: Reg) -> Insn {
    insn(Op::Move as u8 | SOURCE_IS_REGISTER | WIDTH_64, dst, src, 0, 0)
}

/// `dst += value`, an address.
pub(crate) fn advance(dst: Reg, value: u32) -> Insn {
    insn(Op::Add as u8 | WIDTH_64, dst, Reg(0), 0, value)
}

/// `dst` in network order, of 16 or 32 bits.
pub(crate) fn to_network_order(dst: Reg, bits: u32) -> Insn {
    insn(0xdc, dst, Reg(0), 0, bits)
}

/// `dst = *(u32 *)(src + offset)`
pub(crate) fn load_32(dst: Reg, src: Reg, offset: u8) -> Insn {
    insn(0x61, dst, src, offset, 0)
}

/// `*(u32 *)(dst + offset) = src`
pub(crate) fn store_32(dst: Reg, offset: u8, src: Reg) -> Insn {
    insn(0x63, dst, src, offset, 0)
}

/// `*(u16 *)(dst + offset) = src`
pub(crate) fn store_16(dst: Reg, offset: u8, src: Reg) -> Insn {
    insn(0x6b, dst, src, offset, 0)
}

/// Bytes, as many as are given in multiples of two.
pub(crate) fn store_bytes(dst: Reg, offset: u8, bytes: &[u8]) -> Vec<Insn> {
    let halves = bytes.chunks_exact(2).zip((offset..).step_by(2));
    halves
        .map(|(half, at)| {
            insn(0x6a, dst, Reg(0), at, u32::from(u16::from_le_bytes([half[0], half[1]])))
        })
        .collect()
}

/// Skips `count` instructions if `a > b`.
pub(crate) fn skip_if_greater(a: Reg, b: Reg, count: usize) -> Insn {
    insn(0x2d, a, b, short(count), 0)
}

/// Skips `count` instructions if the lower half of `a` is not `value`.
pub(crate) fn skip_unless(a: Reg, value: u32, count: usize) -> Insn {
    insn(0x56, a, Reg(0), short(count), value)
}

/// `r0 = helper(r1, ..)`
pub(crate) fn call(helper: u32) -> Insn {
    insn(0x85, Reg(0), Reg(0), 0, helper)
}

/// Ends the program with the verdict in r0.
pub(crate) fn exit() -> Insn {
    insn(0x95, Reg(0), Reg(0), 0, 0)
}

/// Programs here are far shorter.
fn short(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

fn insn(code: u8, dst: Reg, src: Reg, offset: u8, value: u32) -> Insn {
    let [a, b, c, d] = value.to_le_bytes();
    [code, src.0 << 4 | dst.0, offset, 0, a, b, c, d]
}
