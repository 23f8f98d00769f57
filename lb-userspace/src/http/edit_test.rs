//! Heads as the next hop gets them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::connection::{Delivery, Options, client_persists, server_persists};
use super::super::upgrade::expects_continue;
use super::super::{
    Authority, Chunked, Limits, Method, RequestReader, ResponseReader, Upgrade, framing,
};
use super::*;

/// What a test says about a service.
#[derive(Clone)]
struct Site {
    client: Client,
    forwarding: Forwarding,
    headers: HeaderEdits,
    own: Vec<(HeaderName, Option<Vec<u8>>)>,
    host: Option<HeaderValue>,
    close: bool,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            client: Client { address: [192, 0, 2, 7].into(), secure: true },
            forwarding: Forwarding::default(),
            headers: HeaderEdits::default(),
            own: Vec::new(),
            host: None,
            close: false,
        }
    }
}

fn name(text: &str) -> HeaderName {
    HeaderName::new(text).expect(text)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::new(text).expect(text)
}

impl Site {
    fn forward(&self, text: &[u8]) -> String {
        let mut reader = RequestReader::default();
        let request = reader.read(text).expect("a good head").expect("a whole head");
        let options = Options::read(request.fields).expect("options");
        let body = framing::request(&request).expect("a body");
        let own: Vec<_> = self
            .own
            .iter()
            .map(|(name, value)| OwnField { name, value: value.as_deref() })
            .collect();
        let mut out = Vec::new();
        let edits = RequestEdits {
            client: self.client,
            forwarding: &self.forwarding,
            headers: &self.headers,
            own: &own,
            host: self.host.as_ref(),
            server: &value("10.0.0.1:8080"),
            upgrade: Upgrade::offered(&request, &options, body),
            expects_continue: expects_continue(&request, body).expect("an expectation"),
            body,
            close: self.close,
        };
        write_request(&mut out, &request, &options, &edits);
        String::from_utf8(out).expect("text")
    }
}

fn forward(text: &str) -> String {
    Site::default().forward(text.as_bytes())
}

#[test]
fn a_plain_request_passes_as_it_is() {
    let text = "GET /a?b HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nX: 1\r\nX: 2\r\n\r\n";
    assert_eq!(forward(text), text);
    let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(forward(text), text);
    let text = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n";
    assert_eq!(forward(text), text);
}

