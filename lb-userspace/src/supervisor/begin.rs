//! What a process does first that the supervisor has started.

use std::ffi::CStr;

use nix::sys::signal::SigSet;
use rustix::thread::set_name;

/// Signals that the supervisor keeps for itself go through again, and lists of processes show a name.
///
/// # Errors
/// The kernel's.
pub fn begin_as(name: &CStr) -> anyhow::Result<()> {
    SigSet::all().thread_unblock()?;
    set_name(name)?;
    Ok(())
}
