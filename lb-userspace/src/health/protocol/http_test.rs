//! Answers as byte streams, cut at every place.

use proptest::prelude::*;

use super::*;

fn check(change: impl FnOnce(&mut HttpRequest)) -> HttpRequest {
    let mut check = HttpRequest::default();
    change(&mut check);
    check
}

/// The verdict on an answer that comes in these pieces, after which the server closes.
fn verdict(check: &HttpRequest, pieces: &[&[u8]]) -> Result<(), String> {
    let mut exchange = Exchange::new(check.clone(), SocketAddr::from(([10, 8, 8, 43], 80)), 80);
    for piece in pieces {
        match exchange.receive(piece).map_err(|complaint| complaint.to_string())? {
            Step::Passed => return Ok(()),
            Step::More => {}
            Step::Send(bytes) => panic!("says {bytes:?}"),
        }
    }
    exchange.closed().map_err(|complaint| complaint.to_string())
}

/// The same verdict whole, cut once at every place, and byte by byte.
fn expect(check: &HttpRequest, answer: &str, wanted: Result<(), &str>) {
    let bytes = answer.as_bytes();
    let wanted = wanted.map_err(str::to_owned);
    for cut in 0..=bytes.len() {
        let (first, rest) = bytes.split_at(cut);
        assert_eq!(verdict(check, &[first, rest]), wanted, "{answer:?} cut at {cut}");
    }
    assert_eq!(verdict(check, &bytes.chunks(1).collect::<Vec<_>>()), wanted, "{answer:?} in bytes");
}

#[test]
fn a_request() {
    let check = check(|check| {
        check.method = HttpMethod::Options;
        check.path = "/up?a=b".parse().unwrap();
        check.headers = vec!["X-Lb: 1".parse().unwrap(), "user-agent: me".parse().unwrap()];
    });
    let request = |check: &HttpRequest, address: &str| {
        String::from_utf8(Exchange::new(check.clone(), address.parse().unwrap(), 80).opening())
            .unwrap()
    };
    assert_eq!(
        request(&check, "[fd00::1]:8080"),
        "OPTIONS /up?a=b HTTP/1.1\r\nHost: [fd00::1]:8080\r\nConnection: close\r\nX-Lb: 1\r\nuser-agent: me\r\n\r\n"
    );
    let plain = HttpRequest { host: Some("a.example".parse().unwrap()), ..HttpRequest::default() };
    assert!(request(&plain, "10.0.0.1:80").contains("\r\nHost: a.example\r\n"));
    assert!(request(&HttpRequest::default(), "10.0.0.1:80").contains("\r\nHost: 10.0.0.1\r\n"));
    assert!(request(&HttpRequest::default(), "[::1]:80").contains("\r\nHost: [::1]\r\n"));
}

#[test]
fn statuses() {
    let usual = HttpRequest::default();
    expect(&usual, "HTTP/1.1 200 OK\r\n\r\n", Ok(()));
    expect(&usual, "HTTP/1.0 399\r\n\r\nrest", Ok(()));
    expect(&usual, "HTTP/1.1 200 OK\nServer: bare line feeds\n\n", Ok(()));
    expect(
        &usual,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        Ok(()),
    );
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    expect(&usual, unavailable, Err("status 503 Service Unavailable, expected 200–399"));
    let strict =
        check(|check| check.status = vec!["200-299".parse().unwrap(), "404".parse().unwrap()]);
    expect(&strict, "HTTP/1.1 301\r\n\r\n", Err("status 301, expected 200–299 or 404"));
    expect(&strict, "HTTP/1.1 404 Not Found\r\n\r\n", Ok(()));
    expect(
        &strict,
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        Err("status 101 Switching Protocols, expected 200–299 or 404"),
    );
}

#[test]
fn no_answer_by_http() {
    let usual = HttpRequest::default();
    expect(&usual, "", Err("connection closed without an answer"));
    expect(
        &usual,
        "HTTP/1.1 20",
        Err("connection closed within the head of the answer, which begins with \"HTTP/1.1 20\""),
    );
    expect(&usual, "SSH-2.0-a\r\nmore", Err("expected an answer by HTTP/1, got \"SSH-2.0-a\""));
    expect(
        &usual,
        "\x15\x03\x03\x02",
        Err("expected an answer by HTTP/1, got \"\\x15\\x03\\x03\\x02\""),
    );
    let long = "x".repeat(100);
    let begin = format!("expected an answer by HTTP/1, got \"{}…\"", "x".repeat(60));
    expect(&usual, &long, Err(&begin));
    expect(
        &usual,
        "HTTP/1.1 2x0 A\r\n\r\n",
        Err(
            "the head of the answer cannot be read (invalid response status): it begins with \"HTTP/1.1 2x0 A\"",
        ),
    );
    let length = "HTTP/1.1 200 A\r\nContent-Length: -1\r\n\r\n";
    expect(&usual, length, Err("expected a number as Content-Length, got \"-1\""));
}

