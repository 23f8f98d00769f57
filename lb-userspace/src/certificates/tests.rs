//! Files that rcgen and openssl have made: good ones in every order, and what each bad one is told.

use std::{sync::Arc, time::Duration};

use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    SignatureScheme,
    crypto::{CryptoProvider, aws_lc_rs},
};

use super::*;

const RSA_1024: &str = include_str!("samples/rsa_1024.pem");
const RSA_2048: &str = include_str!("samples/rsa_2048.pem");
const X509_V1: &str = include_str!("samples/x509_v1.pem");
const ENCRYPTED: &str = include_str!("samples/encrypted.pem");
const SECP256K1: &str = include_str!("samples/secp256k1.pem");

/// November 2027, when all samples are valid.
const NOW: Duration = Duration::from_secs(1_826_000_000);

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn read(pem: &str) -> Result<(Certificate, Vec<Warning>), BundleError> {
    read_bundle("a.pem", pem.as_bytes(), NOW, &provider())
}

fn error(pem: &str) -> BundleError {
    read(pem).map(|_| ()).unwrap_err()
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2030, 1, 1);
    params
}

/// Certificate and key, by itself.
fn own(params: &CertificateParams) -> String {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem() + &key.serialize_pem()
}

fn issuer(name: &str) -> CertificateParams {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Key, server, intermediate and root.
fn four() -> [String; 4] {
    let root = CertifiedIssuer::self_signed(issuer("root"), KeyPair::generate().unwrap()).unwrap();
    let middle =
        CertifiedIssuer::signed_by(issuer("middle"), KeyPair::generate().unwrap(), &root).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut server = params(&["a.example.org"]);
    server.distinguished_name.push(DnType::CommonName, "server");
    let server = server.signed_by(&key, &middle).unwrap();
    [key.serialize_pem(), server.pem(), middle.pem(), root.pem()]
}

fn names(certificate: &Certificate) -> Vec<String> {
    certificate.names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_of_openssl_with_the_key_first() {
    let (certificate, warnings) = read(RSA_2048).unwrap();
    assert_eq!(names(&certificate), ["www.example.org", "*.example.org"]);
    assert_eq!((certificate.kind, warnings), (KeyKind::Rsa, vec![]));
    assert!(certificate.validity.from < certificate.validity.until);
    // Neither the key nor the chain stands in logs.
    assert!(format!("{certificate:?}").ends_with(".. }"));
}

#[test]
fn every_order_gives_the_same_chain() {
    let parts = four();
    let chain = |order: [usize; 4]| {
        let (certificate, warnings) =
            read(&order.map(|part| parts[part].clone()).concat()).unwrap();
        let chain: Vec<_> = certificate.key.cert.iter().map(|der| der.to_vec()).collect();
        (chain, warnings)
    };
    let (expected, warnings) = chain([0, 1, 2, 3]);
    assert_eq!((expected.len(), warnings), (3, vec![]));
    for (order, mended) in [
        ([1, 0, 2, 3], false),
        ([1, 2, 3, 0], false),
        ([3, 2, 1, 0], true),
        ([0, 1, 3, 2], true),
        ([2, 1, 0, 3], true),
    ] {
        let (found, warnings) = chain(order);
        assert_eq!(found, expected, "{order:?}");
        assert_eq!(warnings, if mended { vec![Warning::Reordered] } else { vec![] }, "{order:?}");
    }
}

#[test]
fn what_is_refused_is_named() {
    let [key, server, middle, _] = four();
    let other = four()[0].clone();
    let subject = "CN=server".to_owned();
    for (pem, expected) in [
        (String::new(), BundleError::NoCertificate),
        (key.clone(), BundleError::NoCertificate),
        (server.clone() + &middle, BundleError::NoKey),
        (server.clone() + &key + &other, BundleError::SeveralKeys(2)),
        (server.clone() + &other, BundleError::Mismatch { subject: subject.clone() }),
        (RSA_1024.to_owned(), BundleError::SmallRsa { bits: 1_024 }),
        (
            X509_V1.to_owned(),
            BundleError::Version { subject: "CN=v1.example.org".to_owned(), version: 1 },
        ),
        (ENCRYPTED.to_owned(), BundleError::EncryptedKey),
        (SECP256K1.to_owned(), BundleError::Key),
        (server.clone() + &key.replace("PRIVATE", "SECRET"), BundleError::NoKey),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned() + &key,
            BundleError::NotX509(1),
        ),
        (server.repeat(33) + &key, BundleError::TooLarge),
        (" ".repeat(MAX_BUNDLE + 1), BundleError::TooLarge),
    ] {
        assert_eq!(error(&pem), expected, "{pem}");
    }
    let cut = &server[..server.len() / 2];
    assert!(matches!(error(cut), BundleError::Pem(_)), "{}", error(cut));
    assert!(error(&(server + &other)).to_string().contains(&subject));
}

#[test]
fn what_is_odd_is_told() {
    let [key, server, middle, root] = four();
    let stranger = own(&params(&["b.example.org"]));
    let stranger = &stranger[..stranger.find("-----BEGIN PRIVATE").unwrap()];
    let mut old = params(&["a.example.org"]);
    (old.not_before, old.not_after) =
        (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 2, 3));
    let mut new = params(&["a.example.org"]);
    new.not_before = rcgen::date_time_ymd(2029, 12, 31);
    let day = |text: &str| format!("{text} +00:00");
    for (pem, expected) in [
        (server.clone() + &key, vec![Warning::NoChain]),
        (server.clone() + &middle + &key, vec![]),
        (
            [&server, &middle, &root, stranger, &key].map(|part: &str| part).concat(),
            vec![Warning::Unrelated(1)],
        ),
        (own(&old), vec![Warning::Expired(day("Feb  3 00:00:00 2021"))]),
        (own(&new), vec![Warning::NotYetValid(day("Dec 31 00:00:00 2029"))]),
        (own(&params(&["10.0.0.1"])), vec![Warning::NoNames]),
    ] {
        assert_eq!(read(&pem).unwrap().1, expected);
    }
}

