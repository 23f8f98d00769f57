//! When connections go on.

use proptest::prelude::*;

use super::super::{RequestReader, ResponseReader, framing};
use super::*;

fn with_request<T>(text: &str, look: impl FnOnce(&Request<'_>) -> T) -> T {
    let mut reader = RequestReader::default();
    look(&reader.read(text.as_bytes()).expect(text).expect(text))
}

fn request_persists(version: &str, fields: &str) -> bool {
    with_request(&format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"), |request| {
        client_persists(request, &Options::read(request.fields).expect(fields))
    })
}

#[test]
fn a_client_says_whether_it_goes_on() {
    let cases = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: keep-alive, Close\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Proxy-Connection: close\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ];
    for (version, fields, expected) in cases {
        assert_eq!(request_persists(version, fields), expected, "{version} {fields:?}");
    }
}

#[test]
fn a_server_that_cannot_go_on() {
    let cases = [
        ("1.1 200 OK\r\nContent-Length: 1\r\n", true),
        ("1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", true),
        ("1.1 200 OK\r\n", false),
        ("1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n", false),
        ("1.0 200 OK\r\nContent-Length: 1\r\n", false),
        ("1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n", true),
        ("1.1 204 No Content\r\n", true),
        ("1.1 204 No Content\r\nContent-Length: 1\r\n", false),
        ("1.1 101 Switching\r\n", false),
    ];
    for (text, expected) in cases {
        let text = format!("HTTP/{text}\r\n");
        let mut reader = ResponseReader::default();
        let response = reader.read(text.as_bytes()).expect(&text).expect(&text);
        let options = Options::read(response.fields).expect(&text);
        let body = framing::response(&response, super::super::Method::Get).expect(&text);
        assert_eq!(server_persists(&response, &options, body), expected, "{text:?}");
    }
}

#[test]
fn options_are_tokens_and_few() {
    let options = |value: &str| {
        with_request(&format!("GET / HTTP/1.0\r\nConnection: {value}\r\n\r\n"), |request| {
            Options::read(request.fields).map(|_| ()).err()
        })
    };
    assert_eq!(options(",close,,"), None);
    assert_eq!(options(&"a,".repeat(32)), None);
    assert_eq!(options(&"a,".repeat(33)), Some(Refusal::ConnectionOptions));
    assert_eq!(options("a b"), Some(Refusal::ConnectionOptions));
    assert_eq!(options("\"close\""), Some(Refusal::ConnectionOptions));
}

#[test]
fn fields_of_one_hop() {
    let head = "GET / HTTP/1.0\r\nConnection: X-One, x-forwarded-for, Host, cookie\r\n\r\n";
    with_request(head, |request| {
        let options = Options::read(request.fields).expect("options");
        let cases = [
            ("x-one", true),
            ("X-Two", false),
            ("Connection", true),
            ("keep-alive", true),
            ("Proxy-Connection", true),
            ("TE", true),
            ("Transfer-Encoding", true),
            ("Upgrade", true),
            ("HTTP2-Settings", true),
            ("X-Forwarded-For", false),
            ("Host", false),
            ("Cookie", false),
            ("Content-Length", false),
        ];
        for (name, expected) in cases {
            let name = name.as_bytes();
            assert_eq!(options.is_hop_by_hop(Known::of(name), name), expected, "{name:?}");
        }
    });
}

proptest! {
    /// A connection goes on only when everything on it has come to its end.
    #[test]
    fn nothing_is_left_on_a_connection_that_goes_on(bits in any::<[bool; 4]>()) {
        let [server_persists, request_sent, response_complete, unasked] = bits;
        let ending = Ending { server_persists, request_sent, response_complete, unasked };
        let server = [server_persists, request_sent, response_complete, !unasked];
        prop_assert_eq!(ending.server_goes_on(), server == [true; 4]);
    }
}

#[test]
fn an_old_client_gets_no_chunks() {
    use Version::{Http10, Http11};
    let cases = [
        (Body::Empty, Http10, Delivery::AsDeclared),
        (Body::Length(1), Http11, Delivery::AsDeclared),
        (Body::Chunked, Http11, Delivery::Chunked),
        (Body::Chunked, Http10, Delivery::UntilClose),
        (Body::UntilClose, Http11, Delivery::Chunked),
        (Body::UntilClose, Http10, Delivery::UntilClose),
    ];
    for (body, client, expected) in cases {
        assert_eq!(Delivery::of_response(body, client), expected, "{body:?} {client:?}");
    }
}
