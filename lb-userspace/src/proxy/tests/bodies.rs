//! Bodies in every form, in both directions.

use super::server::{Peer, answering, server};
use super::stage::Stage;

/// More than all buffers on the way.
fn large() -> Vec<u8> {
    (0..12_000_000_u32).map(|byte| (byte % 251).to_le_bytes()[0]).collect()
}

fn response(answer: &'static [u8], request: &str) -> (String, String) {
    let address = server(move |_, peer| {
        peer.head();
        peer.say(answer);
        peer.end();
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let head = client.ask(request);
    client.end();
    let rest = client.text();
    (head, rest)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const GET10: &str = "GET / HTTP/1.0\r\n\r\n";

#[test]
fn responses_of_every_kind() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n";
    let (head, body) = response(chunked, GET);
    assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
    assert_eq!(body, "3\r\nabc\r\n0\r\nT: u\r\n\r\n");
    let (head, body) = response(chunked, GET10);
    assert!(!head.contains("chunked") && head.contains("Connection: close"), "{head}");
    assert_eq!(body, "abc");
    let until_close = b"HTTP/1.1 200 OK\r\n\r\nabcd";
    assert_eq!(response(until_close, GET).1, "4\r\nabcd\r\n0\r\n\r\n");
    assert_eq!(response(until_close, GET10).1, "abcd");
    let none = b"HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(response(none, GET).1, "");
    let not_modified = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n";
    let (head, body) = response(not_modified, GET);
    assert!(head.contains("Content-Length: 9"), "{head}");
    assert_eq!(body, "");
    let (head, body) = response(not_modified, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.contains("Content-Length: 9"), "{head}");
    assert_eq!(body, "");
}

#[test]
fn interim_responses_go_to_those_who_know_them() {
    let answer =
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    let (head, body) = response(answer, GET);
    assert_eq!(head, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    assert!(body.starts_with("HTTP/1.1 200 OK\r\n") && body.ends_with("\r\n\r\na"), "{body}");
    assert!(response(answer, GET10).0.starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_connection_outlives_large_bodies() {
    const BODY: usize = 3_000_000;
    let body: Vec<u8> = (0..=250).cycle().take(BODY).collect();
    let expected = body.clone();
    let address = server(move |number, peer| {
        while peer.head().is_some() {
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\nN: {number}\r\n\r\n"));
            peer.say(&body);
        }
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    for _ in 0..5 {
        let head = client.ask(GET);
        assert!(head.contains("N: 0\r\n"), "{head}");
        assert!(client.bytes(BODY) == expected);
    }
}

#[test]
fn a_large_body_goes_both_ways_at_once() {
    let address = server(|_, peer| {
        while let Some(head) = peer.head() {
            let length: usize = head
                .split("Content-Length: ")
                .nth(1)
                .unwrap()
                .lines()
                .next()
                .unwrap()
                .parse()
                .unwrap();
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
            let mut left = length;
            while left > 0 {
                let part = peer.bytes(left.min(10_000));
                left -= part.len();
                peer.say(part);
            }
        }
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let body = large();
    for _ in 0..2 {
        let mut writer = Peer::new(client.stream.try_clone().unwrap());
        let sent = body.clone();
        let writing = std::thread::spawn(move || {
            writer.say(format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                sent.len()
            ));
            writer.say(sent);
        });
        assert!(client.head().unwrap().starts_with("HTTP/1.1 200 "));
        assert!(client.bytes(body.len()) == body);
        writing.join().unwrap();
    }
}

#[test]
fn a_chunked_request_is_passed_on_in_chunks() {
    let address = server(|_, peer| {
        while let Some(head) = peer.head() {
            assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
            let mut body = Vec::new();
            while !body.ends_with(b"0\r\n\r\n") {
                body.extend(peer.bytes(1));
            }
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()));
            peer.say(body);
        }
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let start = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.ask(format!("{start}0003;x\r\nabc\r\n00\r\n\r\n"));
    assert_eq!(client.bytes(13), b"3\r\nabc\r\n0\r\n\r\n");
    client.say(start);
    client.say("1\r\na\r\n");
    client.say("1\r\nb\r\n0\r\n\r\n");
    client.head().unwrap();
    assert!(client.bytes(17).ends_with(b"0\r\n\r\n"));
}

#[test]
fn whoever_expects_100_is_told_by_the_server() {
    let address = server(|_, peer| {
        let head = peer.head().unwrap();
        assert!(head.contains("Expect: 100-continue"), "{head}");
        peer.say("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(peer.bytes(3), b"abc");
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let _ = peer.head();
        // This time nobody wants the body.
        peer.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(peer.text(), "");
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(client.ask(head), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(client.ask("abc").starts_with("HTTP/1.1 200 "));
    let refused = client.ask(head);
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    // What comes next could be the body or a request: nobody knows.
    assert!(refused.contains("Connection: close"), "{refused}");
    assert_eq!(client.text(), "");
}

#[test]
fn what_follows_a_response_that_has_no_body_ends_the_connection() {
    let (address, heard) = answering(b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc");
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    for _ in 0..2 {
        assert!(client.ask(GET).starts_with("HTTP/1.1 204 "));
        heard.recv().unwrap();
    }
    drop(client);
    assert_eq!(stage.end().len(), 2);
}

#[test]
fn a_body_that_breaks_off_breaks_off_for_the_client() {
    let address = server(|_, peer| {
        peer.head();
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    client.ask(GET);
    assert_eq!(client.text(), "abc");
    assert!(stage.end()[0].contains(" SD-- "));
}

#[test]
fn a_body_that_is_broken_from_the_start_has_not_begun() {
    let broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n";
    let (address, _heard) = answering(broken);
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    assert!(client.ask(GET).starts_with("HTTP/1.1 502 "));
    drop(client);
    let lines = stage.end();
    assert!(lines[0].contains(" 502 ") && lines[0].contains(" PH-- "), "{lines:?}");
}

#[test]
fn what_is_left_of_a_refused_request_is_no_request() {
    let (address, heard) = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    let length = GET.len();
    let head =
        client.ask(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
    assert!(!head.contains("Connection"), "{head}");
    assert_eq!(client.bytes(2), b"no");
    // A body that looks like a request, and the next request.
    client.say(GET);
    client.ask("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(heard.recv().unwrap().starts_with("POST / "));
    assert!(heard.recv().unwrap().starts_with("GET /next "));
}

#[test]
fn what_does_not_come_any_more_ends_the_connection() {
    let (address, _heard) = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    assert_eq!(client.text(), "no");
}
