//! The TLS handshake of a check, and what can be wrong with it.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ConfigBuilder, Error, ProtocolVersion, RootCertStore, WantsVerifier};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::connect::CheckError;
use crate::certificates::{AnyCertificate, HandshakeError};
use crate::model::TlsCheck;

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
        return Err(HandshakeError::NoHttp2.into());
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
        return HandshakeError::Closed.into();
    }
    match error.downcast::<Error>() {
        Ok(error) => HandshakeError::of(error, name).into(),
        Err(error) => CheckError::broken(super::ask::TLS_HANDSHAKE, error),
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
fn verifying(roots: RootCertStore) -> Result<Arc<ClientConfig>, HandshakeError> {
    let mut config = builder()?.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn not_verifying() -> Result<Arc<ClientConfig>, HandshakeError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let verifier = Arc::new(AnyCertificate::new(&aws_lc_rs::default_provider()));
    let mut config =
        builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, HandshakeError> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(HandshakeError::Other)
}

#[cfg(test)]
#[path = "tls_test.rs"]
mod tests;