#[test]
fn names_as_they_are_asked_for() {
    let mut common = params(&[]);
    common.distinguished_name.push(DnType::CommonName, "Old.example.org");
    let (certificate, warnings) = read(&own(&common)).unwrap();
    assert_eq!((names(&certificate), warnings), (vec!["old.example.org".to_owned()], vec![]));
    assert_eq!(NamePattern::new("w*.example.org"), None);
    assert_eq!(NamePattern::new("*.*.example.org"), None);
    assert_eq!(NamePattern::new("*"), None);
}

fn table(files: &[(&str, &str)], strict: bool) -> SniTable {
    let certificate = |(source, pem): &(&str, &str)| {
        read_bundle(source, pem.as_bytes(), NOW, &provider()).unwrap().0
    };
    SniTable::new(files.iter().map(certificate).collect(), strict)
}

const BOTH: [SignatureScheme; 2] =
    [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256];

#[test]
fn which_certificate_a_client_is_shown() {
    let ecdsa = own(&params(&["www.example.org", "*.example.org"]));
    let [other, deeper] = ["other.org", "*.deep.example.org"].map(|name| own(&params(&[name])));
    let files = [
        ("rsa", RSA_2048),
        ("ecdsa", &ecdsa),
        ("other", &other),
        ("deeper", &deeper),
        ("late", &ecdsa),
    ];
    let [lax, strict] = [false, true].map(|strict| table(&files, strict));
    let [rsa_only, ecdsa_only] = [&BOTH[..1], &BOTH[1..]];
    for (name, schemes, shown, by_strict) in [
        (Some("www.example.org"), &BOTH[..], Some("ecdsa"), Some("ecdsa")),
        (Some("www.example.org"), rsa_only, Some("rsa"), Some("rsa")),
        (Some("any.example.org"), ecdsa_only, Some("ecdsa"), Some("ecdsa")),
        (Some("two.labels.example.org"), &BOTH, Some("ecdsa"), None),
        (Some("x.deep.example.org"), &BOTH, Some("deeper"), Some("deeper")),
        (Some("deep.example.org"), &BOTH, Some("ecdsa"), Some("ecdsa")),
        (Some("example.org"), &BOTH, Some("ecdsa"), None),
        (Some("other.org"), &BOTH, Some("other"), Some("other")),
        // It cannot verify it, and will say so.
        (Some("other.org"), rsa_only, Some("other"), Some("other")),
        (Some("nobody.net"), rsa_only, Some("rsa"), None),
        (None, &BOTH, Some("ecdsa"), None),
    ] {
        let name = name.map(|name| name.parse().unwrap());
        let find =
            |table: &SniTable| table.find(name.as_ref(), schemes).map(|one| one.source.clone());
        assert_eq!(
            (find(&lax).as_deref(), find(&strict).as_deref()),
            (shown, by_strict),
            "{name:?}"
        );
    }
    assert_eq!(strict.hidden(), [("late", "ecdsa")]);
    assert!(SniTable::default().find(None, &BOTH).is_none());
}

#[test]
fn who_is_soon_over_is_told_in_time() {
    let mut params = params(&["b.org", "a.org"]);
    params.not_after = rcgen::date_time_ymd(2028, 2, 29);
    let (certificate, _) = read_bundle("a.pem", own(&params).as_bytes(), NOW, &provider()).unwrap();
    let expiry = Expiry::of(&certificate);
    let over = Duration::from_secs(1_835_395_200);
    let days = |days: u64| Duration::from_secs(days * 24 * 3_600);
    assert_eq!(expiry.warning(over - days(14)), None);
    let said = "a.pem (a.org, b.org): the certificate ";
    let date = "Feb 29 00:00:00 2028 +00:00";
    for (now, words) in [
        (over - days(14) + Duration::from_secs(1), format!("expires on {date}, in 13 days")),
        (over - days(2) + Duration::from_secs(1), format!("expires on {date}, in 1 day")),
        (over, format!("expires on {date}, in 0 days")),
        (over + Duration::from_secs(1), format!("has expired on {date}")),
    ] {
        assert_eq!(expiry.warning(now), Some(format!("{said}{words}")));
    }
}

#[test]
fn rustls_shows_them() {
    let ecdsa = own(&params(&["www.example.org"]));
    let provider = Arc::new(provider());
    let table = Arc::new(table(&[("rsa", RSA_2048), ("ecdsa", &ecdsa)], false));
    let expected = table.find(Some(&"www.example.org".parse().unwrap()), &BOTH).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(expected.key.cert[0].clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let server = rustls::ServerConfig::builder_with_provider(provider);
    let server = server.with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_cert_resolver(Arc::clone(&table) as Arc<_>);
    let name = "www.example.org".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(client.into(), name).unwrap();
    let mut server = rustls::ServerConnection::new(server.into()).unwrap();
    let mut wire = Vec::new();
    client.write_tls(&mut wire).unwrap();
    server.read_tls(&mut &wire[..]).unwrap();
    server.process_new_packets().unwrap();
    wire.clear();
    server.write_tls(&mut wire).unwrap();
    client.read_tls(&mut &wire[..]).unwrap();
    // Self-signed: whether the client trusts it does not matter here, only what it was shown.
    let _ = client.process_new_packets();
    assert_eq!(client.peer_certificates().map(<[_]>::to_vec), Some(expected.key.cert.clone()));
}