#[test]
fn bodies() {
    let wanted = check(|check| check.body = Some(BodyMatch::Contains("ready".to_owned())));
    expect(&wanted, "HTTP/1.1 200 A\r\n\r\nI am ready.", Ok(()));
    expect(&wanted, "HTTP/1.1 200 A\r\ncontent-length: 5\r\n\r\nreadybut", Ok(()));
    let chunked = "HTTP/1.1 200 A\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(&wanted, &format!("{chunked}3\r\nrea\r\n02;x=y\r\ndy\r\n0\r\n\r\n"), Ok(()));
    expect(
        &wanted,
        "HTTP/1.1 200 A\r\nContent-Length: 4\r\n\r\nwait ready",
        Err("\"ready\" is not in the body, which begins with \"wait\""),
    );
    expect(
        &wanted,
        "HTTP/1.1 200 A\r\nContent-Length: 40\r\n\r\nready",
        Err("connection closed within the body, after 5 bytes of it"),
    );
    expect(
        &wanted,
        &format!("{chunked}5\r\nread"),
        Err("connection closed within the body, after 4 bytes of it"),
    );
    expect(&wanted, &format!("{chunked}\r\nready"), Err("expected the size of a chunk, got \"\""));
    expect(&wanted, &format!("{chunked}1\r\nabc"), Err("expected the size of a chunk, got \"b\""));
    expect(
        &wanted,
        "HTTP/1.1 204 A\r\n\r\nready",
        Err("\"ready\" is not in the body, which begins with \"\""),
    );
    let pattern = check(|check| check.body = Some(BodyMatch::Regex("^a+b$".parse().unwrap())));
    expect(&pattern, "HTTP/1.1 200 A\r\n\r\naab", Ok(()));
    expect(
        &pattern,
        "HTTP/1.1 200 A\r\n\r\naabc",
        Err("/^a+b$/ is not in the body, which begins with \"aabc\""),
    );
}

#[test]
fn digests() {
    // printf 'I am ready.' | sha256sum
    let digest = "cafd51bb7859d65d640cf62f3750c7f8364c2b0e8c33851b4517a1da773119d9";
    let wanted = check(|check| check.body = Some(BodyMatch::Sha256(digest.parse().unwrap())));
    expect(&wanted, "HTTP/1.1 200 A\r\n\r\nI am ready.", Ok(()));
    let chunked = "HTTP/1.1 200 A\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(&wanted, &format!("{chunked}5\r\nI am \r\n6\r\nready.\r\n0\r\n\r\n"), Ok(()));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let complaint = format!("the body's SHA-256 is {empty}, expected {digest}");
    expect(&wanted, "HTTP/1.1 204 A\r\n\r\n", Err(&complaint));
    // One that is longer than what other checks look at, in the memory that they take.
    let mut long = vec![&b"HTTP/1.1 200 OK\r\n\r\n"[..]];
    long.extend(std::iter::repeat_n(&[b'x'; 1_000][..], 1_000));
    assert!(
        verdict(&wanted, &long)
            .unwrap_err()
            .contains("1b977e9f84f1b26b6ed7f68b0498faee2385ea4125bd29adce4a7d9106ba3134")
    );
}

#[test]
fn endless_answers_end() {
    let usual = HttpRequest::default();
    let line = b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    let mut headers = vec![&b"HTTP/1.1 200 OK\r\n"[..]];
    headers.extend(std::iter::repeat_n(&line[..], 10_000));
    assert_eq!(
        verdict(&usual, &headers).unwrap_err(),
        "the head of the answer is longer than 16384 bytes"
    );
    let interim = vec![&b"HTTP/1.1 100 Continue\r\n\r\n"[..]; 10_000];
    assert_eq!(
        verdict(&usual, &interim).unwrap_err(),
        "the head of the answer is longer than 16384 bytes"
    );
    let wanted = check(|check| check.body = Some(BodyMatch::Contains("ready".to_owned())));
    let mut body = vec![&b"HTTP/1.1 200 OK\r\n\r\n"[..]];
    body.extend(std::iter::repeat_n(&line[..], 10_000));
    let error = verdict(&wanted, &body).unwrap_err();
    assert!(
        error.starts_with("\"ready\" is not in the body (its first 64 KiB), which begins with"),
        "{error}"
    );
}

proptest! {
    /// Whatever comes, and however it is cut: no panic, and one verdict.
    #[test]
    fn any_answer(
        lines in prop::collection::vec(prop::sample::select(&[
            "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n",
            "\r\n", "3\r\n", "abc", "0\r\n", "FFFFFFFFFFFFFFFFF\r\n", "ready", "\0", "\n", "\u{e4}",
        ][..]), 0..12),
        cuts in prop::collection::vec(1_usize..20, 1..8),
    ) {
        let wanted = check(|check| check.body = Some(BodyMatch::Contains("abc".to_owned())));
        let answer = lines.concat().into_bytes();
        let mut pieces = Vec::new();
        let (mut rest, mut sizes) = (answer.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            pieces.push(piece);
            rest = more;
        }
        prop_assert_eq!(verdict(&wanted, &pieces), verdict(&wanted, &[&answer]));
    }
}
