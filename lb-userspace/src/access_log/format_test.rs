//! Lines as HAProxy writes them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::sample::entry;
use super::super::{FormatProblem, Moment, Server, Termination, Timers, Tls, When, Who};
use super::*;
use crate::http::Status;

fn line(format: &Format, entry: &Entry<'_>) -> String {
    let mut out = Vec::new();
    format.write(&mut out, entry);
    String::from_utf8(out).expect("text")
}

fn custom(format: &str, entry: &Entry<'_>) -> String {
    line(&Format::parse(format).expect(format), entry)
}

#[test]
fn httplog_of_a_good_request() {
    let expected = "10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 \
                    - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} \"GET /index.html HTTP/1.1\"";
    assert_eq!(line(&Format::httplog(), &entry()), expected);
    // Nothing captured, nothing written: not even a space.
    let plain = Entry { request_fields: &[], response_fields: &[], ..entry() };
    let found = line(&Format::httplog(), &plain);
    assert!(found.ends_with("---- 1/1/1/1/0 0/0 \"GET /index.html HTTP/1.1\""), "{found}");
}

/// A line of HAProxy 2.6 for what could not be read.
#[test]
fn httplog_of_a_bad_request() {
    let bad = Entry {
        client: "127.0.0.1:52420".parse().expect("an address"),
        frontend: "web",
        backend: None,
        server: Server::None,
        began: Moment { micros: 1_795_459_823_255_000, offset: 0 },
        timers: Timers::default(),
        request: None,
        status: Some(Status::BAD_REQUEST),
        sent: 0,
        termination: Termination::new(Who::Proxy, When::Request),
        connections: super::super::Connections { process: 1, frontend: 1, backend: 0, server: 0 },
        request_fields: &[],
        response_fields: &[],
        ..entry()
    };
    let expected = "127.0.0.1:52420 [23/Nov/2026:18:50:23.255] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- \
                    1/1/0/0/0 0/0 \"<BADREQ>\"";
    assert_eq!(line(&Format::httplog(), &bad), expected);
}

