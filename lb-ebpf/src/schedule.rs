//! The schedulers that count: the rules are lb-common's, the counts are shared by all CPUs.
#![expect(
    unsafe_code,
    reason = "map values are reached through pointers that the kernel hands out"
)]

use aya_ebpf::helpers::generated::bpf_loop;
use core::{arch::asm, ptr};
use lb_common::{
    abi::{Features, NO_REAL, NoteState},
    schedule::Search,
    verdict::Tables as _,
};

use crate::{
    maps::{self, LOADS, SCHEDULES},
    tables::Maps,
};

/// Picks the real server of a new connection.
#[inline(always)]
pub(crate) fn pick(number: u32) -> Option<u16> {
    if !maps::features().has(Features::COUNTING) {
        return None;
    }
    let picked = pick_real(number);
    #[expect(clippy::cast_possible_truncation, reason = "a real server's number has 15 bits")]
    if picked == u32::from(NO_REAL) { None } else { Some(picked as u16) }
}

/// A global function of the program: the verifier looks at it once.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn pick_real(number: u32) -> u32 {
    let picked = || lb_common::schedule::pick(&Maps, number, &Maps.pool(number)?);
    picked().unwrap_or(NO_REAL).into()
}

/// Looks at the first `reals` real servers of a pool: the verifier looks at one round, not at all of them.
#[inline(always)]
pub(crate) fn search(search: &mut Search, reals: u32) {
    let round: unsafe extern "C" fn(u32, *mut Search) -> i64 = consider;
    // SAFETY: the helper calls `consider` with `search`, and is done with it when it returns.
    unsafe { bpf_loop(reals, round as *mut _, ptr::from_mut(search).cast(), 0) };
}

/// One round.
///
/// # Safety
/// `search` is what the function above has handed to the helper.
unsafe extern "C" fn consider(number: u32, search: *mut Search) -> i64 {
    // SAFETY: the caller's.
    unsafe { (*search).consider(&Maps, number) };
    0
}

/// Takes a turn.
#[inline(always)]
pub(crate) fn turn(pool: u32) -> u64 {
    let Some(schedule) = SCHEDULES.get_ptr_mut(pool) else { return 0 };
    // SAFETY: array elements live as long as the map.
    unsafe { fetch_add(&raw mut (*schedule).turn, 1) }
}

/// Counts a connection that went from one state to another.
#[inline(always)]
pub(crate) fn count(number: u32, from: Option<NoteState>, to: Option<NoteState>) {
    let (was, is) = (one(from), one(to));
    if was != is && maps::features().has(Features::COUNTING) {
        shift_connection(number, was, is);
    }
}

/// One connection, as the word of [`Load::counts`] counts it: active in the lower half, inactive in the upper.
#[inline(always)]
const fn one(state: Option<NoteState>) -> u64 {
    match state {
        None => 0,
        Some(NoteState::Confirmed) => 1,
        Some(NoteState::Unconfirmed | NoteState::Closing | NoteState::Reset) => 1 << 32,
    }
}

/// Takes a connection from one count to the other.
#[inline(always)]
fn shift_connection(number: u32, was: u64, is: u64) {
    let Some(load) = LOADS.get_ptr_mut(number) else { return };
    let counts = load.cast::<u64>();
    // SAFETY: array elements live as long as the map, and begin with both counts in one word.
    let present = unsafe { counts.read_volatile() };
    // The agent counts anew now and then: what it has not counted must not be taken away again.
    let left =
        if was > u64::from(u32::MAX) { present >> 32 } else { present & u64::from(u32::MAX) };
    let taken = if left == 0 { 0 } else { was };
    // SAFETY: as above.
    unsafe { fetch_add(counts, is.wrapping_sub(taken)) };
}

/// Adds to a word that other CPUs add to.
///
/// # Safety
/// `word` points to a live element of a map, and is aligned.
#[inline(always)]
unsafe fn fetch_add(word: *mut u64, value: u64) -> u64 {
    let mut value = value;
    // SAFETY: one instruction of the machine, on memory that the caller vouches for. (The standard library
    // has no such operation for this target.)
    unsafe {
        asm!(
            "{value} = atomic_fetch_add((u64 *)({word} + 0), {value})",
            value = inout(reg) value,
            word = in(reg) word,
            options(nostack, preserves_flags)
        );
    }
    value
}
