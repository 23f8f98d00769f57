//! Header fields: their syntax, the host, the connection, and fields for one hop.

use super::super::case::Case;

pub(super) fn all() -> Vec<Case> {
    let mut all = syntax();
    all.extend(names());
    all.extend(sizes());
    all.extend(hosts());
    all.extend(connections());
    all.extend(one_hop());
    all
}

fn syntax() -> Vec<Case> {
    vec![
        Case::get("a space before the colon", "X : y\r\n"),
        Case::get("a tab before the colon", "X\t: y\r\n"),
        Case::get("a field without a colon", "X\r\n"),
        Case::get("a field without a name", ": y\r\n"),
        Case::get("a field of a colon alone", ":\r\n"),
        Case::get("a space in a field's name", "X Y: z\r\n"),
        Case::get("a NUL in a field's name", "X\0Y: z\r\n"),
        Case::get("a high byte in a field's name", "X\u{e9}: z\r\n"),
        Case::get("a folded field", "X: y\r\n z\r\n"),
        Case::get("a field folded by a tab", "X: y\r\n\tz\r\n"),
        Case::get("a field folded twice", "X: y\r\n z\r\n z\r\n"),
        Case::new("the first field begins with a space", "GET /a HTTP/1.1\r\n Host: a\r\n\r\n"),
        Case::new("a folded request line", "GET /a HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"),
        Case::get("a line of spaces", "  \r\n"),
        Case::get("an empty value", "X:\r\n"),
        Case::get("a value of spaces", "X:   \r\n"),
        Case::get("no space behind the colon", "X:y\r\n"),
        Case::get("spaces and tabs around a value", "X: \t y \t \r\n"),
        Case::get("spaces and tabs in a value", "X: y \t z\r\n"),
        Case::get("a NUL in a value", "X: y\0z\r\n"),
        Case::get("a CR in a value", "X: y\rz\r\n"),
        Case::get("a control character in a value", "X: y\x01z\r\n"),
        Case::get("a vertical tab in a value", "X: y\x0bz\r\n"),
        Case::get("DEL in a value", "X: y\x7fz\r\n"),
        Case::get("high bytes in a value", "X: caf\u{e9}\r\n"),
        Case::get("odd letters in a value", "X: \"y\", (z); <a>@[b]{c}\\\r\n"),
        Case::get("one field twice", "X: y\r\nX: z\r\n"),
        Case::get("a field with and without capitals", "X-Y: 1\r\nx-y: 2\r\n"),
        Case::get("an underscore in a name", "X_Y: z\r\n"),
        Case::get("a dot in a name", "X.Y: z\r\n"),
        Case::get("a pseudo-header of HTTP/2", ":path: /b\r\n"),
    ]
}

fn names() -> Vec<Case> {
    let byte = |byte: char| {
        Case::get(format!("the byte {byte:?} in a field's name"), &format!("X{byte}Y: z\r\n"))
    };
    "()<>@,;\\\"/[]?={}!#$%&'*+-.^_`|~".chars().map(byte).collect()
}

fn sizes() -> Vec<Case> {
    let fields = |count: usize| {
        let lines: String = (0..count).map(|number| format!("X{number}: y\r\n")).collect();
        Case::get(format!("{} fields", count + 1), &lines)
    };
    let value = |length: usize| {
        Case::get(format!("a value of {length} bytes"), &format!("X: {}\r\n", "y".repeat(length)))
    };
    let name = |length: usize| {
        Case::get(format!("a name of {length} bytes"), &format!("{}: y\r\n", "x".repeat(length)))
    };
    vec![
        fields(50),
        fields(99),
        fields(100),
        fields(119),
        fields(1000),
        value(4000),
        value(8000),
        value(14_000),
        value(16_000),
        value(17_000),
        value(40_000),
        name(100),
        name(4000),
        name(20_000),
    ]
}

