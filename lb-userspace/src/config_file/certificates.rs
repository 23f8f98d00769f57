//! The certificates and keys that a configuration names, read once and judged: what cannot be used is said at its place.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use zeroize::Zeroizing;

use crate::{
    certificates::{MAX_BUNDLE, SniTable, read_authorities, read_bundle},
    config::{Parsed, Report, Severity, TlsFiles},
    model::{Service, ServiceTls},
};

/// Ends of names in a folder of HAProxy's that are no certificates.
const OTHERS: [&str; 4] = [".issuer", ".key", ".ocsp", ".sctl"];
/// Files in one folder, at most.
const MOST_FILES: usize = 10_000;

/// The files that a path stands for: itself, or those in the folder, by name.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)?.take(MOST_FILES) {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_other = name.starts_with('.') || OTHERS.iter().any(|end| name.ends_with(end));
        if !is_other && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads all of them into `parsed`, with what is odd about them.
///
/// # Errors
/// Everything that cannot be used, at its place.
pub(super) fn read_all(parsed: &mut Parsed) -> Result<(), Report> {
    let mut said = Said::default();
    let provider = aws_lc_rs::default_provider();
    // A clock that stands before 1970 is nobody's.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let tls = |service: &Service| service.proxy.as_ref().and_then(|proxy| proxy.tls.clone());
    let all: Vec<_> = parsed.config.services.iter().enumerate().collect();
    for (index, service) in all {
        let Some(tls) = tls(service) else { continue };
        let key = format!("service[{index}].tls");
        let files = of_service(&tls, &key, now, &provider, &mut said);
        parsed.certificates.0.insert(service.name.clone(), files);
    }
    let mut errors: Option<Report> = None;
    for Word { key, message, help, severity } in said.0 {
        let mut report = parsed.warnings.host_error(&key, &message, help);
        for diagnostic in &mut report.diagnostics {
            diagnostic.severity = severity;
        }
        match (&mut errors, severity) {
            (_, Severity::Warning) => {
                parsed.warnings.diagnostics.append(&mut report.diagnostics);
            }
            (Some(errors), Severity::Error) => {
                errors.diagnostics.append(&mut report.diagnostics);
            }
            (None, Severity::Error) => errors = Some(report),
        }
    }
    parsed.warnings.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    errors.map_or(Ok(()), Err)
}

/// What is to be said, and where.
#[derive(Default)]
struct Said(Vec<Word>);

struct Word {
    key: String,
    message: String,
    help: Option<&'static str>,
    severity: Severity,
}

impl Said {
    fn error(&mut self, key: &str, message: String, help: Option<&'static str>) {
        let (key, severity) = (key.to_owned(), Severity::Error);
        self.0.push(Word { key, message, help, severity });
    }

    fn warning(&mut self, key: &str, message: String) {
        let (key, severity) = (key.to_owned(), Severity::Warning);
        self.0.push(Word { key, message, help: None, severity });
    }
}

fn of_service(
    tls: &ServiceTls,
    key: &str,
    now: Duration,
    provider: &CryptoProvider,
    said: &mut Said,
) -> TlsFiles {
    let mut found = TlsFiles::default();
    let mut certificates = Vec::new();
    let key_of = |key: &str| format!("{key}.certificates");
    for path in &tls.certificates {
        let files = match files(path) {
            Ok(files) if files.is_empty() => {
                let message =
                    format!("{}: there are no certificates in the folder", path.display());
                said.error(
                    &key_of(key),
                    message,
                    Some("put files into it with certificate, chain and key"),
                );
                continue;
            }
            Ok(files) => files,
            Err(error) => {
                said.error(&key_of(key), format!("{}: {error}", path.display()), None);
                continue;
            }
        };
        for file in files {
            let source = file.display().to_string();
            let text = match read(&file) {
                Ok(text) => text,
                Err(error) => {
                    said.error(&key_of(key), format!("{source}: {error}"), None);
                    continue;
                }
            };
            match read_bundle(&source, text.as_bytes(), now, provider) {
                Ok((certificate, warnings)) => {
                    for warning in warnings {
                        said.warning(&key_of(key), format!("{source}: {warning}"));
                    }
                    certificates.push(certificate);
                    found.bundles.push((source, text));
                }
                Err(error) => said.error(&key_of(key), format!("{source}: {error}"), None),
            }
        }
    }
    for (file, other) in SniTable::new(certificates, tls.strict_sni).hidden() {
        said.warning(
            &key_of(key),
            format!("{file}: {other} has the same names: it is never shown"),
        );
    }
    if let Some(clients) = &tls.clients {
        let file = clients.authorities.display();
        let key = format!("{key}.client_ca");
        match read(&clients.authorities) {
            Ok(text) => match read_authorities(&text) {
                Ok(_) => found.authorities = Some(text.to_string()),
                Err(error) => said.error(&key, format!("{file}: {error}"), None),
            },
            Err(error) => said.error(&key, format!("{file}: {error}"), None),
        }
    }
    found
}

