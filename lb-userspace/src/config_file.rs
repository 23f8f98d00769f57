//! Reading the configuration file: the one place where `config` meets the file system.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    config::{self, Parsed, Report},
    model::{CheckKind, ScriptCheck, ScriptCommand, TrackScript, Tracker, TrackerKind},
    script_file::{Runner, ScriptError},
};

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
    let parsed = config::parse(&path.display().to_string(), &text)
        .map_err(|report| ConfigFileError::Invalid(Box::new(report)))?;
    check_scripts(&parsed).map_err(|report| ConfigFileError::Invalid(Box::new(report)))?;
    Ok(parsed)
}

/// What is run must be there, and be what nobody else can change.
fn check_scripts(parsed: &Parsed) -> Result<(), Report> {
    let mut wrong: Option<Report> = None;
    let mut refuse = |key: String, error: &ScriptError| {
        let help = error.advice();
        let report = parsed.warnings.host_error(&key, &error.to_string(), Some(&help));
        match &mut wrong {
            Some(wrong) => wrong.diagnostics.extend(report.diagnostics),
            None => wrong = Some(report),
        }
    };
    for (index, Tracker { kind, .. }) in parsed.config.trackers.iter().enumerate() {
        let TrackerKind::Script(script) = kind else { continue };
        if let Err((key, error)) = check_script(script) {
            refuse(format!("track[{index}].{key}"), &error);
        }
    }
    for (index, pool) in parsed.config.pools.iter().enumerate() {
        for (place, check) in pool.checks.iter().enumerate() {
            let CheckKind::Script(script) = &check.kind else { continue };
            let Err((key, error)) = judge(script) else { continue };
            let place =
                if pool.checks.iter().len() > 1 { format!("[{place}]") } else { String::new() };
            refuse(format!("pool[{index}].check{place}.{key}"), &error);
        }
    }
    wrong.map_or(Ok(()), Err)
}

/// The key in question, and what is wrong with it.
fn judge(script: &ScriptCheck) -> Result<(), (&'static str, ScriptError)> {
    let runner = Runner::find(&script.user).map_err(|error| ("user", error))?;
    runner.check(&script.program).map_err(|error| ("script[0]", error))
}

/// The key in question, and what is wrong with it.
fn check_script(script: &TrackScript) -> Result<(), (&'static str, ScriptError)> {
    let runner = Runner::find(&script.user).map_err(|error| ("user", error))?;
    let key = match script.command {
        ScriptCommand::Program(..) => "script[0]",
        ScriptCommand::Shell(_) => "script",
    };
    runner.check(&script.command.parts().0).map_err(|error| (key, error))
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

    #[test]
    fn scripts_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lb.toml");
        let text = "[node]\nname = \"a\"\ninterface = \"eth0\"\n\
                    [[track]]\nname = \"a\"\nscript = [\"/no-such\", \"x\"]\n\
                    [[track]]\nname = \"b\"\nscript = \"exit\"\nshell = true\nuser = \"no-such-user\"\n";
        std::fs::write(&path, text).unwrap();
        let ConfigFileError::Invalid(report) = load(&path).unwrap_err() else { panic!() };
        let found = |key: &str| report.diagnostics.iter().find(|one| one.key == key).unwrap();
        let missing = found("track[0].script[0]");
        assert_eq!(missing.message, "/no-such: no such file or directory");
        assert_eq!(&report.text[missing.span.clone()], "\"/no-such\"");
        let user = found("track[1].user");
        assert_eq!(user.message, "there is no user `no-such-user` on this host");
        assert_eq!(report.diagnostics.len(), 2);
    }

    #[test]
    fn scripts_of_checks_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lb.toml");
        let text = "[node]\nname = \"a\"\ninterface = \"eth0\"\n\
                    [[pool]]\nname = \"p\"\nservers = [{ name = \"r\", address = \"10.0.0.1\" }]\n\
                    check = { type = \"script\", script = [\"/no-such\", \"{address}\"] }\n\
                    [[service]]\nname = \"s\"\naddress = \"10.0.0.2\"\nports = [\"tcp/80\"]\npool = \"p\"\n";
        std::fs::write(&path, text).unwrap();
        let ConfigFileError::Invalid(report) = load(&path).unwrap_err() else { panic!() };
        let [found] = report.diagnostics.as_slice() else { panic!("{report}") };
        assert_eq!(found.message, "/no-such: no such file or directory");
        assert_eq!(
            (found.key.as_str(), &report.text[found.span.clone()]),
            ("pool[0].check.script[0]", "\"/no-such\"")
        );
    }

    #[test]
    fn the_examples_are_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let parsed = load(&path).unwrap_or_else(|error| panic!("{error}"));
                assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
                read += 1;
            }
        }
        assert!(read > 0, "no example was found");
    }
}
