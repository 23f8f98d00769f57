//! The files that hold passwords and keys, looked at on this host: who but root and their owner may read them, or change
//! them.
//!
//! A file that others can change is refused: whoever can write to it has a password of their own. One that others can
//! read is used, with a warning. One that is not there is the business of who reads it.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::certificates;
use crate::{
    config::{Parsed, Report, Severity},
    model::{Config, Password, VrrpProtocol},
};

const READ_BY_GROUP: u32 = 0o040;
const READ_BY_ALL: u32 = 0o004;
const WRITTEN_BY_GROUP: u32 = 0o020;
const WRITTEN_BY_ALL: u32 = 0o002;

/// Adds what is to be said of the files that `parsed` names, and of the configuration `file` itself where a password
/// stands in it.
///
/// # Errors
/// Files that others can change, each at its place.
pub(super) fn judge_all(parsed: &mut Parsed, file: &Path) -> Result<(), Report> {
    let mut errors: Option<Report> = None;
    for (key, path) in named(&parsed.config, file) {
        let Some(found) = judge(&path) else { continue };
        let mut report = parsed.warnings.host_error(&key, &found.message, Some(&found.help));
        if found.severity == Severity::Error {
            match &mut errors {
                Some(errors) => errors.diagnostics.append(&mut report.diagnostics),
                None => errors = Some(report),
            }
            continue;
        }
        for mut diagnostic in report.diagnostics {
            diagnostic.severity = Severity::Warning;
            parsed.warnings.diagnostics.push(diagnostic);
        }
    }
    parsed.warnings.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    errors.map_or(Ok(()), Err)
}

/// Each file with a secret, and where it stands in the configuration.
fn named(config: &Config, file: &Path) -> Vec<(String, PathBuf)> {
    let mut all = Vec::new();
    if let Some(seed) = &config.node.seed_file {
        all.push(("node.seed_file".to_owned(), seed.clone()));
    }
    if let Some(login) = config.mail.as_ref().and_then(|mail| mail.login.as_ref()) {
        all.push(("mail.password_file".to_owned(), login.password_file.clone()));
    }
    for (index, service) in config.services.iter().enumerate() {
        let tls = service.proxy.as_ref().and_then(|proxy| proxy.tls.as_ref());
        for path in tls.iter().flat_map(|tls| &tls.certificates) {
            let files = certificates::files(path).unwrap_or_default().into_iter();
            all.extend(files.map(|file| (format!("service[{index}].tls.certificates"), file)));
        }
    }
    for (index, pool) in config.pools.iter().enumerate() {
        if let Some(file) = pool.proxy.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) {
            all.push((format!("pool[{index}].proxy.tls.certificate"), file.clone()));
        }
    }
    for (index, instance) in config.vrrp.iter().enumerate() {
        let password = match &instance.protocol {
            VrrpProtocol::V2 { authentication, .. } => authentication.password(),
            VrrpProtocol::V3 { .. } => None,
        };
        match password {
            Some(Password::File(path)) => {
                all.push((format!("vrrp[{index}].password_file"), path.clone()));
            }
            Some(Password::Here(_)) => {
                all.push((format!("vrrp[{index}].password"), file.to_owned()));
            }
            None => {}
        }
    }
    all
}

struct Found {
    severity: Severity,
    message: String,
    help: String,
}

