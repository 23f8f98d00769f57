//! What is refused, what is answered when servers fail, and when patience is over.

use std::time::Duration;

use super::server::{Peer, nobody, server};
use super::stage::{Stage, settings};
use crate::proxy::settings::Settings;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// Short for a test, long for a thread.
const SHORT: Duration = Duration::from_millis(300);

/// The answer's status, and the last line of the log.
fn outcome(settings: Settings, request: &str) -> (String, String) {
    let stage = Stage::with(settings);
    let mut client = Peer::connect(stage.address);
    let head = client.ask(request);
    client.end();
    client.rest();
    (head[9..12].to_owned(), stage.end().pop().unwrap())
}

#[test]
fn bad_requests() {
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\nHost: a\n\n", "400"),
        ("GET /\r\n\r\n", "400"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "501"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "422"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: x\r\n\r\n", "417"),
    ];
    for (request, status) in cases {
        let (found, line) = outcome(settings(&[nobody()]), request);
        assert_eq!(found, status, "{request:?}");
        assert!(line.contains(" web web/<NOSRV> ") && line.contains(" PR-- "), "{line}");
        assert!(line.ends_with("\"<BADREQ>\""), "{line}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9_000));
    assert_eq!(outcome(settings(&[nobody()]), &long).0, "414");
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(120));
    assert_eq!(outcome(settings(&[nobody()]), &many).0, "431");
}

#[test]
fn servers_that_fail() {
    let says = |answer: &'static str| {
        server(move |_, peer| {
            peer.head();
            peer.say(answer);
        })
    };
    let cases = [
        (nobody(), "503", " SC-- "),
        (says(""), "502", " SH-- "),
        (says("HTTP/1.1 200 OK\r\nX: "), "502", " SH-- "),
        (says("nonsense\r\n\r\n"), "502", " PH-- "),
        (says("HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n"), "502", " PH-- "),
    ];
    for (address, status, letters) in cases {
        let mut settings = settings(&[address]);
        settings.pools[0].retries.most = 0;
        let (found, line) = outcome(settings, GET);
        assert_eq!(found, status, "{letters}");
        assert!(line.contains(letters), "{line}");
    }
    let mut empty = settings(&[]);
    empty.pools[0].retries.most = 0;
    assert_eq!(outcome(empty, GET).0, "503");
}

#[test]
fn a_server_that_says_nothing() {
    let address = server(|_, peer| {
        peer.rest();
    });
    let mut settings = settings(&[address]);
    settings.pools[0].server_timeout = SHORT;
    let (found, line) = outcome(settings, GET);
    assert_eq!(found, "504");
    assert!(line.contains(" sH-- "), "{line}");
}

#[test]
fn a_client_that_does_not_finish() {
    let address = server(|_, peer| {
        peer.rest();
    });
    let mut late = settings(&[address]);
    late.services[0].timeouts.request = SHORT;
    let (found, line) = outcome(late, "GET / HTTP/1.1\r\n");
    assert_eq!(found, "408");
    assert!(line.contains(" cR-- "), "{line}");
    let mut late = settings(&[address]);
    late.services[0].timeouts.client = SHORT;
    let (found, line) = outcome(late, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    assert_eq!(found, "408");
    assert!(line.contains(" cD-- "), "{line}");
}

#[test]
fn a_client_that_is_silent_is_closed_without_a_word() {
    let mut patient = settings(&[nobody()]);
    patient.services[0].timeouts.request = SHORT;
    patient.services[0].timeouts.keep_alive = SHORT;
    let stage = Stage::with(patient);
    assert_eq!(Peer::connect(stage.address).text(), "");
    let mut kept = Peer::connect(stage.address);
    assert!(kept.ask(GET).starts_with("HTTP/1.1 503 "));
    assert!(!kept.text().contains("HTTP/1.1"));
    assert_eq!(stage.end().len(), 1);
}