fn read(file: &Path) -> io::Result<Zeroizing<String>> {
    // With all of its room from the start, so that nothing of a key is left behind where it grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BUNDLE + 1));
    File::open(file)?.take(MAX_BUNDLE as u64 + 1).read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is no PEM, but bytes: `openssl x509 -in FILE -out FILE.pem`, or `openssl pkey`, turns DER into PEM"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rcgen::{CertificateParams, KeyPair};

    use crate::config::{Parsed, Report};
    use crate::config_file::{ConfigFileError, load};

    use super::*;

    fn bundle(name: &str, until: i32) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        [params.self_signed(&key).unwrap().pem(), key.serialize_pem()]
    }

    fn put(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A configuration with this `tls` on line 11.
    fn with(folder: &Path, tls: &str) -> Result<Parsed, Box<Report>> {
        let path = folder.join("lb.toml");
        let text = format!(
            "[node]\nname = \"a\"\ninterface = \"eth0\"\n[[pool]]\nname = \"p\"\n\
             servers = [{{ name = \"r\", address = \"10.0.0.1:80\" }}]\n\
             [[service]]\nname = \"s\"\naddress = \"10.0.0.2\"\nports = [\"tcp/443\"]\n\
             tls = {{ {tls} }}\nmode = \"http\"\npool = \"p\"\n"
        );
        fs::write(&path, text).unwrap();
        load(&path).map_err(|error| match error {
            ConfigFileError::Invalid(report) => report,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site.pem");
        put(&site, &bundle("a.test", 2100).concat());
        let more = folder.path().join("more");
        fs::create_dir(&more).unwrap();
        for name in ["c.pem", "b.pem"] {
            put(&more.join(name), &bundle(name, 2100).concat());
        }
        for name in ["b.pem.ocsp", ".b.pem.swp"] {
            put(&more.join(name), "not a certificate");
        }
        let tls = format!("certificates = [{site:?}, {more:?}], client_ca = {site:?}");
        let parsed = with(folder.path(), &tls).unwrap_or_else(|report| panic!("{report}"));
        assert!(parsed.warnings.is_empty(), "{}", parsed.warnings);
        let files = parsed.certificates.0.values().next().unwrap();
        let names: Vec<_> = files.bundles.iter().map(|(file, _)| file.as_str()).collect();
        let path = |file: &str| folder.path().join(file).display().to_string();
        assert_eq!(names, [path("site.pem"), path("more/b.pem"), path("more/c.pem")]);
        assert!(files.authorities.is_some());
        assert!(!format!("{parsed:?}").contains("PRIVATE"), "no key is shown");
    }

    #[test]
    fn what_is_wrong_is_shown_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let [certificate, key] = bundle("a.test", 2100);
        put(&path("no-key.pem"), &certificate);
        put(&path("other-key.pem"), &(certificate.clone() + &bundle("b.test", 2100)[1]));
        put(&path("good.pem"), &(certificate + &key));
        put(&path("old.pem"), &bundle("c.test", 2001).concat());
        put(&path("empty.pem"), "");
        fs::create_dir(path("nothing")).unwrap();
        for (file, words) in [
            ("missing.pem", "missing.pem: No such file"),
            ("no-key.pem", "no private key in the file"),
            ("other-key.pem", "belongs to none of the certificates"),
            ("nothing", "there are no certificates in the folder"),
        ] {
            let report = with(folder.path(), &format!("certificates = {:?}", path(file)));
            let said = report.unwrap_err().to_string();
            assert!(said.contains("lb.toml:11:24") && said.contains(words), "{said}");
        }
        let clients =
            format!("certificates = {:?}, client_ca = {:?}", path("good.pem"), path("empty.pem"));
        let said = with(folder.path(), &clients).unwrap_err().to_string();
        assert!(said.contains("empty.pem: no certificate in the file"), "{said}");
        let both = format!("certificates = [{:?}, {0:?}]", path("old.pem"));
        let said = with(folder.path(), &both).unwrap().warnings.to_string();
        assert!(said.contains("the certificate has expired on Jan  1 00:00:00 2001"), "{said}");
    }
}
