//! What is looked at in the certificate of a server itself.

use std::{fmt, time::Duration};

use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, public_key::PublicKey, time::ASN1Time,
};

use super::BundleError;
use crate::preamble::HostName;

/// How a key signs. A client is shown a certificate whose kind it can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// On the curves P-256, P-384 or P-521: short and quick, so it is the first choice.
    Ecdsa,
    /// Ed25519.
    Ed25519,
    /// 2048 bits and more.
    Rsa,
}

/// A name that a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamePattern {
    /// This host.
    Exact(HostName),
    /// Any host with one label before this name (RFC 6125, section 6.4.3).
    Wildcard(HostName),
}

impl NamePattern {
    /// `None` for what is no name of a host, and for wildcards within a label.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        match text.strip_prefix("*.") {
            Some(parent) => parent.parse().ok().map(Self::Wildcard),
            None => text.parse().ok().map(Self::Exact),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "{name}"),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

/// When a certificate holds: seconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from: i64,
    /// Not after.
    pub until: i64,
}

impl Validity {
    /// `now` is Unix time.
    pub(super) fn is_over(self, now: Duration) -> bool {
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX) > self.until
    }

    pub(super) fn is_to_come(self, now: Duration) -> bool {
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX) < self.from
    }
}

/// A time as people read it, such as `Nov 23 19:14:15 2026 +00:00`.
pub(super) fn date(seconds: i64) -> String {
    ASN1Time::from_timestamp(seconds)
        .map_or_else(|_| format!("{seconds} s"), |time| time.to_string())
}

/// What the certificate says.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) names: Vec<NamePattern>,
    pub(super) validity: Validity,
    pub(super) sha1: bool,
    pub(super) self_signed: bool,
}

/// The smallest RSA key that rustls takes.
const SMALLEST_RSA: usize = 2_048;
/// Signatures with SHA-1 or MD5: by RSA, and by ECDSA.
const WEAK: [&str; 3] = ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

impl Leaf {
    /// Refuses what rustls or the clients of it would.
    pub(super) fn read(certificate: &X509Certificate<'_>) -> Result<Self, BundleError> {
        let subject = certificate.subject().to_string();
        if certificate.version().0 != 2 {
            return Err(BundleError::Version { subject, version: certificate.version().0 + 1 });
        }
        if let Some(bits) = small_rsa(certificate) {
            return Err(BundleError::SmallRsa { bits });
        }
        let validity = certificate.validity();
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        Ok(Self {
            names: names(certificate),
            validity: Validity {
                from: validity.not_before.timestamp(),
                until: validity.not_after.timestamp(),
            },
            sha1: WEAK.contains(&algorithm.as_str()),
            self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        })
    }
}

/// The bits of an RSA key that is too small.
pub(super) fn small_rsa(certificate: &X509Certificate<'_>) -> Option<usize> {
    let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else { return None };
    let bytes = key.modulus.iter().skip_while(|byte| **byte == 0).count();
    (bytes * 8 < SMALLEST_RSA).then_some(bytes * 8)
}

/// The alternative names; where there are none, the common name, as HAProxy does.
fn names(certificate: &X509Certificate<'_>) -> Vec<NamePattern> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let general = alternative.iter().flat_map(|names| &names.value.general_names);
    let dns = general.filter_map(|name| match name {
        GeneralName::DNSName(name) => NamePattern::new(name),
        _ => None,
    });
    let mut names: Vec<_> = dns.collect();
    if alternative.is_none() {
        let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        names.extend(common.filter_map(NamePattern::new));
    }
    names.sort();
    names.dedup();
    names
}
