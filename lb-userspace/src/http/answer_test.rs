//! Answers of the proxy's own.

use super::super::framing::{self, Body};
use super::super::{BodyReader, Limits, Method, RequestReader, ResponseReader};
use super::*;

const ASKER: Asker<'_> =
    Asker { version: Version::Http11, head: false, persists: true, date: b"now" };

fn answer(status: Status, content: Content<'_>, asker: Asker<'_>) -> String {
    let mut out = Vec::new();
    write_answer(&mut out, status, content, &asker);
    String::from_utf8(out).expect("text")
}

#[test]
fn an_error_page_as_it_goes_out() {
    let expected = "HTTP/1.1 503 Service Unavailable\r\nDate: now\r\nRetry-After: 5\r\n\
        Content-Type: text/html; charset=utf-8\r\nCache-Control: no-cache\r\nContent-Length: 151\r\n\r\n\
        <!DOCTYPE html>\n<title>503 Service Unavailable</title>\n<h1>Service Unavailable</h1>\n\
        <p>No server is there to answer. Please try again in a moment.</p>\n";
    let found = answer(Status::SERVICE_UNAVAILABLE, Content::RetryAfter(5), ASKER);
    assert_eq!(found, expected);
}

/// Every status the proxy answers with by itself.
const ALL: [u16; 23] = [
    200, 301, 302, 303, 307, 308, 400, 401, 403, 404, 408, 413, 414, 417, 421, 422, 429, 431, 501,
    502, 503, 504, 505,
];

#[test]
fn every_answer_can_be_read_to_its_end() {
    for code in ALL {
        let status = Status::new(code).expect("a status");
        let text = answer(status, Content::Page, ASKER);
        let mut reader = ResponseReader::default();
        let response = reader.read(text.as_bytes()).expect("a good head").expect("a whole head");
        assert_eq!((response.status, response.reason), (status, status.reason().as_bytes()));
        assert!(!response.reason.is_empty(), "{code}");
        let body = framing::response(&response, Method::Get).expect("a body").body;
        assert!(matches!(body, Body::Length(_)), "{code}");
        let mut body = BodyReader::new(body, Limits::default(), u64::MAX).expect("a body");
        let mut at = response.length;
        assert!(body.next(text.as_bytes(), &mut at).expect("data").is_some());
        assert!(body.is_done() && at == text.len(), "{code}");
        let closes = text.contains("\r\nConnection: close\r\n");
        assert_eq!(closes, ends_connection(status), "{code}");
        assert_eq!(words(status).is_empty(), code == 200);
    }
}

#[test]
fn head_and_old_clients() {
    let head = answer(Status::NOT_FOUND, Content::Page, Asker { head: true, ..ASKER });
    let whole = answer(Status::NOT_FOUND, Content::Page, ASKER);
    assert!(head.ends_with("\r\n\r\n") && whole.starts_with(&head) && whole.len() > head.len());
    let old = Asker { version: Version::Http10, ..ASKER };
    assert!(answer(Status::OK, Content::Page, old).contains("\r\nConnection: keep-alive\r\n"));
    let last = Asker { persists: false, ..ASKER };
    assert!(answer(Status::OK, Content::Page, last).contains("\r\nConnection: close\r\n"));
}

#[test]
fn what_answers_say() {
    let own = Content::Own { content_type: b"text/plain", body: b"up\n" };
    let found = answer(Status::OK, own, ASKER);
    assert!(found.ends_with("Content-Length: 3\r\n\r\nup\n"), "{found}");
    let realm = answer(Status::UNAUTHORIZED, Content::Authenticate(b"a \"b\"\r\n"), ASKER);
    let expected = "\r\nWWW-Authenticate: Basic realm=\"a \\\"b\\\"  \", charset=\"UTF-8\"\r\n";
    assert!(realm.contains(expected), "{realm}");
}

#[test]
fn the_same_page_by_https() {
    let url = |text: &str, port| {
        let mut reader = RequestReader::default();
        let request = reader.read(text.as_bytes()).expect(text).expect(text);
        let mut out = Vec::new();
        write_https_url(&mut out, &request, port).map(|()| String::from_utf8(out).expect("text"))
    };
    let cases = [
        ("GET /a?b HTTP/1.1\r\nHost: a:80\r\n\r\n", 443, Some("https://a/a?b")),
        ("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", 8443, Some("https://[::1]:8443/")),
        ("GET http://b?c HTTP/1.0\r\n\r\n", 443, Some("https://b/?c")),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 443, Some("https://a/")),
        ("GET / HTTP/1.0\r\n\r\n", 443, None),
        ("GET //evil HTTP/1.1\r\nHost:\r\n\r\n", 443, None),
    ];
    for (text, port, expected) in cases {
        assert_eq!(url(text, port).as_deref(), expected, "{text:?}");
    }
    let found = answer(Status::MOVED_PERMANENTLY, Content::Location(b"https://a/"), ASKER);
    assert!(found.contains("\r\nLocation: https://a/\r\n"), "{found}");
}
