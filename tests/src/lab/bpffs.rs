//! The host's bpffs, in which everything a lab pins carries the lab's name.

use anyhow::{Context, Result};
use nix::mount::MsFlags;
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

/// Where the kernel's users expect it.
pub(super) const PIN_ROOT: &str = "/sys/fs/bpf";

/// Mounts it, unless it is there.
pub(super) fn mount() -> Result<()> {
    if statfs(PIN_ROOT).is_ok_and(|fs| fs.filesystem_type() == BPF_FS_MAGIC) {
        return Ok(());
    }
    nix::mount::mount(Some("bpf"), PIN_ROOT, Some("bpf"), MsFlags::empty(), None::<&str>)
        .with_context(|| format!("mounting a bpffs at {PIN_ROOT}"))
}
