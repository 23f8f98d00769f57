//! The authorities that certificates of the other side are from.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Why a file names no authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// A begin without an end, or no base64.
    #[error("the file is no PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// One that cannot be trusted.
    #[error("certificate {place} of the file is none of an authority: {reason}")]
    NoAuthority {
        /// Counted from 1.
        place: usize,
        /// In the words of rustls.
        reason: rustls::Error,
    },
    /// There is none.
    #[error("no certificate in the file (`-----BEGIN CERTIFICATE-----`)")]
    Empty,
}

/// Reads a file with one certificate or several.
///
/// # Errors
/// [`AuthoritiesError`].
pub fn read_authorities(pem: &str) -> Result<RootCertStore, AuthoritiesError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let certificate = certificate.map_err(AuthoritiesError::Pem)?;
        let wrong = |reason| AuthoritiesError::NoAuthority { place: index + 1, reason };
        roots.add(certificate).map_err(wrong)?;
    }
    if roots.is_empty() { Err(AuthoritiesError::Empty) } else { Ok(roots) }
}