#[test]
fn tcplog_and_its_marks() {
    let tcp = Entry {
        client: "[2001:db8::7]:4000".parse().expect("an address"),
        tls: Some(Tls { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" }),
        accepted: Moment { micros: 1_233_922_454_655_321, offset: -90 },
        retries: 2,
        redispatched: true,
        termination: Termination::new(Who::ServerTimeout, When::Connect),
        ..entry()
    };
    let expected = "2001:db8::7:4000 [06/Feb/2009:10:44:14.655] http-in~ static/srv1 0/30/109 2750 sC \
                    1/1/1/1/+2 0/0";
    assert_eq!(line(&Format::tcplog(), &tcp), expected);
}

#[test]
fn every_letter_of_an_end() {
    let who = [
        Who::Normal,
        Who::Client,
        Who::Server,
        Who::Proxy,
        Who::Local,
        Who::Resource,
        Who::Internal,
        Who::Down,
        Who::Admin,
        Who::ClientTimeout,
        Who::ServerTimeout,
    ];
    let when = [
        When::Over,
        When::Request,
        When::Queue,
        When::Connect,
        When::Headers,
        When::Data,
        When::Last,
        When::Tarpit,
    ];
    let letter = |who, when| Termination::new(who, when).letters();
    assert_eq!(who.map(|who| letter(who, When::Over)[0]), *b"-CSPLRIDKcs");
    assert_eq!(when.map(|when| letter(Who::Normal, when)[1]), *b"-RQCHDLT");
}

/// The same variables in the same order as in a line of HAProxy 2.6, with its values.
#[test]
fn every_variable() {
    let entry = Entry {
        tls: Some(Tls { version: "TLSv1.2", cipher: "C" }),
        request: Some(b"GET /p?q=1 HTTP/1.1"),
        timers: Timers { handshake: 3, idle: 4, total: 200, ..entry().timers },
        unique_id: Some(b"id\n"),
        request_cookie: Some(b"sid=1"),
        accepted: Moment { micros: 1_795_459_840_029_000, offset: 60 },
        ..entry()
    };
    let cases = [
        ("%B %U %ST", "2750 120 200"),
        ("%CC %CS", "sid=1 -"),
        ("%{+Q}CC %{+Q}CS", "\"sid=1\" \"\""),
        ("%H %{+Q}H %pid", "vm \"vm\" 14389"),
        ("%HM|%HP|%HPO|%HQ|%HU|%HV", "GET|/p|/p|?q=1|/p?q=1|HTTP/1.1"),
        ("%ID %{+Q}ID", "id#0A \"id#0A\""),
        ("%T %Tl", "23/Nov/2026:18:50:40 +0000 23/Nov/2026:19:50:40 +0100"),
        ("%t %Ts %ms", "23/Nov/2026:19:50:40.029 1795459840 029"),
        (
            "%tr %trg %trl",
            "06/Feb/2009:12:14:14.655 06/Feb/2009:12:14:14 +0000 06/Feb/2009:12:14:14 +0000",
        ),
        ("%Th/%Ti/%TR/%Tq/%Tw/%Tc/%Tr/%Td/%Ta/%Tu/%Tt", "3/4/10/17/0/30/69/84/193/196/200"),
        ("%ac/%fc/%bc/%sc/%rc %sq/%bq", "1/1/1/1/0 0/0"),
        ("%b %f %ft %s %{+Q}ft", "static http-in http-in~ srv1 \"http-in~\""),
        ("%ci %cp %fi %fp", "10.0.1.2 33317 10.0.0.1 80"),
        ("%si %sp %bi %bp", "10.0.0.9 8080 10.0.0.1 40000"),
        ("%hr %hs %{+Q}hr", "{1wt.eu} {} \"{1wt.eu}\""),
        ("%hrl %hsl", "\"1wt.eu\" \"-\""),
        ("%lc %rt", "3 12"),
        ("%r %{+Q}r", "GET /p?q=1 HTTP/1.1 \"GET /p?q=1 HTTP/1.1\""),
        ("%sslc %sslv", "C TLSv1.2"),
        ("%ts %tsc", "-- ----"),
        (
            "%{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid_%ms",
            "0A000102:8225_0A000001:0050_6B048B00_000C:3835_1D",
        ),
        ("%{+Q}o%b %{-Q}b %s%%", "\"static\" static \"srv1\"%"),
        ("a  b %o  c", "a b c"),
        ("  %ci ", "10.0.1.2 "),
        ("100%%[%ST]", "100%[200]"),
    ];
    for (format, expected) in cases {
        assert_eq!(custom(format, &entry), expected, "{format}");
    }
    let nothing = Entry { request: None, server: Server::Stats, source: None, ..entry };
    assert_eq!(
        custom("%{+Q}HM %HQ %s %si %sp %{+Q}bi", &nothing),
        "\"<BADREQ>\" <BADREQ> <STATS> - - \"\""
    );
    let absolute = Entry { request: Some(b"GET http://a/b?c HTTP/1.1"), ..entry };
    assert_eq!(custom("%HP %HPO", &absolute), "http://a/b /b");
}

#[test]
fn hostile_bytes_do_not_leave_their_field() {
    let entry = Entry {
        request: Some(b"GET /a?\"{b}|\\]\r\n\xe9 HTTP/1.1"),
        request_fields: &[Some(b"x{y}|\"#\xe9"), None],
        ..entry()
    };
    assert_eq!(custom("%{+Q}r", &entry), "\"GET /a?#22{b}|\\]#0D#0A#E9 HTTP/1.1\"");
    assert_eq!(custom("%hr", &entry), "{x#7By#7D#7C#22#23#E9|}");
    assert_eq!(custom("%{+E}r", &entry), "GET /a?#22{b}|\\\\\\]#0D#0A#E9 HTTP/1.1");
}

#[test]
fn errors_name_the_place_and_what_is_expected() {
    let cases = [
        ("ab %xx", 3, FormatProblem::UnknownVariable("xx".to_owned())),
        ("%STx", 0, FormatProblem::UnknownVariable("STx".to_owned())),
        ("a %", 2, FormatProblem::NoName),
        ("% ci", 0, FormatProblem::NoName),
        ("%{+Z}r", 3, FormatProblem::Style('Z')),
        ("%{+Q", 4, FormatProblem::Unclosed),
        ("%[src]", 1, FormatProblem::Expression),
        ("%{+Q}[src]", 5, FormatProblem::Expression),
        ("\u{e9}%ci\n", 5, FormatProblem::Control),
    ];
    for (text, at, problem) in cases {
        let error = Format::parse(text).expect_err(text);
        assert_eq!((error.at, &error.problem), (at, &problem), "{text:?}");
        assert!(error.to_string().starts_with(&format!("at byte {at}: ")), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever clients and servers send, a line is one line of printable ASCII, and the request its last field.
    #[test]
    fn a_line_is_one_line(request in vec(any::<u8>(), 0..60), field in vec(any::<u8>(), 0..60)) {
        let fields = [Some(&field[..]), None];
        let entry = Entry {
            request: Some(&request),
            request_fields: &fields,
            response_fields: &fields,
            request_cookie: Some(&field),
            unique_id: Some(&field),
            ..entry()
        };
        let found = line(&Format::httplog(), &entry);
        prop_assert!(found.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert_eq!(found.matches('"').count(), 2);
    }

    /// No format makes the reader, or the writer, fail.
    #[test]
    fn any_format_is_read_or_refused(text in "[%{}+\\-QXEor a-zA-Z\\[\\]:]{0,24}") {
        match Format::parse(&text) {
            Ok(format) => drop(line(&format, &entry())),
            Err(error) => prop_assert!(error.at <= text.len()),
        }
    }
}
