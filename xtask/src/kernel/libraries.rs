//! The shared libraries and the loader that a program needs to start, as `ldd` tells them.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cmd::Cmd;

/// Where this program's libraries lie; none for one that is linked statically.
pub(super) fn of(program: &Path) -> Result<Vec<PathBuf>> {
    match Cmd::new("ldd").arg(program).env("LC_ALL", "C").read() {
        Ok(listing) => listed(&listing),
        Err(error) if error.to_string().contains("not a dynamic executable") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Reads lines of the forms `name => /path (address)`, `/path (address)` and, for the kernel's own,
/// `name (address)`.
fn listed(listing: &str) -> Result<Vec<PathBuf>> {
    if let Some(missing) = listing.lines().find(|line| line.contains("=> not found")) {
        bail!("the program cannot start on this machine either: {}", missing.trim());
    }
    Ok(listing.lines().filter_map(path).map(PathBuf::from).collect())
}

fn path(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| word.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_taken_from_ldds_lines() {
        let listing = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                       \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f30)\n\
                       \t/lib64/ld-linux-x86-64.so.2 (0x00007f31)\n";
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(listed(listing).unwrap(), expected.map(PathBuf::from));
        assert!(listed("\tstatically linked\n").unwrap().is_empty());
        let error = listed("\tlibx.so.1 => not found\n").unwrap_err();
        assert!(error.to_string().contains("libx.so.1"));
    }
}
