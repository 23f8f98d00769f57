//! TLS with servers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::pki_types::DnsName;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{
    HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion, version,
};

use super::authority::Authority;
use super::server::{Peer, server};
use super::stage::{Stage, settings};
use crate::proxy::News;
use crate::proxy::settings::{Mode, Settings};
use crate::proxy::tls::{ServerTls, ServerTlsSettings, Versions};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\nok";
const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// What a server has seen of a connection.
#[derive(Debug, PartialEq)]
struct Seen {
    kind: HandshakeKind,
    name: Option<String>,
    /// Certificates of the client.
    certificates: usize,
    heads: usize,
}

fn config(
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    clients: Option<Arc<RootCertStore>>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap(),
        ),
    };
    let mut config = builder.with_cert_resolver(authority.table(&["inside.test"]));
    config.ticketer = Ticketer::new().unwrap();
    Arc::new(config)
}

/// A server by TLS: `serve` has each connection.
fn encrypted(
    config: Arc<ServerConfig>,
    serve: impl Fn(&mut Stream) -> usize + Send + Sync + 'static,
) -> (SocketAddr, Receiver<Seen>) {
    let (told, heard) = channel();
    let address = server(move |_, peer| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(tls, peer.stream.try_clone().unwrap());
        let heads = serve(&mut stream);
        let tls = &stream.conn;
        let Some(kind) = tls.handshake_kind() else { return };
        let name = tls.server_name().map(str::to_owned);
        let certificates = tls.peer_certificates().map_or(0, <[_]>::len);
        let _ = told.send(Seen { kind, name, certificates, heads });
    });
    (address, heard)
}

/// Answers so many requests, and closes.
fn answers(most: usize, answer: &'static [u8]) -> impl Fn(&mut Stream) -> usize {
    move |stream| {
        for heads in 0..most {
            if !head(stream) || stream.write_all(answer).is_err() {
                return heads;
            }
        }
        stream.conn.send_close_notify();
        let _ = stream.flush();
        most
    }
}

/// Reads one.
fn head(stream: &mut Stream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// Servers are known by this authority, and by their name.
fn knowing(authority: &Authority, name: &str) -> ServerTlsSettings {
    ServerTlsSettings {
        authorities: Some(authority.roots()),
        name: Some(DnsName::try_from(name.to_owned()).unwrap()),
        certificate: None,
        versions: Versions::Both,
    }
}

fn before(address: SocketAddr, tls: ServerTlsSettings) -> Settings {
    let mut settings = settings(&[address]);
    settings.pools[0].retries.most = 0;
    settings.pools[0].tls = Some(ServerTls::new(tls).unwrap());
    settings
}

#[test]
fn connections_are_kept_and_sessions_taken_up() {
    for version in VERSIONS {
        let authority = Authority::new();
        let (address, seen) = encrypted(config(&authority, version, None), answers(2, OK));
        let stage = Stage::with(before(address, knowing(&authority, "inside.test")));
        let mut client = Peer::connect(stage.address);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            for _ in 0..2 {
                assert!(client.ask(GET).starts_with("HTTP/1.1 200 "));
                assert_eq!(client.bytes(2), b"ok");
            }
            let name = Some("inside.test".to_owned());
            let expected = Seen { kind, name, certificates: 0, heads: 2 };
            assert_eq!(seen.recv().unwrap(), expected, "{version:?}");
        }
    }
}

#[test]
fn servers_are_shown_a_certificate() {
    for version in VERSIONS {
        let authority = Authority::new();
        let clients = Some(authority.roots());
        let (address, seen) = encrypted(config(&authority, version, clients), answers(1, OK));
        let mut tls = knowing(&authority, "inside.test");
        tls.certificate = Some(CertifiedKey::clone(&authority.certificate("proxy.test").key));
        let stage = Stage::with(before(address, tls));
        assert!(Peer::connect(stage.address).ask(GET).starts_with("HTTP/1.1 200 "));
        assert_eq!(seen.recv().unwrap().certificates, 1);

        let stage = Stage::with(before(address, knowing(&authority, "inside.test")));
        let answer = Peer::connect(stage.address).ask(GET);
        // By TLS 1.3, the server looks at the certificate when we have done already.
        assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
    }
}

