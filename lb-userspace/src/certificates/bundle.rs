//! A PEM file as HAProxy's `crt` takes it: certificate, chain and key of one server, in any order.
//!
//! The certificate of the server is the one that the key belongs to, wherever it stands; the chain is put in order by
//! issuers.

use std::{sync::Arc, time::Duration};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{PemObject as _, SectionKind},
    },
    sign::{CertifiedKey, SigningKey},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::leaf::{KeyKind, Leaf, NamePattern, Validity, date, small_rsa};

/// The largest file that is read, in bytes: a chain has a few kilobytes.
pub const MAX_BUNDLE: usize = 256 * 1024;
/// Certificates in one file, at most.
const MOST_CERTIFICATES: usize = 32;

/// A certificate with its chain and its key, fit to be shown.
#[derive(Clone)]
pub struct Certificate {
    /// The file that it is from.
    pub source: String,
    /// Whom it is for; nobody where it can only be the default.
    pub names: Vec<NamePattern>,
    /// How its key signs.
    pub kind: KeyKind,
    /// When it holds.
    pub validity: Validity,
    /// For rustls.
    pub key: Arc<CertifiedKey>,
}

impl std::fmt::Debug for Certificate {
    /// Nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { source, names, kind, validity, key: _ } = self;
        let mut shown = f.debug_struct("Certificate");
        shown.field("source", source).field("names", names).field("kind", kind);
        shown.field("validity", validity).finish_non_exhaustive()
    }
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not read any further.
    #[error(
        "the file is larger than {MAX_BUNDLE} bytes, or has more than {MOST_CERTIFICATES} certificates"
    )]
    TooLarge,
    /// A begin without an end, or no base64.
    #[error("the file is no PEM: {0}")]
    Pem(String),
    /// There is none.
    #[error("no certificate in the file (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// One that cannot be read.
    #[error("certificate {0} of the file cannot be read: it is no X.509")]
    NotX509(usize),
    /// The key is missing.
    #[error("no private key in the file: append the key to it (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey,
    /// There must be one.
    #[error("{0} private keys in the file: give each certificate a file of its own")]
    SeveralKeys(usize),
    /// With a password that nobody is there to type.
    #[error("the private key is encrypted: decrypt it with `openssl pkey -in FILE -out FILE`")]
    EncryptedKey,
    /// Too weak.
    #[error(
        "an RSA key of {bits} bits: at least 2048 are needed. Have the certificate issued anew for a new key"
    )]
    SmallRsa {
        /// Its length.
        bits: usize,
    },
    /// Another kind, or broken.
    #[error(
        "the private key cannot be used: RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) and Ed25519 are supported"
    )]
    Key,
    /// The key is another's.
    #[error(
        "the private key belongs to none of the certificates in the file (the first one is {subject})"
    )]
    Mismatch {
        /// Of the first certificate.
        subject: String,
    },
    /// Versions 1 and 2 have no extensions, thus no names and no constraints.
    #[error(
        "the certificate of {subject} is X.509 version {version}: only version 3 is supported. Have it issued anew, with \
         a subjectAltName"
    )]
    Version {
        /// Whom it is for.
        subject: String,
        /// 1 or 2.
        version: u32,
    },
}

/// What is odd about a file that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// It is over.
    #[error("the certificate has expired on {0}: clients refuse it")]
    Expired(String),
    /// It is to come.
    #[error("the certificate is not valid before {0}: clients refuse it until then")]
    NotYetValid(String),
    /// Mended.
    #[error(
        "the certificates are in another order than they are sent in: server first, then each one's issuer"
    )]
    Reordered,
    /// Left out.
    #[error("{0} certificates of the file belong to no chain of the server's, and are not sent")]
    Unrelated(usize),
    /// Clients may not know the issuer.
    #[error(
        "the file has no certificate of the issuer: clients that do not know it refuse the server"
    )]
    NoChain,
    /// Clients do not take it.
    #[error("the certificate is signed with SHA-1 or MD5: clients refuse it")]
    WeakSignature,
    /// No client will ask for it.
    #[error("the certificate names no host: it is shown only where it is the default")]
    NoNames,
}

