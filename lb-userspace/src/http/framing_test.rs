//! The table of RFC 9112, section 6.3, with every refusal.

use super::super::{RequestReader, ResponseReader};
use super::*;

fn of_request(version: &str, fields: &str) -> Result<Body, Refusal> {
    let text = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
    let mut reader = RequestReader::default();
    request(&reader.read(text.as_bytes())?.expect("a whole head"))
}

fn of_response(method: Method<'_>, status: &str, fields: &str) -> Result<ResponseBody, Refusal> {
    let text = format!("HTTP/{status} x\r\n{fields}\r\n");
    let mut reader = ResponseReader::default();
    response(&reader.read(text.as_bytes())?.expect("a whole head"), method)
}

/// What is wrong the same way in requests and responses.
const BROKEN: &[(&str, Refusal)] = &[
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Refusal::LengthAndCoding),
    ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", Refusal::LengthAndCoding),
    ("Content-Length: +5\r\n", Refusal::Length),
    ("Content-Length: -5\r\n", Refusal::Length),
    ("Content-Length: 5, 5\r\n", Refusal::Length),
    ("Content-Length: 5\r\nContent-Length: 5\r\n", Refusal::Length),
    ("Content-Length: 5\r\nContent-Length: 6\r\n", Refusal::Length),
    ("Content-Length:\r\n", Refusal::Length),
    ("Content-Length: 0x5\r\n", Refusal::Length),
    ("Content-Length: 5 5\r\n", Refusal::Length),
    ("Content-Length: 5.0\r\n", Refusal::Length),
    ("Content-Length: 1234567890123456789\r\n", Refusal::Length),
    ("Content-Length: 18446744073709551621\r\n", Refusal::Length),
    ("Transfer-Encoding: chunked, chunked\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding: chunked, gzip\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding: gzip, chunked, chunked\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding:\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding: ,\r\n", Refusal::ChunkedNotLast),
    ("Transfer-Encoding: gzip\r\n", Refusal::UnknownCoding),
    ("Transfer-Encoding: identity\r\n", Refusal::UnknownCoding),
    ("Transfer-Encoding: gzip, chunked\r\n", Refusal::UnknownCoding),
    ("Transfer-Encoding: xchunked\r\n", Refusal::UnknownCoding),
    ("Transfer-Encoding: chunked;q=1\r\n", Refusal::UnknownCoding),
    ("Transfer-Encoding: \"chunked\"\r\n", Refusal::UnknownCoding),
    ("Transfer-Encoding: chun ked\r\n", Refusal::UnknownCoding),
    // A vertical tab, which some parsers take for a space.
    ("Transfer-Encoding: \x0bchunked\r\n", Refusal::Control),
    ("Transfer-Encoding : chunked\r\n", Refusal::SpaceBeforeColon),
];

#[test]
fn what_is_ambiguous_is_refused() {
    for &(fields, expected) in BROKEN {
        assert_eq!(of_request("1.1", fields), Err(expected), "{fields:?}");
        let status = if expected == Refusal::UnknownCoding { 422 } else { 400 };
        assert_eq!(expected.status().code(), status, "{fields:?}");
        let response = of_response(Method::Get, "1.1 200", fields);
        if expected == Refusal::SpaceBeforeColon {
            assert_eq!(response.map(|response| response.body), Ok(Body::Chunked));
        } else {
            assert_eq!(response, Err(expected), "{fields:?}");
        }
    }
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_eq!(of_request("1.0", chunked), Err(Refusal::CodingInHttp10));
    assert_eq!(of_response(Method::Get, "1.0 200", chunked), Err(Refusal::CodingInHttp10));
    let both = "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(of_request("1.0", both), Err(Refusal::CodingInHttp10));
}

#[test]
fn bodies_of_requests() {
    let cases = [
        ("", Body::Empty),
        ("Content-Length: 0\r\n", Body::Empty),
        ("Content-Length: 005\r\n", Body::Length(5)),
        ("Content-Length: 999999999999999999\r\n", Body::Length(999_999_999_999_999_999)),
        ("Transfer-Encoding: chunked\r\n", Body::Chunked),
        ("Transfer-Encoding: , Chunked ,\r\n", Body::Chunked),
    ];
    for (fields, expected) in cases {
        assert_eq!(of_request("1.1", fields), Ok(expected), "{fields:?}");
    }
    assert_eq!(of_request("1.0", "Content-Length: 5\r\n"), Ok(Body::Length(5)));
}

#[test]
fn bodies_of_responses() {
    let (length, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    let cases = [
        (Method::Get, "1.1 200", "", Body::UntilClose, false),
        (Method::Get, "1.0 200", "", Body::UntilClose, false),
        (Method::Get, "1.1 200", length, Body::Length(5), false),
        (Method::Get, "1.1 200", chunked, Body::Chunked, false),
        (Method::Get, "1.1 500", "Content-Length: 0\r\n", Body::Empty, false),
        (Method::Head, "1.1 200", "", Body::Empty, false),
        (Method::Head, "1.1 200", length, Body::Empty, false),
        (Method::Head, "1.1 200", chunked, Body::Empty, false),
        (Method::Get, "1.1 304", length, Body::Empty, false),
        (Method::Get, "1.1 204", "", Body::Empty, false),
        (Method::Get, "1.1 204", "Content-Length: 0\r\n", Body::Empty, false),
        (Method::Get, "1.1 204", length, Body::Empty, true),
        (Method::Get, "1.1 204", chunked, Body::Empty, true),
        (Method::Get, "1.1 100", length, Body::Empty, true),
        (Method::Get, "1.1 101", chunked, Body::Empty, true),
    ];
    for (method, status, fields, body, contradicts_itself) in cases {
        let expected = ResponseBody { body, contradicts_itself };
        let found = of_response(method, status, fields);
        assert_eq!(found, Ok(expected), "{method:?} {status} {fields:?}");
    }
}
