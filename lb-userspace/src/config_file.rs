//! Reading the configuration file: the one place where `config` meets the file system.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    agent::script::{Unsafe, judge},
    config::{self, Parsed, Report},
    model::{Check, CheckKind, Config, Script, ScriptCheck, TrackScript, TrackerKind},
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
    for Named { table, key, user_key, script, user } in scripts(&parsed.config) {
        let Err(error) = judge(script, user) else { continue };
        let key = if matches!(error, Unsafe::NoUser(_)) { user_key } else { key };
        let (key, help) = (format!("{table}.{key}"), error.advice());
        let report = parsed.warnings.host_error(&key, &error.to_string(), Some(&help));
        match &mut wrong {
            Some(wrong) => wrong.diagnostics.extend(report.diagnostics),
            None => wrong = Some(report),
        }
    }
    wrong.map_or(Ok(()), |mut wrong| {
        // A user who is not there is wrong once, for however many scripts.
        wrong.diagnostics.dedup();
        Err(wrong)
    })
}

/// A script, and where it stands in the file.
struct Named<'a> {
    table: String,
    key: &'static str,
    user_key: &'static str,
    script: &'a Script,
    user: Option<&'a str>,
}

/// All that are run, whoever runs them.
fn scripts<'a>(config: &'a Config) -> impl Iterator<Item = Named<'a>> {
    let trackers = config.trackers.iter().enumerate().filter_map(|(index, tracker)| {
        let TrackerKind::Script(TrackScript { script, user, .. }) = &tracker.kind else {
            return None;
        };
        let (table, user) = (format!("track[{index}]"), Some(user.as_str()));
        Some(Named { table, key: "script", user_key: "user", script, user })
    });
    let instances = config.vrrp.iter().map(|instance| &instance.notify).enumerate();
    let groups = config.vrrp_groups.iter().map(|group| &group.notify).enumerate();
    let instances = instances.map(|(index, notify)| (format!("vrrp[{index}]"), notify));
    let groups = groups.map(|(index, notify)| (format!("vrrp_group[{index}]"), notify));
    let notifications = instances.chain(groups).flat_map(|(table, notify)| {
        let user = notify.user.as_deref();
        let named = move |(key, script)| Named {
            table: table.clone(),
            key,
            user_key: "notify_user",
            script,
            user,
        };
        notify.scripts().map(named)
    });
    let checks = config.pools.iter().enumerate().flat_map(|(index, pool)| {
        let several = pool.checks.iter().len() > 1;
        let named = move |(place, check): (usize, &'a Check)| {
            let CheckKind::Script(ScriptCheck { script, user, .. }) = &check.kind else {
                return None;
            };
            let place = if several { format!("[{place}]") } else { String::new() };
            let (table, user) = (format!("pool[{index}].check{place}"), Some(user.as_str()));
            Some(Named { table, key: "script", user_key: "user", script, user })
        };
        pool.checks.iter().enumerate().filter_map(named)
    });
    trackers.chain(notifications).chain(checks)
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
        let instance = "[[vrrp]]\nname = \"v\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
            addresses = [\"10.9.9.1\"]\ngroup = \"g\"\nnotify_user = \"no-such-user\"\n\
            notify_master = \"/bin/true\"\nnotify = [\"/bin/true\", \"x\"]\n";
        let text = format!(
            "[node]\nname = \"a\"\ninterface = \"eth0\"\n\
             [[track]]\nname = \"a\"\nscript = [\"/no-such\", \"x\"]\n\
             [[track]]\nname = \"b\"\nscript = \"exit\"\nshell = true\nuser = \"no-such-user\"\n\
             {instance}[[vrrp_group]]\nname = \"g\"\nnotify_stop = \"/no-such\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let ConfigFileError::Invalid(report) = load(&path).unwrap_err() else { panic!() };
        let place = |key: &str| {
            report.text.get(report.diagnostics.iter().find(|one| one.key == key)?.span.clone())
        };
        let keys: Vec<_> =
            report.diagnostics.iter().map(|one| (one.key.as_str(), one.message.as_str())).collect();
        let (missing, nobody) =
            ("/no-such: no such file or directory", "there is no user `no-such-user` on this host");
        let expected = [
            ("track[0].script", missing),
            ("track[1].user", nobody),
            ("vrrp[0].notify_user", nobody),
            ("vrrp_group[0].notify_stop", missing),
        ];
        assert_eq!(keys, expected);
        assert_eq!(place("track[0].script"), Some("[\"/no-such\", \"x\"]"));
        assert_eq!(place("vrrp_group[0].notify_stop"), Some("\"/no-such\""));
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
            ("pool[0].check.script", "[\"/no-such\", \"{address}\"]")
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
