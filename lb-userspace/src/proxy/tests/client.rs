//! Connections: kept on both sides, pipelined, closed when one side says so.

use super::server::{Peer, answering, nobody, server};
use super::stage::Stage;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\nok";
const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn both_connections_are_kept() {
    let address = server(|number, peer| {
        while peer.head().is_some() {
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        }
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    for _ in 0..3 {
        client.ask(GET);
        assert_eq!(client.bytes(1), b"0");
    }
    // Another client's request goes over the same connection.
    let mut other = Peer::connect(stage.address);
    other.ask(GET);
    assert_eq!(other.bytes(1), b"0");
}

#[test]
fn heads_are_edited_on_the_way() {
    let (address, heard) = answering(OK);
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let head = client.ask("GET http://b/?q HTTP/1.0\r\nConnection: keep-alive\r\nX: y\r\n\r\n");
    assert_eq!(heard.recv().unwrap(), "GET /?q HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n");
    let expected =
        "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(head, expected);
}

#[test]
fn requests_that_come_at_once_are_answered_in_their_order() {
    let address = server(|_, peer| {
        while let Some(head) = peer.head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()));
        }
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let requests: String =
        (10..30).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.say(requests);
    for number in 10..30 {
        assert!(client.head().unwrap().starts_with("HTTP/1.1 200 "));
        assert_eq!(client.bytes(3), format!("/{number}").as_bytes());
    }
}

#[test]
fn who_says_close_is_closed() {
    let (address, _heard) = answering(OK);
    let stage = Stage::before(&[address]);
    for request in
        ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]
    {
        let mut client = Peer::connect(stage.address);
        let head = client.ask(request);
        assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
        assert_eq!(client.text(), "ok");
    }
}

#[test]
fn a_server_that_closes_is_asked_on_a_new_connection() {
    // Each connection has one request, and is closed when the next one comes: nobody could have seen it before.
    let address = server(|number, peer| {
        peer.head();
        peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        peer.head();
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    for number in [b"0", b"1", b"2"] {
        client.ask(GET);
        assert_eq!(client.bytes(1), number);
    }
    // A request that must not be made twice ends without an answer: the client knows.
    client.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!(client.text(), "");
    assert!(stage.end().last().unwrap().contains(" -1 0 - - SH-- "));
}

#[test]
fn a_server_that_refuses_is_not_the_only_one() {
    let (address, _heard) = answering(OK);
    let stage = Stage::before(&[nobody(), address]);
    for _ in 0..4 {
        let mut client = Peer::connect(stage.address);
        assert!(client.ask(GET).starts_with("HTTP/1.1 200 "));
    }
    let lines = stage.end();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().any(|line| line.contains("web pool/s1 ") && line.contains("/+1 ")));
}

#[test]
fn a_drained_thread_ends_with_its_last_client() {
    let (address, _heard) = answering(OK);
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    assert!(!client.ask(GET).contains("Connection"));
    assert_eq!(client.bytes(2), b"ok");
    stage.control().drain();
    // The engine learns of it at its next turn at the latest.
    let mut head = String::new();
    while !head.contains("Connection: close") {
        head = client.ask(GET);
        assert_eq!(client.bytes(2), b"ok");
    }
    assert_eq!(client.text(), "");
    assert!(stage.end().len() >= 2);
}