#[test]
fn servers_that_are_not_who_they_should_be() {
    let (authority, other) = (Authority::new(), Authority::named("another"));
    let (address, _seen) = encrypted(config(&authority, &version::TLS13, None), answers(1, OK));
    let plain = server(|_, peer| peer.say("220 mail.test ESMTP\r\n"));
    let closing = server(|_, _| {});
    let silent = server(|_, peer| drop(peer.rest()));
    let nobody_in_particular = ServerTlsSettings { name: None, ..knowing(&authority, "a.test") };
    for (address, tls, words) in [
        (address, knowing(&other, "inside.test"), "authority that this host does not trust"),
        (address, knowing(&authority, "outside.test"), "the certificate is not for outside.test"),
        (address, nobody_in_particular, "the certificate is not for 127.0.0.1"),
        (plain, knowing(&authority, "inside.test"), "no TLS at this port?"),
        (closing, knowing(&authority, "inside.test"), " within the TLS handshake"),
        (silent, knowing(&authority, "inside.test"), "was not over in time"),
    ] {
        let mut settings = before(address, tls);
        if address == silent {
            settings.pools[0].retries.connect_timeout = std::time::Duration::from_millis(200);
        }
        let mut stage = Stage::with(settings);
        let answer = Peer::connect(stage.address).ask(GET);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{words}: {answer}");
        let Some(News::NoTls { pool, server, reason }) = stage.news.blocking_recv() else {
            panic!("{words}: no news")
        };
        assert_eq!((pool.as_str(), server.as_str()), ("pool", "s0"));
        assert!(reason.contains(words), "{reason}");
        let log = stage.end();
        let state = if address == silent { " sC-- " } else { " SC-- " };
        assert!(log[0].contains(state), "{}", log[0]);
    }
}

#[test]
fn anybody_will_do() {
    let authority = Authority::new();
    let (address, seen) = encrypted(config(&authority, &version::TLS12, None), answers(1, OK));
    let tls = ServerTlsSettings { authorities: None, name: None, ..knowing(&authority, "a.test") };
    let stage = Stage::with(before(address, tls));
    assert!(Peer::connect(stage.address).ask(GET).starts_with("HTTP/1.1 200 "));
    assert_eq!(seen.recv().unwrap().name, None);
}

#[test]
fn what_nobody_asked_for_ends_the_connection() {
    let authority = Authority::new();
    let smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n";
    let (address, seen) =
        encrypted(config(&authority, &version::TLS13, None), answers(9, smuggled));
    let stage = Stage::with(before(address, knowing(&authority, "inside.test")));
    for _ in 0..2 {
        assert!(Peer::connect(stage.address).ask(GET).starts_with("HTTP/1.1 200 "));
        assert_eq!(seen.recv().unwrap().heads, 1);
    }
}

#[test]
fn streams_and_large_bodies() {
    const BODY: usize = 3_000_000;
    let body: Vec<u8> = (0..=250).cycle().take(BODY).collect();
    for version in VERSIONS {
        for tcp in [true, false] {
            let authority = Authority::new();
            let (address, _seen) = encrypted(config(&authority, version, None), move |stream| {
                if !tcp {
                    head(stream);
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n");
                    stream.write_all(head.as_bytes()).unwrap();
                }
                let mut echo = vec![0; BODY];
                stream.read_exact(&mut echo).unwrap();
                stream.write_all(&echo).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
                1
            });
            let mut settings = before(address, knowing(&authority, "inside.test"));
            if tcp {
                settings.services[0].mode = Mode::Tcp;
            }
            let stage = Stage::with(settings);
            let mut client = Peer::connect(stage.address);
            if !tcp {
                client.say(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n"));
            }
            client.say(&body);
            if !tcp {
                client.head().unwrap();
            }
            assert!(client.bytes(BODY) == body, "{version:?}");
        }
    }
}
