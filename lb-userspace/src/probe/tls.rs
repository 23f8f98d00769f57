//! The TLS handshake of a check, and what can be wrong with it.

mod verifier;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ConfigBuilder, Error, ProtocolVersion,
    RootCertStore, WantsVerifier,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use self::verifier::AnyCertificate;
use super::connect::CheckError;
use crate::model::TlsCheck;

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("the certificate has expired")]
    Expired,
    #[error("the certificate is not valid yet")]
    NotYet,
    #[error("the certificate is not for {0}")]
    OtherName(String),
    #[error("the certificate is from an authority that this host does not trust")]
    UnknownIssuer,
    #[error("the certificate has been revoked")]
    Revoked,
    #[error("the certificate is not acceptable: {0}")]
    Certificate(CertificateError),
    #[error("expected a TLS handshake, got something else: no TLS at this port?")]
    NotTls,
    #[error("the server has refused the handshake: {0:?}")]
    Refused(AlertDescription),
    #[error("the server does not offer HTTP/2 over TLS")]
    NoHttp2,
    #[error("connection closed within the TLS handshake")]
    Closed,
    #[error("TLS handshake failed: {0}")]
    Other(Error),
}

/// Makes a TLS connection of a connection; one that is to speak HTTP/2 says so (RFC 9113 section 3.2).
pub(super) async fn handshake(
    stream: TcpStream,
    check: &TlsCheck,
    address: IpAddr,
    for_http2: bool,
) -> Result<TlsStream<TcpStream>, CheckError> {
    let mut config = match check {
        TlsCheck::Verified(_) => verifying_by_this_host()?,
        TlsCheck::Unverified(_) => not_verifying()?,
    };
    if for_http2 {
        Arc::make_mut(&mut config).alpn_protocols = vec![HTTP2.to_vec()];
    }
    let stream = handshake_by(config, stream, check, address).await?;
    if for_http2 && stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
        return Err(TlsError::NoHttp2.into());
    }
    Ok(stream)
}

/// What was agreed upon, for people.
pub(super) fn words(stream: &TlsStream<TcpStream>, check: &TlsCheck) -> String {
    let connection = stream.get_ref().1;
    let version = connection.protocol_version().map_or("TLS", |version| match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => "TLS",
    });
    let cipher = connection.negotiated_cipher_suite().map(|suite| format!(" {:?}", suite.suite()));
    let cipher = cipher.unwrap_or_default();
    let certificate = match check {
        TlsCheck::Verified(_) => "the certificate is good",
        TlsCheck::Unverified(_) => "the certificate was not looked at",
    };
    format!("handshake done: {version}{cipher}; {certificate}")
}

/// HTTP/2 over TLS, as ALPN calls it.
const HTTP2: &[u8] = b"h2";

/// The same by a certain configuration.
async fn handshake_by(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    check: &TlsCheck,
    address: IpAddr,
) -> Result<TlsStream<TcpStream>, CheckError> {
    let name = match check.name() {
        Some(name) => ServerName::DnsName(name.dns().clone()),
        // An address is not sent.
        None => ServerName::IpAddress(address.into()),
    };
    let words = name.to_str().into_owned();
    let connected = TlsConnector::from(config).connect(name, stream).await;
    connected.map_err(|error| of_handshake(error, &words))
}

fn of_handshake(error: io::Error, name: &str) -> CheckError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return TlsError::Closed.into();
    }
    match error.downcast::<Error>() {
        Ok(error) => of_tls(error, name).into(),
        Err(error) => CheckError::broken(super::ask::TLS_HANDSHAKE, error),
    }
}

fn of_tls(error: Error, name: &str) -> TlsError {
    match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                TlsError::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsError::NotYet
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsError::OtherName(name.to_owned())
            }
            CertificateError::UnknownIssuer => TlsError::UnknownIssuer,
            CertificateError::Revoked => TlsError::Revoked,
            other => TlsError::Certificate(other),
        },
        Error::InvalidMessage(_) => TlsError::NotTls,
        Error::AlertReceived(alert) => TlsError::Refused(alert),
        other => TlsError::Other(other),
    }
}

/// Reads the list of whom this host trusts, as long as it can be read. What is wrong with it is said by the first check
/// that needs it.
pub(super) fn load_authorities() {
    _ = verifying_by_this_host();
}

/// Trusts whom this host trusts. The list is read once.
fn verifying_by_this_host() -> Result<Arc<ClientConfig>, CheckError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let advice = "there are none: install them, or write `verify = false`";
        let source = io::Error::new(io::ErrorKind::NotFound, advice);
        let task = "find the certificate authorities that this host trusts".to_owned();
        return Err(CheckError::Local { task, source });
    }
    let config = verifying(roots)?;
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}

/// No resumption: a handshake that is cut short checks no certificate.
fn verifying(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = builder()?.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn not_verifying() -> Result<Arc<ClientConfig>, TlsError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    let verifier = Arc::new(AnyCertificate(algorithms));
    let mut config =
        builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Other)
}

#[cfg(test)]
#[path = "tls_test.rs"]
mod tests;
