//! Which upgrades are passed on, and which answers to them.

use super::super::{RequestReader, ResponseReader, framing};
use super::*;

/// The protocols passed on, whether they are answered by `answer`, and whether `100 Continue` is awaited.
fn exchange(version: &str, fields: &str, answer: &str) -> (String, Result<bool, Refusal>) {
    let text = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
    let mut reader = RequestReader::default();
    let request = reader.read(text.as_bytes()).expect(&text).expect(&text);
    let options = Options::read(request.fields).expect(&text);
    let body = framing::request(&request).expect(&text);
    let offered = Upgrade::offered(&request, &options, body);
    let shown = offered.map_or(String::new(), |upgrade| {
        let protocols: Vec<_> = upgrade.protocols().map(String::from_utf8_lossy).collect();
        format!("{} {}", protocols.join(","), upgrade.is_websocket())
    });
    let mut reader = ResponseReader::default();
    let response = reader.read(answer.as_bytes()).expect(answer).expect(answer);
    (shown, switches(&response, offered))
}

const YES: &str = "HTTP/1.1 101 Yes\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n";
const NO: &str = "HTTP/1.1 200 OK\r\n\r\n";

#[test]
fn what_is_passed_on() {
    let cases = [
        ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", "websocket true"),
        (
            "1.1",
            "Connection: keep-alive, Upgrade\r\nUpgrade: a/1, WebSocket\r\n",
            "a/1,WebSocket true",
        ),
        ("1.1", "Connection: upgrade\r\nUpgrade: chat\r\n", "chat false"),
        ("1.1", "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n", "websocket true"),
        ("1.1", "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n", ""),
        ("1.1", "Connection: upgrade\r\nUpgrade: H2C\r\n", ""),
        ("1.1", "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", ""),
        ("1.1", "Upgrade: websocket\r\n", ""),
        ("1.1", "Connection: upgrade\r\n", ""),
        ("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", ""),
        ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", ""),
        ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", ""),
    ];
    for (version, fields, expected) in cases {
        assert_eq!(exchange(version, fields, NO), (expected.to_owned(), Ok(false)), "{fields:?}");
    }
}

#[test]
fn a_server_switches_only_to_what_was_offered() {
    let offer = "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n";
    let switched = |fields, answer| exchange("1.1", fields, answer).1;
    assert_eq!(switched(offer, YES), Ok(true));
    assert_eq!(switched("", YES), Err(Refusal::UnaskedUpgrade));
    assert_eq!(
        switched("Connection: upgrade\r\nUpgrade: chat\r\n", YES),
        Err(Refusal::UnaskedUpgrade)
    );
    let h2c = "HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\n\r\n";
    assert_eq!(switched(offer, h2c), Err(Refusal::UnaskedUpgrade));
    assert_eq!(switched(offer, "HTTP/1.1 101 Yes\r\n\r\n"), Err(Refusal::UnaskedUpgrade));
    assert_eq!(Refusal::UnaskedUpgrade.status(), Status::BAD_GATEWAY);
}

#[test]
fn expectations() {
    let expects = |version: &str, fields: &str| {
        let text = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let mut reader = RequestReader::default();
        let request = reader.read(text.as_bytes()).expect(&text).expect(&text);
        expects_continue(&request, framing::request(&request).expect(&text))
    };
    let (expect, length) = ("Expect: 100-Continue\r\n", "Content-Length: 1\r\n");
    assert_eq!(expects("1.1", &format!("{expect}{length}")), Ok(true));
    assert_eq!(expects("1.1", length), Ok(false));
    assert_eq!(expects("1.1", expect), Ok(false), "without a body");
    assert_eq!(expects("1.0", &format!("{expect}{length}")), Ok(false), "HTTP/1.0");
    for other in ["Expect: 200-ok\r\n", "Expect: 100-continue, more\r\n"] {
        assert_eq!(expects("1.1", other), Err(Refusal::Expectation), "{other:?}");
    }
    assert_eq!(Refusal::Expectation.status().code(), 417);
}
