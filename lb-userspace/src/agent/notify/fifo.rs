//! FIFOs: a line for each change, for a program that reads along.
//!
//! A FIFO is opened for reading and writing, and never waited for: lines are kept by the kernel until somebody reads
//! them, and what no longer fits (64 KiB) is lost.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::{errno::Errno, sys::stat::Mode, unistd::mkfifo};

/// Those that are in use.
#[derive(Debug, Default)]
pub(super) struct Fifos(BTreeMap<PathBuf, Fifo>);

#[derive(Debug)]
struct Fifo {
    file: File,
    /// Which file of the host's it is, should somebody put another in its place.
    identity: (u64, u64),
}

/// Why a line is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum FifoError {
    /// It is full.
    #[error("{}: nobody reads it, and it is full", .0.display())]
    Full(PathBuf),
    /// Something else has that name.
    #[error("{} is no FIFO: move it away, and it is made", .0.display())]
    Other(PathBuf),
    /// The system says no.
    #[error("{path}: {1}", path = .0.display())]
    System(PathBuf, io::Error),
}

impl Fifos {
    /// Makes those that are not there and lets go of all others, so that readers can begin.
    #[expect(single_use_lifetimes, reason = "impl Trait has no anonymous lifetimes yet")]
    pub(super) fn set<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> Vec<FifoError> {
        let mut before = std::mem::take(&mut self.0);
        let mut errors = Vec::new();
        for path in paths {
            if let Some(known) = before.remove(path) {
                self.0.insert(path.to_owned(), known);
            }
            errors.extend(self.current(path).err());
        }
        errors
    }

    /// Writes a line, whole or not at all.
    pub(super) fn write(&mut self, path: &Path, line: &str) -> Result<(), FifoError> {
        let mut file = self.current(path)?;
        match file.write(line.as_bytes()) {
            // Up to 4 KiB are written at once or not at all (pipe(7)); lines are shorter.
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(FifoError::Full(path.to_owned()))
            }
            Err(error) => Err(FifoError::System(path.to_owned(), error)),
        }
    }

    /// The FIFO that has this name now.
    fn current(&mut self, path: &Path) -> Result<&File, FifoError> {
        let system = |error| FifoError::System(path.to_owned(), error);
        match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(system(error.into())),
        }
        let there = fs::symlink_metadata(path).map_err(system)?;
        if !there.file_type().is_fifo() {
            return Err(FifoError::Other(path.to_owned()));
        }
        let identity = (there.dev(), there.ino());
        if self.0.get(path).is_none_or(|known| known.identity != identity) {
            let mut options = File::options();
            options.read(true).write(true).custom_flags(O_NONBLOCK | O_NOFOLLOW);
            let file = options.open(path).map_err(system)?;
            self.0.insert(path.to_owned(), Fifo { file, identity });
        }
        Ok(&self.0[path].file)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::unix::fs::PermissionsExt as _};

    use tempfile::tempdir;

    use super::*;

    fn read(path: &Path) -> String {
        let mut file =
            File::options().read(true).custom_flags(O_NONBLOCK).open(path).expect("a reader");
        let mut room = vec![0; 100_000];
        let length = file.read(&mut room).expect("lines");
        String::from_utf8(room[..length].to_vec()).expect("text")
    }

    #[test]
    fn lines_wait_for_their_reader_until_there_are_too_many() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mut fifos = Fifos::default();
        assert!(fifos.set([path.as_path()].into_iter()).is_empty());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        fifos.write(&path, "one\n").unwrap();
        fifos.write(&path, "two\n").unwrap();
        assert_eq!(read(&path), "one\ntwo\n");

        let mut written = 0;
        while fifos.write(&path, "three\n").is_ok() {
            written += 1;
        }
        assert!(matches!(fifos.write(&path, "four\n"), Err(FifoError::Full(_))));
        assert_eq!(read(&path), "three\n".repeat(written));
        fifos.write(&path, "five\n").unwrap();
        assert_eq!(read(&path), "five\n");
    }

    #[test]
    fn what_is_in_its_place() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mut fifos = Fifos::default();
        fs::write(&path, "").unwrap();
        let errors = fifos.set([path.as_path()].into_iter());
        assert!(matches!(errors.as_slice(), [FifoError::Other(_)]), "{errors:?}");
        // Taken away: it is made. Taken away again: it is made anew, not written to.
        for _ in 0..2 {
            fs::remove_file(&path).unwrap();
            fifos.write(&path, "line\n").unwrap();
            assert_eq!(read(&path), "line\n");
        }
        let missing = folder.path().join("no/fifo");
        assert!(matches!(fifos.write(&missing, "line\n"), Err(FifoError::System(..))));
    }
}
