//! An authority, and whom it makes certificates for.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::certificates::{Certificate, SniTable, read_bundle};
use crate::proxy::tls::{TlsSettings, Versions};

/// When all certificates of the tests are valid.
const NOW: Duration = Duration::from_secs(1_826_000_000);

/// An authority, and what it has signed.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("authority of a test")
    }

    pub(super) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate and its key.
    pub(super) fn pem(&self, name: &str) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        [params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem()]
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }

    /// A certificate and its key, for rustls.
    pub(super) fn certificate(&self, name: &str) -> Certificate {
        let pem = self.pem(name).concat();
        read_bundle(name, pem.as_bytes(), NOW, &aws_lc_rs::default_provider()).unwrap().0
    }

    pub(super) fn table(&self, names: &[&str]) -> Arc<SniTable> {
        let all = names.iter().map(|name| self.certificate(name)).collect();
        Arc::new(SniTable::new(all, false))
    }

    pub(super) fn settings(&self) -> TlsSettings {
        TlsSettings {
            certificates: self.table(&["a.test", "b.test"]),
            versions: Versions::Both,
            tickets: Ticketer::new().unwrap(),
            clients: None,
        }
    }

    /// A client without a certificate.
    pub(super) fn client(
        &self,
        version: &'static SupportedProtocolVersion,
        alpn: &[&str],
    ) -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap();
        let mut config = builder.with_root_certificates(self.roots()).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|one| one.as_bytes().to_vec()).collect();
        config
    }
}
