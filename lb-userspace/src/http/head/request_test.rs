//! Requests as they should be, and every way in which they should not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// What is found of a head, as one text.
fn read(text: &[u8]) -> Result<Option<String>, Refusal> {
    let mut reader = RequestReader::default();
    Ok(reader.read(text)?.map(|request| shown(&request)))
}

fn shown(request: &Request<'_>) -> String {
    let text = String::from_utf8_lossy;
    let fields: Vec<_> = request
        .fields
        .iter()
        .map(|field| format!("{}={}", text(field.name), text(field.value)))
        .collect();
    let host = request.host.map(|host| (text(host.host).into_owned(), host.port));
    let [path, rest] = request.target.to_origin(request.method);
    let method = text(request.method.as_bytes());
    let version = request.version.as_str();
    format!("{method} {}{} {version} {host:?} {fields:?}", text(path), text(rest))
}

fn refused(text: &str) -> Refusal {
    read(text.as_bytes()).expect_err(text)
}

#[test]
fn good_requests() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", r#"GET / HTTP/1.1 Some(("a", None)) ["Host=a"]"#),
        ("\r\n\r\nGET / HTTP/1.0\r\n\r\n", r"GET / HTTP/1.0 None []"),
        (
            "GET /a?b HTTP/1.7\r\nhOsT:\ta:80 \t\r\nX:\r\n\r\n",
            r#"GET /a?b HTTP/1.1 Some(("a", Some(80))) ["hOsT=a:80", "X="]"#,
        ),
        (
            "GET http://a/b HTTP/1.1\r\nHost: A:80\r\n\r\n",
            r#"GET /b HTTP/1.1 Some(("a", None)) ["Host=A:80"]"#,
        ),
        ("GET HTTPS://a:8443?x HTTP/1.0\r\n\r\n", r#"GET /?x HTTP/1.0 Some(("a", Some(8443))) []"#),
        ("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", r#"OPTIONS * HTTP/1.1 Some(("", None)) ["Host="]"#),
        ("OPTIONS http://a HTTP/1.0\r\n\r\n", r#"OPTIONS * HTTP/1.0 Some(("a", None)) []"#),
        ("PATCH /{|} HTTP/1.0\r\nA:1\r\nA:2\r\n\r\n", r#"PATCH /{|} HTTP/1.0 None ["A=1", "A=2"]"#),
        ("GET //a//b HTTP/1.0\r\n\r\n", r"GET //a//b HTTP/1.0 None []"),
        ("GET / HTTP/1.0\r\nA: b \tc\r\n\r\n", r#"GET / HTTP/1.0 None ["A=b \tc"]"#),
    ];
    for (text, expected) in cases {
        let with_body = format!("{text}body");
        assert_eq!(read(with_body.as_bytes()), Ok(Some(expected.to_owned())), "{text:?}");
        let mut reader = RequestReader::default();
        let length = reader.read(with_body.as_bytes()).expect(text).expect(text).length;
        assert_eq!(length, text.len(), "{text:?}");
    }
    assert_eq!(read(b"GET / HTTP/1.1\r\nHost: a\r\n"), Ok(None));
    assert_eq!(read(b""), Ok(None));
}

#[test]
fn bad_lines() {
    let cases = [
        ("GET / HTTP/1.1\nHost: a\n\n", Refusal::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", Refusal::BareLf),
        ("\nGET / HTTP/1.1\r\n", Refusal::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\rb\r\n", Refusal::BareCr),
        ("GET / HTTP/1.1\r\nHost: a\r\r\n", Refusal::BareCr),
        ("GET /\rx HTTP/1.1\r\n", Refusal::BareCr),
        ("GET / HTTP/1.1\r\nHost: a\0\r\n", Refusal::Nul),
        ("GET /\0 HTTP/1.1\r\n", Refusal::Nul),
        ("\0", Refusal::Nul),
        ("GET / HTTP/1.1\r\nHost: a\x01\r\n", Refusal::Control),
        ("GET / HTTP/1.1\r\nHost: a\x7f\r\n", Refusal::Control),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n", Refusal::Folded),
        ("GET / HTTP/1.1\r\n Host: a\r\n", Refusal::Folded),
        ("GET / HTTP/1.1\r\nHost: a\r\n\tb: c\r\n", Refusal::Folded),
        ("GET / HTTP/1.1\r\nHost : a\r\n", Refusal::SpaceBeforeColon),
        ("GET / HTTP/1.1\r\nHost\t: a\r\n", Refusal::SpaceBeforeColon),
        ("GET / HTTP/1.1\r\nHost\r\n", Refusal::NoColon),
        ("GET / HTTP/1.1\r\n: a\r\n", Refusal::FieldName),
        ("GET / HTTP/1.1\r\nA(b): c\r\n", Refusal::FieldName),
        ("GET / HTTP/1.1\r\nA b: c\r\n", Refusal::FieldName),
        ("GET / HTTP/1.1\r\n\u{e9}: c\r\n", Refusal::FieldName),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), expected, "{text:?}");
        assert_eq!(expected.status().code(), 400, "{text:?}");
    }
}

#[test]
fn bad_request_lines() {
    let cases = [
        ("GET /\r\n", Refusal::RequestLine, 400),
        ("GET\r\n", Refusal::RequestLine, 400),
        ("GET  / HTTP/1.1\r\n", Refusal::RequestLine, 400),
        ("GET /  HTTP/1.1\r\n", Refusal::RequestLine, 400),
        ("GET / HTTP/1.1 \r\n", Refusal::RequestLine, 400),
        ("GET\t/ HTTP/1.1\r\n", Refusal::Method, 400),
        ("GET / http/1.1\r\n", Refusal::RequestLine, 400),
        ("GET / HTTP/1\r\n", Refusal::RequestLine, 400),
        ("GET / HTTP/11.1\r\n", Refusal::RequestLine, 400),
        ("GET /a b HTTP/1.1\r\n", Refusal::RequestLine, 400),
        ("G(T / HTTP/1.1\r\n", Refusal::Method, 400),
        (" GET / HTTP/1.1\r\n", Refusal::Method, 400),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n", Refusal::Method, 400),
        ("\x16\x03\x01\x02", Refusal::Method, 400),
        ("GET / HTTP/2.0\r\n", Refusal::Version, 505),
        ("GET / HTTP/0.9\r\n", Refusal::Version, 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::Http2Preface, 505),
        ("GET /a#b HTTP/1.1\r\n", Refusal::Fragment, 400),
        ("GET /\u{e9} HTTP/1.1\r\n", Refusal::TargetByte, 400),
        ("GET /\ta HTTP/1.1\r\n", Refusal::TargetByte, 400),
        ("GET a HTTP/1.1\r\n", Refusal::Target, 400),
        ("GET * HTTP/1.1\r\n", Refusal::Target, 400),
        ("GET a:80 HTTP/1.1\r\n", Refusal::Target, 400),
        ("GET ftp://a/ HTTP/1.1\r\n", Refusal::Target, 400),
        ("GET http:/a HTTP/1.1\r\n", Refusal::Target, 400),
        ("GET http:///a HTTP/1.1\r\n", Refusal::Host, 400),
        ("GET http://u@a/ HTTP/1.1\r\n", Refusal::UserInfo, 400),
        ("GET http://a:b/ HTTP/1.1\r\n", Refusal::Host, 400),
        ("CONNECT a:443 HTTP/1.1\r\n", Refusal::Connect, 501),
        ("CONNECT / HTTP/1.1\r\n", Refusal::Connect, 501),
    ];
    for (text, expected, status) in cases {
        assert_eq!(refused(text), expected, "{text:?}");
        assert_eq!(expected.status().code(), status, "{text:?}");
    }
}

#[test]
fn bad_hosts() {
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", Refusal::NoHost),
        ("GET http://a/ HTTP/1.1\r\n\r\n", Refusal::NoHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::TwoHosts),
        ("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", Refusal::TwoHosts),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Refusal::UserInfo),
        ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", Refusal::HostDiffers),
        ("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::HostDiffers),
        ("GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", Refusal::HostDiffers),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), expected, "{text:?}");
        assert_eq!(expected.status().code(), 400, "{text:?}");
    }
}