/// Reads one file. `source` is its name; `now` is Unix time.
///
/// # Errors
/// Why rustls, or every client, would refuse it.
pub fn read_bundle(
    source: &str,
    pem: &[u8],
    now: Duration,
    provider: &CryptoProvider,
) -> Result<(Certificate, Vec<Warning>), BundleError> {
    let (certificates, key) = sections(pem)?;
    let parsed = parse(&certificates)?;
    let first = parsed.first().ok_or(BundleError::NoCertificate)?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        // The certificate knows how long the key is; rustls says only that it does not take it.
        let small = parsed.iter().find_map(small_rsa);
        small.map_or(BundleError::Key, |bits| BundleError::SmallRsa { bits })
    })?;
    let public = key.public_key().ok_or(BundleError::Key)?;
    let server = parsed.iter().position(|one| one.public_key().raw == public.as_ref());
    let server =
        server.ok_or_else(|| BundleError::Mismatch { subject: first.subject().to_string() })?;
    let leaf = Leaf::read(&parsed[server])?;
    let chain = chain(&parsed, server);
    let warnings = warnings(&leaf, &chain, parsed.len(), now);
    let sent = chain.iter().map(|&index| certificates[index].clone()).collect();
    let certificate = Certificate {
        source: source.to_owned(),
        names: leaf.names,
        kind: kind(&*key)?,
        validity: leaf.validity,
        key: Arc::new(CertifiedKey::new(sent, key)),
    };
    Ok((certificate, warnings))
}

/// All certificates, and the only key.
fn sections(
    pem: &[u8],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BundleError> {
    if pem.len() > MAX_BUNDLE {
        return Err(BundleError::TooLarge);
    }
    let (mut certificates, mut keys) = (Vec::new(), Vec::new());
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|error| BundleError::Pem(error.to_string()))?;
        match kind {
            SectionKind::Certificate => certificates.push(CertificateDer::from(der)),
            SectionKind::PrivateKey => keys.push(PrivateKeyDer::Pkcs8(der.into())),
            SectionKind::RsaPrivateKey => keys.push(PrivateKeyDer::Pkcs1(der.into())),
            SectionKind::EcPrivateKey => keys.push(PrivateKeyDer::Sec1(der.into())),
            // Parameters of Diffie-Hellman and of curves, which HAProxy has in such files, are not needed.
            _ => {}
        }
    }
    if certificates.len() > MOST_CERTIFICATES {
        return Err(BundleError::TooLarge);
    }
    let has = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
    if has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err(BundleError::EncryptedKey);
    }
    let count = keys.len();
    match (keys.pop(), count) {
        (Some(key), 1) => Ok((certificates, key)),
        (Some(_), _) => Err(BundleError::SeveralKeys(count)),
        // What is there instead is told first.
        (None, _) if certificates.is_empty() => Err(BundleError::NoCertificate),
        (None, _) => Err(BundleError::NoKey),
    }
}

fn parse<'a>(
    certificates: &'a [CertificateDer<'_>],
) -> Result<Vec<X509Certificate<'a>>, BundleError> {
    let one = |(index, der): (usize, &'a CertificateDer<'_>)| match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(BundleError::NotX509(index + 1)),
    };
    certificates.iter().enumerate().map(one).collect()
}

/// From the server's certificate to the last issuer that is there.
fn chain(parsed: &[X509Certificate<'_>], server: usize) -> Vec<usize> {
    let mut chain = vec![server];
    let mut last = server;
    loop {
        let issuer = parsed[last].issuer().as_raw();
        let next = (0..parsed.len())
            .find(|&index| !chain.contains(&index) && parsed[index].subject().as_raw() == issuer);
        match next {
            Some(next) if parsed[last].subject().as_raw() != issuer => {
                chain.push(next);
                last = next;
            }
            _ => return chain,
        }
    }
}

fn warnings(leaf: &Leaf, chain: &[usize], all: usize, now: Duration) -> Vec<Warning> {
    let validity = leaf.validity;
    let found = [
        validity.is_over(now).then(|| Warning::Expired(date(validity.until))),
        validity.is_to_come(now).then(|| Warning::NotYetValid(date(validity.from))),
        (!chain.is_sorted() || chain[0] != 0).then_some(Warning::Reordered),
        (chain.len() < all).then(|| Warning::Unrelated(all - chain.len())),
        (chain.len() == 1 && !leaf.self_signed).then_some(Warning::NoChain),
        leaf.sha1.then_some(Warning::WeakSignature),
        leaf.names.is_empty().then_some(Warning::NoNames),
    ];
    found.into_iter().flatten().collect()
}

fn kind(key: &dyn SigningKey) -> Result<KeyKind, BundleError> {
    match key.algorithm() {
        rustls::SignatureAlgorithm::RSA => Ok(KeyKind::Rsa),
        rustls::SignatureAlgorithm::ECDSA => Ok(KeyKind::Ecdsa),
        rustls::SignatureAlgorithm::ED25519 => Ok(KeyKind::Ed25519),
        _ => Err(BundleError::Key),
    }
}
