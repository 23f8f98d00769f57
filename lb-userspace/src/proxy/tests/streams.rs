//! Upgrades and TCP mode: bytes that nobody reads.

use std::time::Duration;

use super::server::{Peer, nobody, server};
use super::stage::{Stage, settings};
use crate::access_log::Format;
use crate::model::ProxyVersion;
use crate::proxy::settings::Mode;

fn tcp(servers: &[std::net::SocketAddr]) -> crate::proxy::settings::Settings {
    let mut settings = settings(servers);
    settings.services[0].mode = Mode::Tcp;
    settings.services[0].log = Some(Format::tcplog());
    settings.pools[0].retries.most = 0;
    settings
}

#[test]
fn an_upgrade_opens_a_tunnel() {
    let address = server(|_, peer| {
        let head = peer.head().unwrap();
        assert!(head.contains("Upgrade: websocket\r\nConnection: upgrade\r\n"), "{head}");
        peer.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhi");
        // What came with the request was not for HTTP.
        assert_eq!(peer.bytes(5), b"early");
        assert_eq!(peer.bytes(4), b"ping");
        peer.say("pong");
        assert_eq!(peer.text(), "");
        peer.say("last words");
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let head = client.ask(
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
    );
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("Upgrade: websocket"), "{head}");
    assert_eq!(client.bytes(2), b"hi");
    client.say("ping");
    assert_eq!(client.bytes(4), b"pong");
    client.end();
    assert_eq!(client.text(), "last words");
    let line = stage.end().pop().unwrap();
    assert!(line.contains(" 101 ") && line.contains(" ---- "), "{line}");
}

#[test]
fn no_protocol_but_http_where_none_was_asked_for() {
    let address = server(|_, peer| {
        let head = peer.head().unwrap();
        assert!(!head.to_ascii_lowercase().contains("upgrade"), "{head}");
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n";
    assert!(client.ask(request).starts_with("HTTP/1.1 200 "));
}

#[test]
fn tcp_ends_one_direction_at_a_time() {
    let address = server(|_, peer| {
        let all = peer.rest();
        peer.say(all);
    });
    let stage = Stage::with(tcp(&[address]));
    let mut client = Peer::connect(stage.address);
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|byte| (byte % 253).to_le_bytes()[0]).collect();
    client.say(&bytes);
    client.end();
    assert!(client.rest() == bytes);
    let line = stage.end().pop().unwrap();
    assert!(line.contains(" web pool/s0 ") && line.contains(" 5000000 -- 1/1/"), "{line}");
}

#[test]
fn tcp_without_a_server_is_closed() {
    let stage = Stage::with(tcp(&[nobody()]));
    assert_eq!(Peer::connect(stage.address).text(), "");
    assert!(stage.end()[0].contains(" 0 SC 1/1/"));
}

#[test]
fn a_silent_tunnel_is_closed() {
    let address = server(|_, peer| {
        peer.rest();
    });
    let mut settings = tcp(&[address]);
    settings.services[0].timeouts.tunnel = Duration::from_millis(300);
    let stage = Stage::with(settings);
    assert_eq!(Peer::connect(stage.address).text(), "");
    assert!(stage.end()[0].contains(" cD "));
}

#[test]
fn who_the_client_is_comes_in_and_goes_out() {
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let address = server(move |_, peer| {
            let mut header = peer.bytes(match version {
                ProxyVersion::V1 => "PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\n".len(),
                ProxyVersion::V2 => 28,
            });
            header.retain(u8::is_ascii_graphic);
            let tail = String::from_utf8(header).unwrap();
            let head = peer.head().unwrap();
            let body = format!("{tail} {head}");
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        });
        let mut settings = settings(&[address]);
        settings.services[0].accepts_proxy = true;
        settings.pools[0].sends_proxy = Some(version);
        let stage = Stage::with(settings);
        let mut client = Peer::connect(stage.address);
        let header = "PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\n";
        for start in [header, ""] {
            let head = client.ask(format!("{start}GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
            let length = head.split("Content-Length: ").nth(1).unwrap().lines().next().unwrap();
            let body = String::from_utf8(client.bytes(length.parse().unwrap())).unwrap();
            assert!(body.contains("GET / HTTP/1.1"), "{body}");
            // In front of each connection, which serves one request.
            assert!(body.contains("Connection: close"), "{body}");
            if version == ProxyVersion::V1 {
                assert!(body.starts_with("PROXYTCP4192.0.2.7192.0.2.14000443 "), "{body}");
            }
        }
        drop(client);
        assert!(stage.end()[0].starts_with("192.0.2.7:4000 "));
    }
}

#[test]
fn who_does_not_say_who_it_is_hears_nothing() {
    let mut settings = settings(&[nobody()]);
    settings.services[0].accepts_proxy = true;
    let stage = Stage::with(settings);
    let mut client = Peer::connect(stage.address);
    client.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.text(), "");
}
