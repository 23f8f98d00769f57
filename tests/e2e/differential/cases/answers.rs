//! Responses of the server: status lines, fields, bodies, and what comes instead.

use super::super::case::{Answer, Case, raw};

pub(super) fn all() -> Vec<Case> {
    let mut all = status_lines();
    all.extend(fields());
    all.extend(interim());
    all.extend(bodies());
    all.extend(without_bodies());
    all.extend(failures());
    all
}

fn status_lines() -> Vec<Case> {
    let line = |line: &str| {
        let answer = raw(format!("{line}\r\nContent-Length: 2\r\n\r\nok"));
        Case::answered(format!("the status line {}", line.escape_debug()), answer)
    };
    [
        "HTTP/1.1 200 OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/2.0 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.1 200 ",
        "HTTP/1.1 200 All  is\twell",
        "HTTP/1.1 200 \u{e9}",
        "HTTP/1.1 200 a\0b",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 600 OK",
        "HTTP/1.1 999 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 OK",
        "HTTP/1.1",
        "200 OK",
        "GET / HTTP/1.1",
        " HTTP/1.1 200 OK",
        "\r\nHTTP/1.1 200 OK",
    ]
    .map(line)
    .into()
}

fn fields() -> Vec<Case> {
    let lines = |name: &str, lines: &str| {
        let answer = raw(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok"));
        Case::answered(format!("in a response, {name}"), answer)
    };
    let many: String = (0..120).map(|number| format!("X{number}: y\r\n")).collect();
    vec![
        lines("a space before a colon", "X : y\r\n"),
        lines("a field without a colon", "X\r\n"),
        lines("a folded field", "X: y\r\n z\r\n"),
        lines("a NUL in a value", "X: \0\r\n"),
        lines("a CR in a value", "X: y\rz\r\n"),
        lines("a line that ends in LF", "X: y\n"),
        lines("high bytes in a value", "X: caf\u{e9}\r\n"),
        lines("an empty name", ": y\r\n"),
        lines("120 fields", &many),
        lines("a field of 10,000 bytes", &format!("X: {}\r\n", "y".repeat(10_000))),
        lines("a field of 20,000 bytes", &format!("X: {}\r\n", "y".repeat(20_000))),
        lines("two cookies", "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
        lines("Connection: close", "Connection: close\r\n"),
        lines("Connection: keep-alive", "Connection: keep-alive\r\n"),
        lines("Connection with a name", "Connection: x-hop\r\nX-Hop: y\r\n"),
        lines("Keep-Alive", "Keep-Alive: timeout=5\r\n"),
        lines("Proxy-Connection", "Proxy-Connection: close\r\n"),
        lines("Upgrade", "Upgrade: h2c\r\n"),
        lines("Upgrade in Connection", "Connection: Upgrade\r\nUpgrade: h2,h2c\r\n"),
        lines("Trailer", "Trailer: X\r\n"),
        lines("Proxy-Authenticate", "Proxy-Authenticate: Basic\r\n"),
        lines("a date", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        lines("Content-Type and Server", "Content-Type: text/plain\r\nServer: a\r\n"),
        lines("a status of its own", "Status: 404\r\n"),
    ]
}

fn interim() -> Vec<Case> {
    let before = |name: &str, before: &str| {
        let answer = raw(format!("{before}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        Case::answered(name, answer)
    };
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    vec![
        before("100 that nobody asked for", "HTTP/1.1 100 Continue\r\n\r\n"),
        before("102", "HTTP/1.1 102 Processing\r\n\r\n"),
        before("103", hints),
        before("three times 103", &hints.repeat(3)),
        before("a hundred times 103", &hints.repeat(100)),
        before("199", "HTTP/1.1 199 What\r\n\r\n"),
        before("100 with a length", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"),
        before("101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        Case::new("103 to HTTP/1.0", "GET /a HTTP/1.0\r\nHost: a\r\n\r\n")
            .with(raw(format!("{hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))),
        Case::ended("103 and the end", hints),
    ]
}

fn bodies() -> Vec<Case> {
    let ok = |lines: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n{body}");
    let kept = |name: &str, lines: &str, body: &str| {
        Case::answered(format!("a response with {name}"), raw(ok(lines, body)))
    };
    let ended = |name: &str, lines: &str, body: &str| {
        Case::ended(format!("a response that ends, with {name}"), ok(lines, body))
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    let old = |name: &str, lines: &str, body: &str| {
        let request = "GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
        Case::ended_request(format!("to HTTP/1.0, {name}"), request, ok(lines, body))
    };
    vec![
        kept("a length", "Content-Length: 2\r\n", "ok"),
        kept("a length of 0", "Content-Length: 0\r\n", ""),
        kept("a large body", "Content-Length: 100000\r\n", &"x".repeat(100_000)),
        kept("one length twice", "Content-Length: 2\r\nContent-Length: 2\r\n", "ok"),
        kept("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n", "ok"),
        kept("a list of lengths", "Content-Length: 2, 2\r\n", "ok"),
        kept("a length with a sign", "Content-Length: +2\r\n", "ok"),
        kept("a length of letters", "Content-Length: two\r\n", "ok"),
        kept("an empty length", "Content-Length:\r\n", "ok"),
        kept("more bytes than its length", "Content-Length: 2\r\n", "okHTTP/1.1 200 OK\r\n\r\n"),
        kept(
            "a whole response behind it",
            "Content-Length: 2\r\n",
            "okHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        ),
        kept("chunks", chunked, "2\r\nok\r\n0\r\n\r\n"),
        kept("chunks and a trailer", chunked, "2\r\nok\r\n0\r\nX: y\r\n\r\n"),
        kept("chunks and an extension", chunked, "2;a=b\r\nok\r\n0\r\n\r\n"),
        kept(
            "chunks and a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
            "2\r\nok\r\n0\r\n\r\n",
        ),
        kept("a broken chunk", chunked, "z\r\nok\r\n0\r\n\r\n"),
        kept("chunks that end in LF", chunked, "2\nok\n0\n\n"),
        kept("chunks and more bytes", chunked, "2\r\nok\r\n0\r\n\r\nmore"),
        kept("two codings", "Transfer-Encoding: gzip, chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
        ended("no length", "", "ok"),
        ended("no length and no body", "", ""),
        ended("identity", "Transfer-Encoding: identity\r\n", "ok"),
        ended("another coding", "Transfer-Encoding: gzip\r\n", "ok"),
        ended("too few bytes", "Content-Length: 5\r\n", "ok"),
        ended("half a chunk", chunked, "5\r\nok"),
        ended("no last chunk", chunked, "2\r\nok\r\n"),
        ended("its length, and it says so", "Connection: close\r\nContent-Length: 2\r\n", "ok"),
        old("chunks", chunked, "2\r\nok\r\n0\r\n\r\n"),
        old("no length", "", "ok"),
        old("a length", "Content-Length: 2\r\n", "ok"),
        Case::answered(
            "HTTP/1.0 of the server, kept",
            raw("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
        ),
        Case::ended(
            "HTTP/1.0 of the server, with chunks",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
    ]
}

fn without_bodies() -> Vec<Case> {
    let head =
        |name: &str, answer: &str| Case::request(name, "HEAD", "").of_head().with(raw(answer));
    vec![
        Case::answered("204", raw("HTTP/1.1 204 No Content\r\n\r\n")),
        Case::answered(
            "204 with a length of 0",
            raw("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        ),
        Case::answered(
            "204 with a length",
            raw("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
        ),
        Case::answered(
            "204 with a body",
            raw("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
        ),
        Case::answered(
            "204 with a coding",
            raw("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ),
        Case::answered("304", raw("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n")),
        Case::answered(
            "304 with a length",
            raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ),
        Case::answered(
            "304 with a body",
            raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"),
        ),
        head("HEAD with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        head("HEAD with chunks announced", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        head("HEAD with neither", "HTTP/1.1 200 OK\r\n\r\n"),
        head(
            "HEAD that is answered with a body",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ),
    ]
}

fn failures() -> Vec<Case> {
    vec![
        Case::ended("the server closes", ""),
        Case::ended("the server closes inside its status line", "HTTP/1.1 2"),
        Case::ended("the server closes inside its head", "HTTP/1.1 200 OK\r\nContent-Le"),
        Case::ended("the server says something else", "SSH-2.0-OpenSSH_9.2\r\n"),
        Case::answered("the server says nothing", Answer::Silence),
        Case::answered("the server says half a head and waits", raw("HTTP/1.1 200 OK\r\nX:")),
        Case::answered(
            "the server says half a body and waits",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"),
        ),
        Case::answered(
            "503 of the server",
            raw("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"),
        ),
        Case::ended(
            "500 of the server, and the end",
            "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\noops",
        ),
        Case::answered(
            "401 of the server",
            raw(
                "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n",
            ),
        ),
        Case::answered(
            "a redirection",
            raw("HTTP/1.1 302 Found\r\nLocation: http://a:80/b\r\nContent-Length: 0\r\n\r\n"),
        ),
    ]
}
