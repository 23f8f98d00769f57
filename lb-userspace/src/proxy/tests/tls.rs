//! TLS from clients.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, StreamOwned, SupportedProtocolVersion, version,
};

use super::authority::Authority;
use super::server::{Peer, answering, server};
use super::stage::{Stage, settings};
use crate::access_log::Format;
use crate::proxy::settings::{Mode, Settings};
use crate::proxy::tls::{Clients, Tls, TlsSettings};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\nok";
const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

type Client = StreamOwned<ClientConnection, TcpStream>;

fn with(mut settings: Settings, tls: TlsSettings) -> Stage {
    settings.services[0].tls = Some(Tls::new(tls).unwrap());
    Stage::with(settings)
}

fn connect(address: SocketAddr, config: &Arc<ClientConfig>, name: &'static str) -> Client {
    let name = ServerName::try_from(name).unwrap();
    let tls = ClientConnection::new(Arc::clone(config), name).unwrap();
    let io = TcpStream::connect(address).unwrap();
    io.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    io.set_nodelay(true).unwrap();
    StreamOwned::new(tls, io)
}

/// Everything up to the end, which has to be said.
fn ask_last(client: &mut Client, request: &str) -> String {
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn ask(client: &mut Client) {
    client.write_all(GET.as_bytes()).unwrap();
    let mut answer = vec![0; OK.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, OK);
}

#[test]
fn versions_and_protocols() {
    let authority = Authority::new();
    for version in VERSIONS {
        for (offered, agreed) in [
            (&[][..], None),
            (&["http/1.1"], Some("http/1.1")),
            (&["h2", "http/1.1"], Some("http/1.1")),
            // Where the two have nothing in common, HAProxy goes on without.
            (&["h2"], None),
        ] {
            let (address, heard) = answering(OK);
            let mut settings = settings(&[address]);
            let Mode::Http(http) = &mut settings.services[0].mode else { panic!("not HTTP") };
            http.forwarding.x_forwarded_proto = true;
            let stage = with(settings, authority.settings());
            let config = Arc::new(authority.client(version, offered));
            let mut client = connect(stage.address, &config, "b.test");
            ask(&mut client);
            assert!(heard.recv().unwrap().contains("X-Forwarded-Proto: https\r\n"));
            let alpn = client.conn.alpn_protocol().map(|name| std::str::from_utf8(name).unwrap());
            assert_eq!(alpn, agreed, "{offered:?}");
            let answer = ask_last(&mut client, LAST);
            assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
            drop(client);
            let log = stage.end();
            assert!(log.iter().all(|line| line.contains(" web~ pool/s0 ")), "{log:?}");
        }
    }
}

#[test]
fn what_logs_are_told() {
    let (address, _heard) = answering(OK);
    let authority = Authority::new();
    let mut settings = settings(&[address]);
    settings.services[0].log = Some(Format::parse("%sslv %sslc %ST").unwrap());
    let stage = with(settings, authority.settings());
    for version in VERSIONS {
        let config = Arc::new(authority.client(version, &[]));
        ask_last(&mut connect(stage.address, &config, "a.test"), LAST);
    }
    let log = stage.end();
    assert_eq!(log[0], "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 200");
    assert_eq!(log[1], "TLSv1.3 TLS_AES_256_GCM_SHA384 200");
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn large_bodies_in_both_directions() {
    const BODY: usize = 5_000_000;
    let address = server(|_, peer| {
        peer.head();
        let body = peer.bytes(BODY);
        peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n"));
        peer.say(body);
    });
    let body = pattern(BODY);
    let authority = Authority::new();
    let stage = with(settings(&[address]), authority.settings());
    for version in VERSIONS {
        let config = Arc::new(authority.client(version, &[]));
        let mut client = connect(stage.address, &config, "a.test");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {BODY}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(&body).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(&body), "{} bytes", answer.len());
    }
}

#[test]
fn sessions_are_resumed() {
    let (address, _heard) = answering(OK);
    let authority = Authority::new();
    let stage = with(settings(&[address]), authority.settings());
    for version in VERSIONS {
        let config = Arc::new(authority.client(version, &[]));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
            let mut client = connect(stage.address, &config, "a.test");
            ask_last(&mut client, LAST);
            assert_eq!(client.conn.handshake_kind(), Some(kind), "{version:?}");
        }
    }
}

