//! What both sides need for TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use lb_userspace::certificates::{SniTable, read_bundle};
use lb_userspace::proxy::tls::{Tls, TlsSettings, Versions};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, version};

/// Certificate and key, for both.
pub(crate) fn bundle(folder: &Path) -> PathBuf {
    folder.join("bench.pem")
}

/// Makes them (ECDSA, P-256), and returns what clients trust.
pub(crate) fn certificate(folder: &Path) -> Result<CertificateDer<'static>> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["bench.test".to_owned()])?.self_signed(&key)?;
    fs::write(bundle(folder), certificate.pem() + &key.serialize_pem())?;
    Ok(certificate.der().clone())
}

/// Of the generator.
pub(crate) fn client(
    authority: CertificateDer<'static>,
    resumes: bool,
) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&version::TLS13])?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    if !resumes {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config))
}

/// Of the engine.
pub(crate) fn tls(folder: &Path) -> Result<Tls> {
    let file = bundle(folder);
    let provider = aws_lc_rs::default_provider();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let (certificate, _) = read_bundle("bench.pem", &fs::read(file)?, now, &provider)?;
    Ok(Tls::new(TlsSettings {
        certificates: Arc::new(SniTable::new(vec![certificate], false)),
        versions: Versions::Both,
        tickets: Ticketer::new()?,
        clients: None,
    })?)
}

/// What HAProxy runs on.
pub(crate) fn openssl() -> Result<String> {
    let said = Command::new("haproxy").arg("-vv").output()?.stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("Running on OpenSSL version : "));
    Ok(line.context("HAProxy has no OpenSSL")?.to_owned())
}
