//! An archive as the kernel unpacks it at boot: cpio in its "newc" form.
//!
//! Every entry is a header of a magic number and thirteen fields of eight hexadecimal digits, the name with
//! a zero behind it, and the content; name and content end at a multiple of four bytes.

use std::collections::BTreeSet;
use std::path::Path;

const MAGIC: &str = "070701";
const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const END: &str = "TRAILER!!!";

/// An archive under construction.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    /// Folders and files that are in it.
    names: BTreeSet<String>,
}

impl Archive {
    /// Adds a folder and those above it.
    pub(super) fn folder(&mut self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        if let Some(parent) = path.parent() {
            self.folder(parent);
        }
        self.entry(path, FOLDER, &[]);
    }

    /// Adds a file that can be executed, and the folders above it. A second of the same name is left out.
    pub(super) fn program(&mut self, path: impl AsRef<Path>, content: &[u8]) {
        let path = path.as_ref();
        if let Some(parent) = path.parent() {
            self.folder(parent);
        }
        self.entry(path, PROGRAM, content);
    }

    /// The archive, complete.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.write(END, 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &Path, mode: u32, content: &[u8]) {
        // The kernel's names are relative to the root.
        let name = path.to_string_lossy().trim_start_matches('/').to_owned();
        if !name.is_empty() && self.names.insert(name.clone()) {
            self.write(&name, mode, content);
        }
    }

    fn write(&mut self, name: &str, mode: u32, content: &[u8]) {
        let inode = self.names.len();
        let (owner, group, links, time, device) = (0, 0, 1, 0, 0);
        let header = format!(
            "{MAGIC}{inode:08x}{mode:08x}{owner:08x}{group:08x}{links:08x}{time:08x}{:08x}\
             {device:08x}{device:08x}{device:08x}{device:08x}{:08x}{:08x}",
            content.len(),
            name.len() + 1,
            0,
        );
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lie_where_the_kernel_looks_for_them() {
        let mut archive = Archive::default();
        archive.program("/bin/a", b"hello");
        archive.program("/bin/a", b"again");
        let bytes = archive.finish();
        // Header 110, "bin\0" 4, to a multiple of four: 116.
        assert!(bytes.starts_with(b"07070100000001000041ed"));
        assert_eq!(&bytes[110..114], b"bin\0");
        let file = &bytes[116..];
        assert!(file.starts_with(b"07070100000002000081ed"));
        assert_eq!(&file[54..62], b"00000005", "the size of the content");
        assert_eq!(&file[94..102], b"00000006", "the size of the name");
        assert_eq!(&file[110..116], b"bin/a\0");
        assert_eq!(&file[116..124], b"hello\0\0\0");
        assert_eq!(&file[124 + 110..], b"TRAILER!!!\0\0\0\0");
    }

    #[test]
    fn folders_come_once_and_before_what_they_hold() {
        let mut archive = Archive::default();
        archive.folder("/sys/fs/bpf");
        archive.folder("/sys/fs");
        let bytes = archive.finish();
        let text = String::from_utf8(bytes).unwrap();
        let names: Vec<_> = text.split(MAGIC).skip(1).map(|entry| &entry[104..]).collect();
        let names: Vec<_> = names.iter().map(|name| name.trim_end_matches('\0')).collect();
        assert_eq!(names, ["sys", "sys/fs", "sys/fs/bpf", END]);
    }
}