#[test]
fn targets_and_versions() {
    let cases = [
        (
            "GET http://b:81/x HTTP/1.1\r\nHost: B:81\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: b:81\r\n\r\n",
        ),
        ("GET http://b?x HTTP/1.0\r\n\r\n", "GET /?x HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n\r\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(forward(text), expected, "{text:?}");
    }
}

#[test]
fn fields_of_the_clients_connection_stay_there() {
    let text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop, Host, Cookie\r\nKeep-Alive: 5\r\n\
                Proxy-Connection: close\r\nX-Hop: 1\r\nCookie: c\r\nTE: gzip\r\nUpgrade: h2c\r\n\
                HTTP2-Settings: AAMAAABkAAQAAP__\r\nExpect: 100-continue\r\nY: 1\r\n\r\n";
    assert_eq!(forward(text), "GET / HTTP/1.1\r\nHost: a\r\nCookie: c\r\nY: 1\r\n\r\n");
    let text = "PUT / HTTP/1.1\r\nTransfer-Encoding: , Chunked\r\nHost: a\r\n\r\n";
    let expected = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(forward(text), expected);
    let text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c, websocket\r\n\r\n";
    let expected = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    assert_eq!(forward(text), expected);
    let site = Site { close: true, ..Site::default() };
    let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(site.forward(text), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

fn all_forwarding() -> Site {
    let forwarding = Forwarding {
        x_forwarded_for: true,
        x_forwarded_proto: true,
        forwarded: true,
        except: vec!["10.0.0.0/8".parse().expect("a net")],
    };
    Site { forwarding, ..Site::default() }
}

#[test]
fn servers_learn_who_asks() {
    let text = "GET / HTTP/1.1\r\nHost: a:81\r\nX-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 2.2.2.2\r\n\
                X-Forwarded-Proto: spdy\r\nx_forwarded-proto: spdy\r\nForwarded: for=_x\r\n\
                Connection: x-forwarded-for, forwarded, x-forwarded-proto\r\n\r\n";
    let mut site = all_forwarding();
    let ours = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\
                Forwarded: for=192.0.2.7;host=\"a:81\";proto=https\r\n\r\n";
    let came = "GET / HTTP/1.1\r\nHost: a:81\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=_x\r\n";
    assert_eq!(site.forward(text.as_bytes()), format!("{came}{ours}"));
    site.client = Client { address: "2001:db8::7".parse().expect("an address"), secure: false };
    let found = site.forward(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        found.ends_with("Forwarded: for=\"[2001:db8::7]\";host=a;proto=http\r\n\r\n"),
        "{found}"
    );
    assert!(
        found.contains("X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: http\r\n"),
        "{found}"
    );
    site.client.address = "::ffff:10.1.2.3".parse().expect("an address");
    let text = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n";
    assert_eq!(site.forward(text.as_bytes()), text, "a proxy of ours has said it");
}

#[test]
fn what_a_certificate_says_comes_from_the_proxy_alone() {
    let own = vec![
        (name("X-SSL-Client-CN"), Some(b"Ann\r\nX-Evil: 1\0".to_vec())),
        (name("X-SSL-Client-Verify"), None),
        (name("X-Request-ID"), Some(b"42".to_vec())),
    ];
    let site = Site { own, ..Site::default() };
    let text = "GET / HTTP/1.1\r\nHost: a\r\nX-SSL-Client-CN: Bob\r\nX_SSL_Client_CN: Bob\r\n\
                x-ssl_client-verify: 0\r\nX-Request-Id: 7\r\nX-SSL-Client-C: kept\r\n\
                Connection: X-SSL-Client-CN\r\n\r\n";
    let expected = "GET / HTTP/1.1\r\nHost: a\r\nX-SSL-Client-C: kept\r\n\
                    X-SSL-Client-CN: Ann??X-Evil: 1?\r\nX-Request-ID: 42\r\n\r\n";
    assert_eq!(site.forward(text.as_bytes()), expected);
}

#[test]
fn edits_of_the_configuration() {
    let edits = [
        HeaderEdit::Add(name("A"), value(" 1 ")),
        HeaderEdit::Set(name("B"), value("2")),
        HeaderEdit::Delete(name("C")),
        HeaderEdit::Add(name("D-E"), value("3")),
        HeaderEdit::Set(name("D-E"), value("4")),
        HeaderEdit::Add(name("D-E"), value("5")),
    ];
    let site = Site { headers: HeaderEdits::new(edits), ..Site::default() };
    let text =
        b"GET / HTTP/1.1\r\nHost: a\r\na: 0\r\nb: 0\r\nc: 0\r\nC: 0\r\nd_e: 0\r\nf: 0\r\n\r\n";
    let expected =
        "GET / HTTP/1.1\r\nHost: a\r\na: 0\r\nf: 0\r\nA: 1\r\nB: 2\r\nD-E: 4\r\nD-E: 5\r\n\r\n";
    assert_eq!(site.forward(text), expected);
    for hop in ["Connection", "content-length", "Transfer-Encoding", "TE", "Upgrade", "Expect"] {
        assert_eq!(HeaderName::new(hop), Err(HeaderNameError::OfTheHop), "{hop}");
    }
    assert_eq!(HeaderName::new("host"), Err(HeaderNameError::Host));
    assert_eq!(HeaderName::new("a b"), Err(HeaderNameError::NoToken));
    assert_eq!(HeaderValue::new("a\r\nb"), Err(HeaderValueError));
}

/// What a server says, as a client of this version gets it, and whether both connections go on.
fn answer(text: &str, client: Version, back: Option<Back<'_>>) -> (String, bool, bool) {
    let mut reader = ResponseReader::default();
    let response = reader.read(text.as_bytes()).expect(text).expect(text);
    let options = Options::read(response.fields).expect(text);
    let body = framing::response(&response, Method::Get).expect(text);
    let delivery = Delivery::of_response(body.body, client);
    let mut out = Vec::new();
    let headers = HeaderEdits::new([HeaderEdit::Delete(name("X-Powered-By"))]);
    let edits =
        ResponseEdits { headers: &headers, back, delivery, client, persists: true, date: b"now" };
    if response.status.is_interim() {
        write_interim(&mut out, &response, &options);
    } else {
        write_response(&mut out, &response, &options, &edits);
    }
    let text = String::from_utf8(out).expect("text");
    let closes = text.contains("\r\nConnection: close\r\n");
    (text, !closes, server_persists(&response, &options, body))
}

use super::super::Version::{self, Http10, Http11};

#[test]
fn responses() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 1\r\nX-Powered-By: y\r\n\r\n",
            Http11,
            "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 1\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 200\r\nContent-Length: 1\r\nConnection: close, x\r\nX: 1\r\n\r\n",
            Http11,
            "HTTP/1.1 200 \r\nContent-Length: 1\r\nDate: now\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\nDate: d\r\n\r\n",
            Http11,
            "HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n",
            Http10,
            "HTTP/1.1 200 OK\r\nDate: d\r\nConnection: close\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 1\r\n\r\n",
            Http10,
            "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 204 No\r\nDate: d\r\nContent-Length: 7\r\n\r\n",
            Http11,
            "HTTP/1.1 204 No\r\nDate: d\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 100 Continue\r\nContent-Length: 7\r\nX: 1\r\n\r\n",
            Http11,
            "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n",
            false,
        ),
        (
            "HTTP/1.1 101 Yes\r\nDate: d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            Http11,
            "HTTP/1.1 101 Yes\r\nDate: d\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            false,
        ),
    ];
    for (text, client, expected, server_goes_on) in cases {
        let (found, _, goes_on) = answer(text, client, None);
        assert_eq!((found.as_str(), goes_on), (expected, server_goes_on), "{text:?}");
    }
}

