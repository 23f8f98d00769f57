//! Reads from this host what [`crate::preflight::host`] judges.

use std::path::Path;

use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use crate::preflight::host::{BTF, Basics, HostErrors, PinPlace};
pub use crate::preflight::{
    host::{HostError, interface},
    reach::{Reach, Wanted, Way, own_addresses, reach},
};

/// What `lb run` stands on. What cannot be read counts as missing.
#[must_use]
pub fn basics(pin_folder: &Path) -> Basics {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    Basics {
        process: read("/proc/self/status"),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        btf: Path::new(BTF).exists(),
        pins: pin_place(pin_folder),
    }
}

/// Checks privilege, kernel and BPF file system. What is fit to run but worth a word comes back.
///
/// # Errors
/// All that is missing, together.
pub fn check(pin_folder: &Path) -> Result<Vec<String>, HostErrors> {
    basics(pin_folder).check()
}

/// Looks at the file system of the nearest existing parent of the pin folder.
fn pin_place(folder: &Path) -> PinPlace {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let bpffs = statfs(existing).is_ok_and(|stat| stat.filesystem_type() == BPF_FS_MAGIC);
    PinPlace { folder: folder.to_owned(), existing: existing.to_owned(), bpffs }
}