fn judge(path: &Path) -> Option<Found> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mode = found.mode();
    // Root's group is root.
    let by = |group: u32, all: u32| match mode {
        mode if mode & all != 0 => Some("everybody"),
        mode if mode & group != 0 && found.gid() != 0 => Some("its group"),
        _ => None,
    };
    let (severity, verb, whose) =
        match (by(WRITTEN_BY_GROUP, WRITTEN_BY_ALL), by(READ_BY_GROUP, READ_BY_ALL)) {
            (Some(whose), _) => (Severity::Error, "writable", whose),
            (None, Some(whose)) => (Severity::Warning, "readable", whose),
            (None, None) => return None,
        };
    Some(Found {
        severity,
        message: format!(
            "{} holds a secret and is {verb} by {whose} (mode {:04o})",
            path.display(),
            mode & 0o7777
        ),
        help: format!("run `chmod go-rwx {}`", path.display()),
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use crate::{
        config::Severity,
        config_file::{ConfigFileError, load},
    };

    /// What is said of files with these modes: of the configuration, the seed, the passwords of mail and of VRRP.
    fn said(modes: [u32; 4], password: &str) -> Vec<(Severity, String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["lb.toml", "seed", "mail", "vrrp"].map(|name| folder.path().join(name));
        let text = format!(
            "[node]\nname = \"a\"\ninterface = \"eth0\"\nseed_file = {:?}\n\
             [mail]\nfrom = \"a@example.org\"\nto = [\"b@example.org\"]\nserver = \"mail.example.org\"\ntls = \"tls\"\n\
             username = \"u\"\npassword_file = {:?}\n\
             [[vrrp]]\nname = \"v\"\ninterface = \"eth0\"\nvirtual_router_id = 1\nversion = 2\n\
             addresses = [\"10.9.9.1\"]\n{}\n",
            paths[1],
            paths[2],
            password.replace("FILE", &format!("{:?}", paths[3])),
        );
        for (path, mode) in paths.iter().zip(modes) {
            fs::write(path, if path.ends_with("lb.toml") { &text } else { "secret" }).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let report = match load(&paths[0]) {
            Ok(parsed) => parsed.warnings,
            Err(ConfigFileError::Invalid(report)) => *report,
            Err(error) => panic!("{error}"),
        };
        let folder = folder.path().display().to_string();
        let mut found: Vec<_> = report
            .diagnostics
            .into_iter()
            .inspect(|one| assert!(one.message.contains("secret"), "{one:?}"))
            .map(|one| (one.severity, one.key, one.message.replace(&folder, "")))
            .collect();
        found.sort_by(|one, other| one.1.cmp(&other.1));
        found
    }

    const IN_FILE: &str = "password_file = FILE";

    #[test]
    fn what_nobody_else_can_read_is_well() {
        assert_eq!(said([0o644, 0o600, 0o400, 0o600], IN_FILE), []);
        assert_eq!(said([0o600; 4], "password = \"s3c\""), []);
    }

    #[test]
    fn what_others_can_read_is_a_warning() {
        let warning =
            |key: &str, words: &str| (Severity::Warning, key.to_owned(), words.to_owned());
        let expected = [
            warning(
                "mail.password_file",
                "/mail holds a secret and is readable by everybody (mode 0604)",
            ),
            warning(
                "node.seed_file",
                "/seed holds a secret and is readable by everybody (mode 0644)",
            ),
            warning(
                "vrrp[0].password_file",
                "/vrrp holds a secret and is readable by everybody (mode 0444)",
            ),
        ];
        assert_eq!(said([0o644, 0o644, 0o604, 0o444], IN_FILE), expected);
        let here = "/lb.toml holds a secret and is readable by everybody (mode 0644)";
        assert_eq!(
            said([0o644, 0o600, 0o600, 0o600], "password = \"s3c\""),
            [warning("vrrp[0].password", here)]
        );
    }

    #[test]
    fn what_others_can_change_is_refused() {
        let error = |key: &str, words: &str| (Severity::Error, key.to_owned(), words.to_owned());
        let expected = [
            error(
                "node.seed_file",
                "/seed holds a secret and is writable by everybody (mode 0602)",
            ),
            error(
                "vrrp[0].password_file",
                "/vrrp holds a secret and is writable by everybody (mode 0666)",
            ),
        ];
        assert_eq!(said([0o600, 0o602, 0o644, 0o666], IN_FILE), expected);
        let here = "/lb.toml holds a secret and is writable by everybody (mode 0622)";
        assert_eq!(
            said([0o622, 0o600, 0o600, 0o600], "password = \"s3c\""),
            [error("vrrp[0].password", here)]
        );
    }
}
