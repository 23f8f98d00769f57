//! Bodies of requests: where they end, by whom it is said.

use super::super::case::{Case, last, say};

pub(super) fn all() -> Vec<Case> {
    let mut all = lengths();
    all.extend(codings());
    all.extend(both());
    all.extend(methods());
    all
}

fn lengths() -> Vec<Case> {
    let length = |value: &str| {
        Case::post(
            format!("Content-Length:{value}"),
            &format!("Content-Length:{value}\r\n"),
            "hello",
        )
    };
    let mut all: Vec<_> = [
        " 5",
        "5",
        "  5  ",
        "\t5",
        " 05",
        " 0000000000000000000000005",
        " +5",
        " -5",
        " -0",
        " 5.0",
        " 0x5",
        " 5e0",
        " 5 5",
        " 5,5",
        " 5, 5",
        " 5, 6",
        " 5,",
        " ,5",
        " 5;",
        " five",
        "",
        " ",
        " \"5\"",
        " \u{665}",
        " 5\0",
        " 18446744073709551615",
        " 18446744073709551616",
        " 99999999999999999999999",
    ]
    .map(length)
    .into();
    all.extend([
        Case::post("one length twice", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        Case::post("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
        Case::post(
            "two lengths, one of them empty",
            "Content-Length: 5\r\nContent-Length:\r\n",
            "hello",
        ),
        Case::post("a length with a space before its colon", "Content-Length : 5\r\n", "hello"),
        Case::post("a folded length", "Content-Length:\r\n 5\r\n", "hello"),
        Case::post("a length in small letters", "content-length: 5\r\n", "hello"),
        Case::post("Content_Length", "Content_Length: 5\r\n", ""),
        Case::post("a large body", "Content-Length: 100000\r\n", &"x".repeat(100_000)),
        Case::post(
            "a body that looks like a request",
            "Content-Length: 33\r\n",
            "GET /b HTTP/1.1\r\nHost: evil\r\n\r\nxx",
        ),
        Case::only(
            "a body that does not come",
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
        ),
        Case::only("half a body", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"),
        Case::steps(
            "a body in pieces",
            vec![
                say("POST /a HTTP/1.1\r\nHost: a\r\nContent-"),
                say("Length: 5\r\n\r\nhe"),
                say("llo"),
                last(),
            ],
        ),
    ]);
    all
}

fn codings() -> Vec<Case> {
    let coding = |value: &str| {
        let line = format!("Transfer-Encoding:{value}\r\n");
        Case::post(format!("Transfer-Encoding:{value}"), &line, "5\r\nhello\r\n0\r\n\r\n")
    };
    let mut all: Vec<_> = [
        " chunked",
        "chunked",
        " Chunked",
        " CHUNKED",
        "\tchunked",
        " chunked ",
        " chunked,",
        " ,chunked",
        " chunked, chunked",
        " identity",
        " identity, chunked",
        " chunked, identity",
        " gzip",
        " gzip, chunked",
        " chunked, gzip",
        " deflate",
        " xchunked",
        " chunkedx",
        " chunked;q=1",
        " \"chunked\"",
        " \x0bchunked",
        " chu nked",
        "",
        " chunked\0",
        " c\u{212a}unked",
    ]
    .map(coding)
    .into();
    let body = "5\r\nhello\r\n0\r\n\r\n";
    all.extend([
        Case::post("one coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", body),
        Case::post("two codings", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", body),
        Case::post("two codings, the other way", "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", body),
        Case::post("a coding with a space before its colon", "Transfer-Encoding : chunked\r\n", body),
        Case::post("a folded coding", "Transfer-Encoding:\r\n chunked\r\n", body),
        Case::post("Transfer_Encoding", "Transfer_Encoding: chunked\r\n", ""),
        Case::new(
            "a coding in HTTP/1.0",
            format!("POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
        ),
        Case::new(
            "a coding in HTTP/1.0 that is kept",
            format!("POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
        ),
    ]);
    all
}

fn both() -> Vec<Case> {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    vec![
        Case::post(
            "a length and a coding",
            "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n",
            chunks,
        ),
        Case::post(
            "a coding and a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 15\r\n",
            chunks,
        ),
        Case::post(
            "a coding and a length of 0",
            "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
            chunks,
        ),
        Case::post(
            "a coding and a short length",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            chunks,
        ),
        Case::post(
            "a length and a coding that is none",
            "Content-Length: 5\r\nTransfer-Encoding: x\r\n",
            "hello",
        ),
        Case::post(
            "a length and identity",
            "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
            "hello",
        ),
        Case::new(
            "a length and a coding in HTTP/1.0",
            format!(
                "POST /a HTTP/1.0\r\nHost: a\r\nContent-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ),
        ),
    ]
}

fn methods() -> Vec<Case> {
    let with = |method: &str| {
        let bytes = format!("{method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        let case = Case::new(format!("{method} with a body"), bytes);
        if method == "HEAD" { case.of_head() } else { case }
    };
    let mut all: Vec<_> =
        ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PURGE"].map(with).into();
    all.push(Case::request(
        "GET with a chunked body",
        "GET",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n",
    ));
    all
}
