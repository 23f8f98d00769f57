//! Descriptors that whoever started the agent has left open are for it, not for the programs that it starts.
#![expect(unsafe_code, reason = "close_range(2) has no safe wrapper yet")]

use std::io;

/// The first behind input, output and errors.
const FIRST: libc::c_uint = 3;

/// Keeps every descriptor that is open now from programs that are started. Rust opens its own that way at all times.
///
/// # Errors
/// What `close_range(2)` says.
pub(super) fn keep() -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC.cast_signed();
    // SAFETY: with this flag nothing is closed; a flag is set on each descriptor, and no pointer is passed.
    let outcome = unsafe { libc::close_range(FIRST, libc::c_uint::MAX, flags) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
