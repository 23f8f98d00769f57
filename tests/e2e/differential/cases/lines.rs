//! Request lines: methods, targets, versions, ends of lines.

use super::super::case::Case;

pub(super) fn all() -> Vec<Case> {
    let mut all = methods();
    all.extend(targets());
    all.extend(versions());
    all.extend(spaces_and_ends());
    all
}

fn methods() -> Vec<Case> {
    let plain =
        ["GET", "DELETE", "OPTIONS", "PATCH", "PURGE", "PROPFIND", "get", "M-SEARCH", "TRACE"];
    let odd = [
        ("a method in brackets", "(GET)"),
        ("a method with an at sign", "G@T"),
        ("a method with a slash", "GE/T"),
        ("a method with a high byte", "G\u{e9}T"),
        ("a method of odd letters", "!#$%&'*+-.^_`|~"),
        ("a method of 32 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF"),
        ("a method of 33 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"),
    ];
    let line = |name: String, method: &str| Case::request(name, method, "");
    let mut all: Vec<_> =
        plain.iter().map(|method| line(format!("the method {method}"), method)).collect();
    all.extend(odd.map(|(name, method)| line(name.to_owned(), method)));
    all.push(Case::request("the method HEAD", "HEAD", "").of_head());
    all.push(Case::request("POST without a body", "POST", ""));
    all.push(Case::request("PUT with an empty body", "PUT", "Content-Length: 0\r\n"));
    all.push(Case::new("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"));
    all.push(Case::new("CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"));
    all.push(Case::new("OPTIONS of everything", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
    all
}

fn targets() -> Vec<Case> {
    let long = |length: usize| format!("/{}", "x".repeat(length - 1));
    let target = |name: &str, target: &str| {
        Case::new(name, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
    };
    vec![
        target("a query", "/a?b=c&d=%20"),
        target("an empty query", "/a?"),
        target("two question marks", "/a?b?c"),
        target("two slashes", "//a//b"),
        target("dots in the path", "/a/../b/./c"),
        target("percent signs", "/%41%2f%00%zz"),
        target("a percent sign alone", "/100%"),
        target("a plus, a semicolon, a colon", "/a+b;c=d:e@f,g"),
        target("braces in the target", "/{a}"),
        target("quotes in the target", "/\"a\""),
        target("angle brackets in the target", "/<a>"),
        target("a backslash in the target", "/a\\b"),
        target("a backtick and a caret in the target", "/a`b^c|d"),
        target("square brackets in the target", "/a[0]=1"),
        target("a high byte in the target", "/\u{e9}"),
        target("a fragment", "/a#b"),
        target("a tab in the target", "/a\tb"),
        target("a NUL in the target", "/a\0b"),
        target("a control character in the target", "/a\x01b"),
        target("DEL in the target", "/a\x7fb"),
        target("a CR in the target", "/a\rb"),
        target("an asterisk with GET", "*"),
        target("no slash", "a"),
        target("only a query", "?a"),
        target("an absolute target", "http://a/b?c"),
        target("an absolute target in capitals", "HTTP://A/b"),
        target("an absolute target without a path", "http://a"),
        target("an absolute target with only a query", "http://a?b"),
        target("an absolute target with a port", "http://a:80/b"),
        target("an absolute target of another host", "http://b/"),
        target("an absolute target of https", "https://a/"),
        target("an absolute target of ftp", "ftp://a/b"),
        target("an absolute target with a user", "http://user@a/"),
        target("an absolute target without a host", "http:///b"),
        target("an absolute target with a bad port", "http://a:b/"),
        target("a host and a port with GET", "a:80"),
        target("a target of 8,000 bytes", &long(8000)),
        target("a target of 9,000 bytes", &long(9000)),
        target("a target of 20,000 bytes", &long(20_000)),
    ]
}

fn versions() -> Vec<Case> {
    let version = |version: &str| {
        let bytes = format!("GET /a {version}\r\nHost: a\r\n\r\n");
        Case::new(format!("the version {version}"), bytes)
    };
    let mut all: Vec<_> = [
        "HTTP/1.0",
        "HTTP/1.2",
        "HTTP/1.10",
        "HTTP/1.01",
        "HTTP/01.1",
        "HTTP/0.9",
        "HTTP/2",
        "HTTP/2.0",
        "HTTP/3.0",
        "http/1.1",
        "HTTP/11",
        "HTTP/1,1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/1.1x",
        "HTTPS/1.1",
        "ICY/1.1",
        "RTSP/1.0",
    ]
    .map(version)
    .into();
    all.push(Case::new("no version", "GET /a\r\n\r\n"));
    all.push(Case::new("no version and no target", "GET\r\nHost: a\r\n\r\n"));
    all.push(Case::only("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    all.push(Case::only(
        "a handshake of TLS",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
    ));
    all.push(Case::only("a greeting of SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n"));
    all
}

fn spaces_and_ends() -> Vec<Case> {
    vec![
        Case::new("two spaces before the target", "GET  /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("two spaces before the version", "GET /a  HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("a space behind the version", "GET /a HTTP/1.1 \r\nHost: a\r\n\r\n"),
        Case::new("a space before the method", " GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("a tab for a space", "GET\t/a\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("a vertical tab for a space", "GET\x0b/a\x0bHTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("an empty line first", "\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("three empty lines first", "\r\n\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("an empty line of LF first", "\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("a CR first", "\rGET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("a NUL first", "\0GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case::new("lines end in LF", "GET /a HTTP/1.1\nHost: a\n\n"),
        Case::new("the request line ends in LF", "GET /a HTTP/1.1\nHost: a\r\n\r\n"),
        Case::new("a field ends in LF", "GET /a HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        Case::new("the empty line is LF", "GET /a HTTP/1.1\r\nHost: a\r\n\n"),
        Case::new("lines end in CR", "GET /a HTTP/1.1\rHost: a\r\r"),
        Case::new("lines end in CR CR LF", "GET /a HTTP/1.1\r\r\nHost: a\r\r\n\r\r\n"),
        Case::only("an empty line alone", "\r\n"),
        Case::only("nothing but bytes", vec![0xff; 100]),
        Case::only("a head that does not end", "GET /a HTTP/1.1\r\nHost: a\r\n"),
        Case::only("a request line that does not end", "GET /a HT"),
    ]
}
