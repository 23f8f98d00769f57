//! Letters to a mail server of the test's own.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tempfile::tempdir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, split},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::model::MailServer;

fn mail(port: u16, tls: MailTls) -> Mail {
    Mail {
        from: "lb@example.org".parse().unwrap(),
        to: vec!["a@example.org".parse().unwrap()],
        server: MailServer { host: "127.0.0.1".to_owned(), port: Some(port) },
        tls,
        ca_file: None,
        helo: None,
        login: None,
        timeout: Duration::from_secs(20),
    }
}

async fn send(mail: &Mail) -> Result<(), SendError> {
    let mailer = Mailer::new(mail).unwrap();
    let letter = Letter { subject: "Größe".to_owned(), body: ".\nall is well\n".to_owned() };
    let message = mailer.envelope(letter).unwrap();
    mailer.send(message).await
}

/// Takes one connection, and has this answer for the letter. Returns the letter's lines.
async fn serve(listener: TcpListener, verdict: &str) -> Vec<String> {
    let (connection, _) = listener.accept().await.unwrap();
    converse(connection, verdict).await
}

async fn converse(connection: impl AsyncRead + AsyncWrite, verdict: &str) -> Vec<String> {
    let (read, mut write) = split(connection);
    let mut lines = BufReader::new(read).lines();
    let (mut letter, mut inside) = (Vec::new(), false);
    write.write_all(b"220 test\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.as_str() {
            "." if inside => {
                inside = false;
                verdict
            }
            line if inside => {
                letter.push(line.to_owned());
                continue;
            }
            "DATA" => {
                inside = true;
                "354 go on"
            }
            // The password for `lb`: `s3cret`.
            "AUTH PLAIN AGxiAHMzY3JldA==" => "235 welcome",
            line if line.starts_with("AUTH") => "535 no",
            line if line.starts_with("EHLO") => "250-test\r\n250 AUTH PLAIN",
            "QUIT" => break,
            _ => "250 fine",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    letter
}

async fn port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn what_the_server_says() {
    for (verdict, taken, last) in
        [("250 taken", true, false), ("451 come back", false, false), ("550 never", false, true)]
    {
        let (listener, port) = port().await;
        let mail = mail(port, MailTls::None);
        let (outcome, letter) = tokio::join!(send(&mail), serve(listener, verdict));
        assert_eq!(outcome.is_ok(), taken, "{verdict}: {outcome:?}");
        assert_eq!(outcome.is_err_and(|error| error.is_final()), last, "{verdict}");
        assert!(letter.contains(&"all is well".to_owned()), "{letter:?}");
        // A line of one dot would end the letter.
        assert!(letter.contains(&"..".to_owned()), "{letter:?}");
        assert!(letter.iter().any(|line| line.starts_with("Date: ")), "{letter:?}");
        assert!(letter.iter().any(|line| line.starts_with("Subject: =?utf-8?")), "{letter:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing() {
    let (listener, port) = port().await;
    let patient = mail(port, MailTls::None);
    let hasty = Mail { timeout: Duration::from_millis(50), ..patient.clone() };
    assert!(!send(&hasty).await.expect_err("nobody answers").is_final());
    drop(listener);
    assert!(!send(&patient).await.expect_err("nobody listens").is_final());
}

#[tokio::test]
async fn without_tls_nothing_is_said_to_a_server_that_must_have_it() {
    let (listener, port) = port().await;
    let mail = mail(port, MailTls::StartTls);
    let (outcome, letter) = tokio::join!(send(&mail), serve(listener, "250 taken"));
    assert!(!outcome.expect_err("no TLS").is_final());
    assert_eq!(letter, Vec::<String>::new());
}

/// A certificate as text (RFC 7468).
fn pem(der: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for three in der.chunks(3) {
        let byte = |index: usize| usize::from(three.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * place) & 63];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text + "\n-----END CERTIFICATE-----\n"
}

/// A server's side of TLS for 127.0.0.1, and the certificate that vouches for it, in PEM.
pub(in crate::agent::notify) fn vouched() -> (TlsAcceptor, String) {
    let key = KeyPair::generate().unwrap();
    let own =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem(own.der()))
}

#[tokio::test]
async fn a_server_that_proves_who_it_is() {
    let folder = tempdir().unwrap();
    let (ca_file, password_file) = (folder.path().join("ca"), folder.path().join("password"));
    let (acceptor, own) = vouched();
    fs::write(&ca_file, own).unwrap();
    fs::write(&password_file, "s3cret\n").unwrap();
    let login = MailLogin { user: "lb".to_owned(), password_file: password_file.clone() };
    let (listener, port) = port().await;
    let trusting = Mail { ca_file: Some(ca_file), login: Some(login), ..mail(port, MailTls::Tls) };
    let take = async || {
        let (connection, _) = listener.accept().await.unwrap();
        Some(converse(acceptor.accept(connection).await.ok()?, "250 taken").await)
    };
    let (outcome, letter) = tokio::join!(send(&trusting), take());
    outcome.unwrap();
    assert!(letter.is_some_and(|letter| letter.contains(&"all is well".to_owned())));

    // Nobody whom this host trusts vouches for it.
    let wary = Mail { ca_file: None, ..trusting.clone() };
    let (outcome, letter) = tokio::join!(send(&wary), take());
    assert!(!outcome.expect_err("a stranger").is_final());
    assert_eq!(letter, None);

    fs::write(&password_file, "wrong\n").unwrap();
    let (outcome, letter) = tokio::join!(send(&trusting), take());
    assert!(outcome.expect_err("a wrong password").is_final());
    assert_eq!(letter, Some(Vec::new()));
}

#[test]
fn a_password_file_that_is_not_there() {
    let login = MailLogin { user: "lb".to_owned(), password_file: "/missing/file".into() };
    let mail = Mail { login: Some(login), ..mail(25, MailTls::Tls) };
    let error = Mailer::new(&mail).expect_err("no password").to_string();
    assert!(error.starts_with("[mail]: the password file /missing/file: No such file"), "{error}");
}