#[test]
fn limits_of_target_head_and_fields() {
    let head = |target: usize, fields: usize, value: usize| {
        let mut text = format!("GET /{} HTTP/1.0\r\n", "a".repeat(target - 1));
        for number in 0..fields {
            text.push_str(&format!("F{number}: {}\r\n", "v".repeat(value)));
        }
        read((text + "\r\n").as_bytes()).err()
    };
    assert_eq!(head(8_192, 0, 0), None);
    assert_eq!(head(8_193, 0, 0), Some(Refusal::UriTooLong));
    assert_eq!(head(30_000, 0, 0), Some(Refusal::UriTooLong));
    assert_eq!(head(1, 100, 1), None);
    assert_eq!(head(1, 101, 1), Some(Refusal::TooManyFields));
    // 16 bytes of request line, 6 around the value, 2 at the end.
    assert_eq!(head(1, 1, 16_384 - 16 - 6 - 2), None);
    assert_eq!(head(1, 1, 16_384 - 16 - 6 - 1), Some(Refusal::HeadTooLarge));
    assert_eq!(Refusal::UriTooLong.status().code(), 414);
    assert_eq!(Refusal::TooManyFields.status().code(), 431);
    assert_eq!(Refusal::HeadTooLarge.status().code(), 431);
}

#[test]
fn an_endless_head_is_refused_before_it_ends() {
    let mut reader = RequestReader::default();
    assert_eq!(reader.read(&[b'a'; 8_300]).err(), Some(Refusal::UriTooLong));
    let mut reader = RequestReader::default();
    let empty_lines = b"\r\n".repeat(9_000);
    assert_eq!(reader.read(&empty_lines).err(), Some(Refusal::HeadTooLarge));
}