fn hosts() -> Vec<Case> {
    let host = |name: &str, value: &str| {
        Case::new(format!("the host {name}"), format!("GET /a HTTP/1.1\r\nHost:{value}\r\n\r\n"))
    };
    let lines =
        |name: &str, lines: &str| Case::new(name, format!("GET /a HTTP/1.1\r\n{lines}\r\n"));
    vec![
        host("with a port", " a:8080"),
        host("with an empty port", " a:"),
        host("with a port of letters", " a:b"),
        host("with a port that is too high", " a:65536"),
        host("with two ports", " a:1:2"),
        host("in IPv6", " [fd00::1]:80"),
        host("in IPv6 without brackets", " fd00::1"),
        host("in IPv6 without an end", " [fd00::1"),
        host("in capitals", " EXAMPLE.Org"),
        host("with a dot at its end", " a."),
        host("with an underscore", " a_b"),
        host("with a percent sign", " a%2e"),
        host("with a space", " a b"),
        host("with a comma", " a,b"),
        host("with a slash", " a/b"),
        host("with a user", " u@a"),
        host("with a question mark", " a?b"),
        host("with a high byte", " \u{e9}"),
        host("that is a URL", " http://a/"),
        host("that is empty", ""),
        host("that is a space", "  "),
        lines("no host", "X: y\r\n"),
        lines("two hosts", "Host: a\r\nHost: b\r\n"),
        lines("one host twice", "Host: a\r\nHost: a\r\n"),
        lines("a host behind a folded line", "X: y\r\n Host: b\r\nHost: a\r\n"),
        Case::new("no host in HTTP/1.0", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        Case::new("two hosts in HTTP/1.0", "GET /a HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
        Case::new(
            "an absolute target without a host field",
            "GET http://a/b HTTP/1.1\r\nX: y\r\n\r\n",
        ),
    ]
}

fn connections() -> Vec<Case> {
    let connection = |value: &str| {
        Case::get(format!("Connection: {value}"), &format!("X-Hop: y\r\nConnection: {value}\r\n"))
    };
    let mut all: Vec<_> = [
        "close",
        "Close",
        "keep-alive",
        "close, keep-alive",
        "keep-alive, close",
        "x-hop",
        "X-HOP, close",
        "host",
        "x-forwarded-for",
        "cookie",
        "close x",
        "\"close\"",
        "close;q=1",
        ",",
        ",,close,,",
        "upgrade",
        "te",
    ]
    .map(connection)
    .into();
    all.extend([
        Case::get("two lines of Connection", "Connection: keep-alive\r\nConnection: close\r\n"),
        Case::get("an empty Connection", "Connection:\r\n"),
        Case::post(
            "Connection: content-length",
            "Connection: content-length\r\nContent-Length: 1\r\n",
            "x",
        ),
        Case::post(
            "Connection: transfer-encoding",
            "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n",
            "1\r\nx\r\n0\r\n\r\n",
        ),
        Case::new(
            "HTTP/1.0 that closes",
            "GET /a HTTP/1.0\r\nHost: a\r\nConnection: close\r\n\r\n",
        ),
        Case::new("HTTP/1.0 that says nothing", "GET /a HTTP/1.0\r\nHost: a\r\n\r\n"),
        Case::new(
            "HTTP/1.0 that is kept",
            "GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        ),
        Case::new(
            "HTTP/1.0 that is kept, in capitals",
            "GET /a HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n",
        ),
    ]);
    all
}

fn one_hop() -> Vec<Case> {
    let field = |line: &str| {
        let name = line.split(':').next().unwrap_or_default();
        Case::get(format!("{name} alone"), &format!("{line}\r\n"))
    };
    let mut all: Vec<_> = [
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "TE: trailers",
        "Trailer: X",
        "Upgrade: websocket",
        "Proxy-Authorization: Basic eA==",
        "Authorization: Basic eA==",
        "X-Forwarded-For: 192.0.2.1",
        "X-Forwarded-Proto: https",
        "Forwarded: for=192.0.2.1",
        "Via: 1.1 a",
        "Max-Forwards: 0",
        "Cookie: a=b; c=d",
        "Accept-Encoding: gzip",
        "Range: bytes=0-1",
        "If-None-Match: \"a\"",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
    ]
    .map(field)
    .into();
    all.push(Case::get(
        "X-Forwarded-For twice",
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n",
    ));
    all.push(Case::get("X-Forwarded-For that is empty", "X-Forwarded-For:\r\n"));
    all
}
