//! State on disk: written whole or not at all, read back with words for what is wrong.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// A file that could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The system refused.
    #[error("{what} {}: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// The file does not hold what it should.
    #[error("{}: {error}; mend the file or remove it (what it says is lost then)", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: serde_json::Error,
    },
    /// A seed that is none.
    #[error(
        "{}: a seed is 64 hexadecimal digits on one line; make one with `openssl rand -hex 32`",
        .0.display()
    )]
    Seed(PathBuf),
}

/// Reads a JSON file; the default where there is none.
///
/// # Errors
/// [`FileError`]: it cannot be read, or is not what it should be.
pub(super) fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, FileError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| FileError::Content { path: path.to_owned(), error }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(FileError::Io { what: "reading", path: path.to_owned(), error }),
    }
}

/// Writes a JSON file: to another name first, then in its place, so that a crash leaves the old one or the
/// new one.
///
/// # Errors
/// [`FileError::Io`]: the old file is untouched.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    replace(path, &json(path, value)?)
}

/// The same for what need not outlive the host: the disk is not waited for.
///
/// # Errors
/// [`FileError::Io`]: the old file is untouched.
pub(super) fn write_lightly<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let failed = |error| FileError::Io { what: "writing", path: path.to_owned(), error };
    let new = path.with_extension("new");
    let json = serde_json::to_vec(value)
        .map_err(|error| FileError::Content { path: path.to_owned(), error })?;
    fs::write(&new, json).and_then(|()| fs::rename(&new, path)).map_err(failed)
}

fn json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, FileError> {
    serde_json::to_vec_pretty(value)
        .map_err(|error| FileError::Content { path: path.to_owned(), error })
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |what| move |error| FileError::Io { what, path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed("creating the folder of"))?;
    }
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new).map_err(failed("writing"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("writing"))?;
    fs::rename(&new, path).map_err(failed("replacing"))?;
    // The new name is on disk once the folder is.
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("writing the folder of"))
}

/// The cluster's seed: from `file` where the configuration names one, otherwise from the state folder,
/// where the first start makes it.
///
/// # Errors
/// A seed file that is not there, cannot be read or is not 64 hexadecimal digits.
pub(super) fn seed(file: Option<&Path>, state_folder: &Path) -> Result<[u8; 32], FileError> {
    let own = state_folder.join("seed");
    let path = file.unwrap_or(&own);
    match fs::read_to_string(path) {
        Ok(text) => parse_seed(text.trim()).ok_or_else(|| FileError::Seed(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
            let mut seed = [0; 32];
            let failed =
                |error| FileError::Io { what: "reading", path: "/dev/urandom".into(), error };
            let mut random = File::open("/dev/urandom").map_err(failed)?;
            io::Read::read_exact(&mut random, &mut seed).map_err(failed)?;
            let text: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
            replace(path, format!("{text}\n").as_bytes())?;
            Ok(seed)
        }
        Err(error) => Err(FileError::Io { what: "reading the seed", path: path.to_owned(), error }),
    }
}

fn parse_seed(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks(2).filter_map(|pair| Some(pair[0] << 4 | pair.get(1)?)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let made = seed(None, folder.path()).unwrap();
        assert_eq!(seed(None, folder.path()).unwrap(), made);
        assert_ne!(made, [0; 32]);
        let file = folder.path().join("cluster.seed");
        let error = seed(Some(&file), folder.path()).unwrap_err().to_string();
        assert!(error.contains("cluster.seed"), "{error}");
        for wrong in ["", "12", &"g".repeat(64), &"0".repeat(65), &"0".repeat(63)] {
            fs::write(&file, wrong).unwrap();
            let error = seed(Some(&file), folder.path()).unwrap_err().to_string();
            assert!(error.contains("openssl rand -hex 32"), "{wrong}: {error}");
        }
        fs::write(&file, format!("{}\n", "01".repeat(32))).unwrap();
        assert_eq!(seed(Some(&file), folder.path()).unwrap(), [1; 32]);
    }

    #[test]
    fn a_broken_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.json");
        assert_eq!(read::<Vec<u32>>(&path).unwrap(), Vec::<u32>::new());
        write(&path, &vec![1, 2]).unwrap();
        assert_eq!(read::<Vec<u32>>(&path).unwrap(), vec![1, 2]);
        fs::write(&path, "[1,").unwrap();
        let error = read::<Vec<u32>>(&path).unwrap_err().to_string();
        assert!(error.contains("operator.json") && error.contains("line 1"), "{error}");
    }
}