#[test]
fn a_reader_is_used_again() {
    let mut reader = RequestReader::default();
    for host in ["a", "b"] {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\nX: {host}\r\n\r\n");
        assert!(!reader.has_begun(b"") && reader.has_begun(b"G"));
        let request = reader.read(text.as_bytes()).expect("a head").expect("all of it");
        assert_eq!(request.host.expect("a host").host, host.as_bytes());
        assert_eq!(request.fields.len(), 2);
        reader.reset();
    }
}

/// Words that make and break heads.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "GET ",
        "/ ",
        "HTTP/1.1",
        "HTTP/1.0",
        "\r\n",
        "\r\n",
        "\r\n",
        "Host: a",
        "Host: b",
        "X: y",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "\n",
        "\r",
        " ",
        ":",
        "\0",
        "http://a/",
        "#",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "\r\n\r\n",
    ]);
    vec(word, 0..12).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a head is cut, the verdict is the same.
    #[test]
    fn cuts_change_nothing(text in pieces(), cuts in vec(any::<Index>(), 0..6), tight in any::<bool>()) {
        let limits = if tight {
            Limits::default().with_head(80).with_uri(4).with_fields(2)
        } else {
            Limits::default()
        };
        let whole = RequestReader::new(limits).read(&text).map(|found| found.map(|head| shown(&head)));
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(text.len());
        let mut reader = RequestReader::new(limits);
        let mut found = Ok(None);
        for end in ends {
            found = reader.read(&text[..end]).map(|found| found.map(|head| shown(&head)));
            if !matches!(found, Ok(None)) {
                break;
            }
        }
        prop_assert_eq!(found, whole);
    }

    /// What is taken here means the same to another parser.
    #[test]
    fn another_parser_agrees(text in pieces()) {
        let mut reader = RequestReader::default();
        if let Ok(Some(request)) = reader.read(&text) {
            let mut fields = [httparse::EMPTY_HEADER; 100];
            let mut other = httparse::Request::new(&mut fields);
            prop_assert_eq!(other.parse(&text), Ok(httparse::Status::Complete(request.length)));
            prop_assert_eq!(other.method.map(str::as_bytes), Some(request.method.as_bytes()));
            let theirs: Vec<_> = other.headers.iter().map(|h| (h.name.as_bytes(), h.value)).collect();
            let ours: Vec<_> = request.fields.iter().map(|f| (f.name, f.value)).collect();
            prop_assert_eq!(ours, theirs);
        }
    }
}
