//! Reading the configuration file: the one place where `config` meets the file system.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::config::{self, Parsed, Report};

mod certificates;
mod scripts;
mod secrets;

/// The largest file that is read; a real one is a thousandth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why a file gives no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    /// It cannot be read at all.
    #[error("cannot read the configuration {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no text.
    #[error("{}:{line}: the configuration is not UTF-8 text", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first line that is not.
        line: usize,
    },
    /// It says something that is wrong.
    #[error("the configuration {} is not valid\n{}", .0.file, .0)]
    Invalid(Box<Report>),
}

/// Reads and validates a configuration file.
pub fn load(path: &Path) -> Result<Parsed, ConfigFileError> {
    let bytes =
        read(path).map_err(|source| ConfigFileError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = valid.filter(|&&byte| byte == b'\n').count() + 1;
        ConfigFileError::NotText { path: path.to_owned(), line }
    })?;
    let mut parsed = config::parse(&path.display().to_string(), &text)
        .map_err(|report| ConfigFileError::Invalid(Box::new(report)))?;
    let invalid = |report| ConfigFileError::Invalid(Box::new(report));
    scripts::judge_all(&parsed).map_err(invalid)?;
    secrets::judge_all(&mut parsed, path).map_err(invalid)?;
    certificates::read_all(&mut parsed).map_err(invalid)?;
    Ok(parsed)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 64 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use nix::unistd::{User, geteuid};

    use super::*;

    fn load_bytes(bytes: &[u8]) -> ConfigFileError {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lb.toml");
        std::fs::write(&path, bytes).unwrap();
        load(&path).unwrap_err()
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = load(Path::new("/no/such/lb.toml")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the configuration /no/such/lb.toml");
    }

    #[test]
    fn what_is_no_text_is_named_by_its_line() {
        let error = load_bytes(b"[node]\nname = \"\xff\"\n");
        assert!(error.to_string().contains("lb.toml:2: "), "{error}");
    }

    #[test]
    fn what_is_wrong_is_shown() {
        let error = load_bytes(b"[node]\nnam = \"a\"\n");
        assert!(error.to_string().contains("lb.toml:2:1"), "{error}");
    }

    /// A configuration with this check on line 6.
    fn with_check(folder: &Path, check: &str) -> Result<Parsed, ConfigFileError> {
        let path = folder.join("lb.toml");
        let text = format!(
            "[node]\nname = \"a\"\ninterface = \"eth0\"\n[[pool]]\nname = \"p\"\n\
             check = {{ {check} }}\nservers = [{{ name = \"r\", address = \"10.0.0.1\" }}]\n\
             [[service]]\nname = \"s\"\naddress = \"10.0.0.2\"\nports = [\"tcp/80\"]\npool = \"p\"\n"
        );
        std::fs::write(&path, text).unwrap();
        load(&path)
    }

    #[test]
    fn a_wrong_check_is_shown_with_its_place_and_advice() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("check.sh");
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o777)).unwrap();
        let me = User::from_uid(geteuid()).unwrap().unwrap().name;
        let others = format!("type = \"script\", script = {script:?}, user = {me:?}");
        let cases: [(&str, &[&str]); 5] = [
            (
                "type = \"tcp\", interval = \"0s\"",
                &["lb.toml:6:36", "`0s` is out of range: use 10ms to 1h"],
            ),
            (
                "type = \"htp\"",
                &["lb.toml:6:18", "unknown check type `htp`", "did you mean `http`?"],
            ),
            (
                "type = \"http\", body_regex = \"a(b\"",
                &["lb.toml:6:39", "not a regular expression: unclosed group at character 2"],
            ),
            (
                "type = \"script\", script = \"/no-such\"",
                &["lb.toml:6:37", "/no-such: no such file or directory", "name a program"],
            ),
            (
                &others,
                &["lb.toml:6:37", "check.sh is writable by everybody (mode 0777)", "`chmod go-w "],
            ),
        ];
        for (check, words) in cases {
            let said = with_check(folder.path(), check).unwrap_err().to_string();
            for word in words {
                assert!(said.contains(word), "not a word of {word}: {said}");
            }
        }
        let parsed = with_check(folder.path(), "type = \"tcp\", timeout = \"3s\"").unwrap();
        let said = parsed.warnings.to_string();
        for word in [
            "lb.toml:6:35",
            "timeout 3s is longer than the interval 2s: the next check waits for the answer",
        ] {
            assert!(said.contains(word), "not a word of {word}: {said}");
        }
    }

    #[test]
    fn the_examples_are_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let parsed = load(&path).unwrap_or_else(|error| panic!("{error}"));
                // They lie here for everybody to read, passwords and all.
                let others = parsed.warnings.diagnostics.iter();
                let others = others.filter(|one| !one.key.ends_with(".password"));
                assert_eq!(others.count(), 0, "{}", parsed.warnings);
                read += 1;
            }
        }
        assert!(read > 0, "no example was found");
    }
}