#[test]
fn names_are_rewritten_back() {
    let authority = |text: &'static str| Authority::parse(text.as_bytes()).expect(text);
    let rewritten = |field: &str, outside: &'static str| {
        let back = Back {
            inside: authority("www.example.com:8443"),
            outside: authority(outside),
            secure: false,
        };
        let text = format!("HTTP/1.1 302 Found\r\nDate: d\r\nContent-Length: 0\r\n{field}\r\n\r\n");
        let (found, ..) = answer(&text, Http11, Some(back));
        found.split("\r\n").nth(3).expect("the field").to_owned()
    };
    let cases = [
        ("Location: https://www.example.com/a?b", "Location: http://site.lan:81/a?b"),
        ("location: HTTP://WWW.example.com", "location: http://site.lan:81"),
        ("Location: https://www.example.com:8443?a", "Location: http://site.lan:81?a"),
        ("Location: //www.example.com/a", "Location: http://site.lan:81/a"),
        ("Location: https://www.example.com:9/a", "Location: https://www.example.com:9/a"),
        ("Location: https://www.example.com.evil/a", "Location: https://www.example.com.evil/a"),
        ("Location: https://example.com/", "Location: https://example.com/"),
        ("Location: /a//www.example.com/", "Location: /a//www.example.com/"),
        ("Location: ftp://www.example.com/", "Location: ftp://www.example.com/"),
        (
            "Set-Cookie: a=b; Domain=.example.com; Path=/",
            "Set-Cookie: a=b; Domain=site.lan; Path=/",
        ),
        ("Set-Cookie: a=b;domain = WWW.example.com", "Set-Cookie: a=b; Domain=site.lan"),
        (
            "Set-Cookie: domain=www.example.com; Secure",
            "Set-Cookie: domain=www.example.com; Secure",
        ),
        ("Set-Cookie: a=b; Domain=other.com", "Set-Cookie: a=b; Domain=other.com"),
        ("Set-Cookie: a=b; Domain=le.com", "Set-Cookie: a=b; Domain=le.com"),
    ];
    for (field, expected) in cases {
        assert_eq!(rewritten(field, "site.lan:81"), expected);
    }
    let cookie = "Set-Cookie: a=b; Domain=example.com; Path=/";
    for host in ["localhost", "10.0.0.1", "[::1]"] {
        assert_eq!(rewritten(cookie, host), "Set-Cookie: a=b; Path=/", "{host}");
    }
}

#[test]
fn trailers_that_pass_for_a_head_are_dropped() {
    let body = b"0\r\nX-Checksum: 7\r\nHost: evil\r\nContent_Length: 5\r\nX_Forwarded-For: 1\r\nX-Own: 1\r\n\
                 Authorization: x\r\n\r\n";
    let mut chunked = Chunked::new(Limits::default());
    assert_eq!(chunked.next(body, &mut 0), Ok(None));
    let own = name("x_own");
    let mut out = Vec::new();
    write_trailers(&mut out, Some(chunked.trailers()), &[OwnField { name: &own, value: None }]);
    assert_eq!(String::from_utf8_lossy(&out), "0\r\nX-Checksum: 7\r\n\r\n");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is sent to a server is a request that this proxy would take, with one Host, and the same body.
    #[test]
    fn what_is_sent_can_be_read(fields in vec("[A-Za-z_-]{1,16}: ?[ -~\u{e9}]{0,20}", 0..8), hop in "[A-Za-z, -]{0,30}") {
        let text = format!("POST /x HTTP/1.1\r\nHost: a\r\n{}\r\nConnection: {hop}\r\n\r\n", fields.join("\r\n"));
        let text = text.replace("\r\n\r\nConn", "\r\nConn");
        let mut reader = RequestReader::default();
        let Ok(Some(request)) = reader.read(text.as_bytes()) else { return Ok(()) };
        let Ok(body) = framing::request(&request) else { return Ok(()) };
        let Ok(options) = Options::read(request.fields) else { return Ok(()) };
        if expects_continue(&request, body).is_err() {
            return Ok(());
        }
        let sent = all_forwarding().forward(text.as_bytes());
        let mut reader = RequestReader::default();
        let again = reader.read(sent.as_bytes()).expect("a good head").expect("a whole head");
        prop_assert_eq!(again.length, sent.len());
        prop_assert_eq!(framing::request(&again), Ok(body));
        prop_assert_eq!(again.fields.named(b"x-forwarded-proto").collect::<Vec<_>>(), [b"https"]);
        prop_assert_eq!(again.fields.values(Known::XForwardedFor).last(), Some(&b"192.0.2.7"[..]));
        let persists = Options::read(again.fields).expect("ours");
        prop_assert!(client_persists(&again, &persists) || options.close);
    }
}