#[test]
fn clients_show_certificates() {
    let (address, _heard) = answering(OK);
    let authority = Authority::new();
    let [open, closed] = [None, Some(false)].map(|optional| {
        let authorities = authority.roots();
        let clients = optional.map(|optional| Clients { authorities, optional });
        with(settings(&[address]), TlsSettings { clients, ..authority.settings() })
    });
    for version in VERSIONS {
        // A ticket of the service for everybody is nothing to the one for few: the same client, by the same names.
        let stranger = Arc::new(authority.client(version, &[]));
        ask_last(&mut connect(open.address, &stranger, "a.test"), LAST);
        let mut refused = connect(closed.address, &stranger, "a.test");
        let error = refused.write_all(LAST.as_bytes()).and_then(|()| refused.read(&mut [0]));
        let words = error.unwrap_err().to_string();
        assert!(
            words.contains("CertificateRequired") || words.contains("HandshakeFailure"),
            "{words}"
        );

        let [certificate, key] = authority.pem("client.test").map(String::into_bytes);
        let chain = vec![CertificateDer::from_pem_slice(&certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let known = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(authority.roots())
            .with_client_auth_cert(chain, key)
            .unwrap();
        let mut client = connect(closed.address, &Arc::new(known), "a.test");
        assert!(ask_last(&mut client, LAST).ends_with("ok"));
    }
    let authorities = authority.roots();
    let clients = Some(Clients { authorities, optional: true });
    let either = with(settings(&[address]), TlsSettings { clients, ..authority.settings() });
    let config = Arc::new(authority.client(&version::TLS13, &[]));
    assert!(ask_last(&mut connect(either.address, &config, "a.test"), LAST).ends_with("ok"));
}

#[test]
fn who_does_not_shake_hands() {
    let (address, heard) = answering(OK);
    let authority = Authority::new();
    let mut settings = settings(&[address]);
    settings.services[0].timeouts.request = Duration::from_millis(200);
    let stage = with(settings, authority.settings());
    // A check that says nothing is none of anybody's business.
    drop(Peer::connect(stage.address));
    let mut plain = Peer::connect(stage.address);
    assert!(plain.ask(GET).starts_with("HTTP/1.1 400 "));
    assert!(plain.text().ends_with("begins with https://\n"));
    for said in [&b"\x16\x03\x01\xff\xff\xff\xff\xff"[..], b"\x16\x03\x01\x00"] {
        let mut client = Peer::connect(stage.address);
        client.say(said);
        client.rest();
    }
    let mut halfway = TcpStream::connect(stage.address).unwrap();
    let config = Arc::new(authority.client(&version::TLS13, &[]));
    let name = ServerName::try_from("a.test").unwrap();
    let mut tls = ClientConnection::new(config, name).unwrap();
    tls.write_tls(&mut halfway).unwrap();
    halfway.read_to_end(&mut Vec::new()).unwrap();
    let log = stage.end();
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(log.iter().all(|line| line.ends_with(" web/1: SSL handshake failure")), "{log:?}");
    assert!(heard.try_recv().is_err(), "no request came of it");
}

#[test]
fn an_end_that_is_none_is_not_said_to_be_one() {
    let address = server(|_, peer| {
        peer.head();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    });
    let authority = Authority::new();
    let stage = with(settings(&[address]), authority.settings());
    let config = Arc::new(authority.client(&version::TLS13, &[]));
    let mut client = connect(stage.address, &config, "a.test");
    client.write_all(GET.as_bytes()).unwrap();
    let error = client.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn streams() {
    let address = server(|_, peer| {
        let said = peer.rest();
        peer.say(said);
    });
    let authority = Authority::new();
    let mut settings = settings(&[address]);
    settings.services[0].mode = Mode::Tcp;
    let stage = with(settings, authority.settings());
    let body = pattern(3_000_000);
    for version in VERSIONS {
        let config = Arc::new(authority.client(version, &[]));
        let mut client = connect(stage.address, &config, "a.test");
        client.write_all(&body).unwrap();
        client.conn.send_close_notify();
        client.flush().unwrap();
        let mut echo = Vec::new();
        client.read_to_end(&mut echo).unwrap();
        assert_eq!(echo, body);
    }
}

#[test]
fn however_it_is_cut() {
    let (address, _heard) = answering(OK);
    let authority = Authority::new();
    let stage = with(settings(&[address]), authority.settings());
    for version in VERSIONS {
        let config = Arc::new(authority.client(version, &[]));
        let name = ServerName::try_from("a.test").unwrap();
        let mut tls = ClientConnection::new(config, name).unwrap();
        let mut io = Cut(TcpStream::connect(stage.address).unwrap(), 0);
        io.0.set_nodelay(true).unwrap();
        let mut client = rustls::Stream::new(&mut tls, &mut io);
        client.write_all(LAST.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("ok"), "{answer}");
    }
}

/// Writes a few bytes at a time.
struct Cut(TcpStream, usize);

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1 = (self.1 * 5 + 3) % 17;
        self.0.write(&bytes[..bytes.len().min(1 + self.1)])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Read for Cut {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let most = room.len().min(7);
        self.0.read(&mut room[..most])
    }
}
