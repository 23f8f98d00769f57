//! The certificates and keys that a configuration names, read once and judged: what cannot be used is said at its place.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
};
use zeroize::Zeroizing;

use crate::{
    certificates::{Certificate, Expiry, MAX_BUNDLE, SniTable, read_authorities, read_bundle},
    config::{Parsed, Report, Severity, TlsFiles},
    model::{Config, PoolTls, ServiceTls},
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
    // A clock that stands before 1970 is nobody's.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut reader = Reader {
        now,
        provider: aws_lc_rs::default_provider(),
        expiries: BTreeSet::new(),
        said: Said::default(),
    };
    let Config { services, pools, .. } = &parsed.config;
    let found = &mut parsed.certificates;
    for (index, service) in services.iter().enumerate() {
        let Some(tls) = service.proxy.as_ref().and_then(|proxy| proxy.tls.as_ref()) else {
            continue;
        };
        let files = reader.of_service(tls, &format!("service[{index}].tls"));
        found.services.insert(service.name.clone(), files);
    }
    for (index, pool) in pools.iter().enumerate() {
        let Some(tls) = &pool.proxy.tls else { continue };
        let key = format!("pool[{index}].proxy.tls");
        found.pools.insert(pool.name.clone(), reader.of_pool(tls, &key));
        if tls.trusts_as_this_host() && found.trusted.is_none() {
            found.trusted = reader.trusted(&key);
        }
    }
    parsed.expiries = reader.expiries.into_iter().collect();
    let mut errors: Option<Report> = None;
    for Word { key, message, help, severity } in reader.said.0 {
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

/// Reads, and says what is wrong.
struct Reader {
    now: Duration,
    provider: CryptoProvider,
    expiries: BTreeSet<Expiry>,
    said: Said,
}

impl Reader {
    fn of_service(&mut self, tls: &ServiceTls, key: &str) -> TlsFiles {
        let mut found = TlsFiles::default();
        let mut certificates = Vec::new();
        let key_of = format!("{key}.certificates");
        for path in &tls.certificates {
            let files = match files(path) {
                Ok(files) if files.is_empty() => {
                    let message =
                        format!("{}: there are no certificates in the folder", path.display());
                    let help = "put files into it with certificate, chain and key";
                    self.said.error(&key_of, message, Some(help));
                    continue;
                }
                Ok(files) => files,
                Err(error) => {
                    self.said.error(&key_of, format!("{}: {error}", path.display()), None);
                    continue;
                }
            };
            for file in files {
                certificates.extend(self.bundle(&file, &key_of, &mut found));
            }
        }
        for (file, other) in SniTable::new(certificates, tls.strict_sni).hidden() {
            let message = format!("{file}: {other} has the same names: it is never shown");
            self.said.warning(&key_of, message);
        }
        if let Some(clients) = &tls.clients {
            found.authorities = self.authorities(&clients.authorities, &format!("{key}.client_ca"));
        }
        found
    }

    fn of_pool(&mut self, tls: &PoolTls, key: &str) -> TlsFiles {
        let mut found = TlsFiles::default();
        if let Some(file) = &tls.certificate {
            self.bundle(file, &format!("{key}.certificate"), &mut found);
        }
        if let Some(file) = &tls.authorities {
            found.authorities = self.authorities(file, &format!("{key}.ca"));
        }
        found
    }

    /// A certificate with its chain and its key.
    fn bundle(&mut self, file: &Path, key: &str, found: &mut TlsFiles) -> Option<Certificate> {
        let source = file.display().to_string();
        let text = match read(file) {
            Ok(text) => text,
            Err(error) => {
                self.said.error(key, format!("{source}: {error}"), None);
                return None;
            }
        };
        match read_bundle(&source, text.as_bytes(), self.now, &self.provider) {
            Ok((certificate, warnings)) => {
                for warning in warnings {
                    self.said.warning(key, format!("{source}: {warning}"));
                }
                self.expiries.insert(Expiry::of(&certificate));
                found.bundles.push((source, text));
                Some(certificate)
            }
            Err(error) => {
                self.said.error(key, format!("{source}: {error}"), None);
                None
            }
        }
    }

    fn authorities(&mut self, file: &Path, key: &str) -> Option<String> {
        let text = read(file).map_err(|error| error.to_string());
        let good = text.and_then(|text| match read_authorities(&text) {
            Ok(_) => Ok(text.to_string()),
            Err(error) => Err(error.to_string()),
        });
        good.map_err(|error| self.said.error(key, format!("{}: {error}", file.display()), None))
            .ok()
    }

    /// Whom this host trusts: those of them that can be used.
    fn trusted(&mut self, key: &str) -> Option<String> {
        let mut roots = RootCertStore::empty();
        let mut all = rustls_native_certs::load_native_certs().certs;
        all.retain(|one| roots.add(one.clone()).is_ok());
        if all.is_empty() {
            let message = "this host trusts no authority whose certificates would be good";
            let help =
                "install them (`ca-certificates`), or write `ca = \"FILE\"` or `verify = false`";
            self.said.error(key, message.to_owned(), Some(help));
            return None;
        }
        Some(all.iter().map(|one| pem(one)).collect())
    }
}

fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
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
        let files = parsed.certificates.services.values().next().unwrap();
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

    #[test]
    fn files_of_pools() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own.pem");
        put(&own, &bundle("own.test", 2100).concat());
        let load = |tls: &str| {
            let path = folder.path().join("lb.toml");
            let text = format!(
                "[node]\nname = \"a\"\ninterface = \"eth0\"\n[[pool]]\nname = \"p\"\n\
                 proxy = {{ tls = {{ {tls} }} }}\n\
                 servers = [{{ name = \"r\", address = \"10.0.0.1:443\" }}]\n\
                 [[service]]\nname = \"s\"\naddress = \"10.0.0.2\"\nports = [\"tcp/80\"]\n\
                 mode = \"http\"\npool = \"p\"\n"
            );
            fs::write(&path, text).unwrap();
            load(&path).map_err(|error| error.to_string())
        };
        let parsed =
            load(&format!("sni = \"a.test\", ca = {own:?}, certificate = {own:?}")).unwrap();
        let files = parsed.certificates.pools.values().next().unwrap();
        assert_eq!(files.bundles[0].0, own.display().to_string());
        assert!(files.authorities.is_some() && parsed.certificates.trusted.is_none());
        let trusted = load("sni = \"a.test\"").unwrap().certificates.trusted.unwrap();
        assert!(!read_authorities(&trusted).unwrap().is_empty());
        for (tls, place, words) in [
            ("verify = false, certificate = \"/none.pem\"", "6:49", "/none.pem: No such file"),
            ("sni = \"a\", ca = \"/dev/null\"", "6:35", "/dev/null: no certificate in the file"),
        ] {
            let said = load(tls).unwrap_err();
            assert!(said.contains(&format!("lb.toml:{place}")) && said.contains(words), "{said}");
        }
    }
}
