//! Handshakes on the loopback, with certificates made for it.

use std::net::SocketAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const NAME: &str = "www.example.org";

/// An authority, and those who trust it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    config: Arc<ClientConfig>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).unwrap();
        Self { issuer, config: verifying(roots).unwrap() }
    }

    /// A server with a certificate for [`NAME`] that is good up to this year.
    async fn server(&self, until: i32) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        (params.not_before, params.not_after) =
            (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut question = [0; 1024];
                let _ = stream.read(&mut question).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        });
        address
    }
}

fn verified(name: &str) -> TlsCheck {
    TlsCheck::Verified(name.parse().unwrap())
}

async fn verdict(
    config: Arc<ClientConfig>,
    check: &TlsCheck,
    address: SocketAddr,
) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.unwrap();
    let result = handshake_by(config, stream, check, address.ip()).await;
    result.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn certificates_are_judged_in_words() {
    let authority = Authority::new("one");
    let trusting = || Arc::clone(&authority.config);
    let good = authority.server(4000).await;
    assert_eq!(verdict(trusting(), &verified(NAME), good).await, Ok(()));
    let other = verdict(trusting(), &verified("mail.example.org"), good).await;
    assert_eq!(other.unwrap_err(), "the certificate is not for mail.example.org");
    let expired = verdict(trusting(), &verified(NAME), authority.server(2001).await).await;
    assert_eq!(expired.unwrap_err(), "the certificate has expired");
    let stranger = verdict(Authority::new("another").config, &verified(NAME), good).await;
    assert_eq!(
        stranger.unwrap_err(),
        "the certificate is from an authority that this host does not trust"
    );
}

#[tokio::test]
async fn any_certificate_will_do_without_verifying() {
    let expired = Authority::new("one").server(2001).await;
    for name in [None, Some("mail.example.org".parse().unwrap())] {
        let check = TlsCheck::Unverified(name);
        assert_eq!(verdict(not_verifying().unwrap(), &check, expired).await, Ok(()));
    }
}

#[tokio::test]
async fn what_is_no_tls_is_said_to_be_none() {
    for (answer, words) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "expected a TLS handshake, got something else: no TLS at this port?",
        ),
        (b"", "connection closed within the TLS handshake"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "the server has refused the handshake: HandshakeFailure"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        });
        let check = TlsCheck::Unverified(None);
        assert_eq!(verdict(not_verifying().unwrap(), &check, address).await.unwrap_err(), words);
    }
}
