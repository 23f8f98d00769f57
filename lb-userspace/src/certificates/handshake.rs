//! Why a handshake with a server fails, in words that say where to look.

use rustls::{AlertDescription, CertificateError, Error};

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// It is over.
    #[error("the certificate has expired")]
    Expired,
    /// It is to come.
    #[error("the certificate is not valid yet")]
    NotYet,
    /// The name that it should be for.
    #[error("the certificate is not for {0}")]
    OtherName(String),
    /// Of nobody who is trusted.
    #[error("the certificate is from an authority that this host does not trust")]
    UnknownIssuer,
    /// By its authority.
    #[error("the certificate has been revoked")]
    Revoked,
    /// For another reason.
    #[error("the certificate is not acceptable: {0}")]
    Certificate(CertificateError),
    /// Another protocol.
    #[error("expected a TLS handshake, got something else: no TLS at this port?")]
    NotTls,
    /// By an alert.
    #[error("the server has refused the handshake: {0:?}")]
    Refused(AlertDescription),
    /// Nothing but HTTP/1.
    #[error("the server does not offer HTTP/2 over TLS")]
    NoHttp2,
    /// Before it was over.
    #[error("connection closed within the TLS handshake")]
    Closed,
    /// In the words of rustls.
    #[error("TLS handshake failed: {0}")]
    Other(Error),
}

impl HandshakeError {
    /// What rustls says of a server that should have this name.
    #[must_use]
    pub fn of(error: Error, name: &str) -> Self {
        match error {
            Error::InvalidCertificate(error) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYet
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    Self::OtherName(name.to_owned())
                }
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::Revoked => Self::Revoked,
                other => Self::Certificate(other),
            },
            Error::InvalidMessage(_) => Self::NotTls,
            Error::AlertReceived(alert) => Self::Refused(alert),
            other => Self::Other(other),
        }
    }
}
