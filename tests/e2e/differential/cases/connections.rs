//! Sequences over one connection: kept, pipelined, interrupted, upgraded.

use super::super::case::{Answer, Case, Step, last, raw, say};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn post(lines: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: echo\r\n";

pub(super) fn all() -> Vec<Case> {
    let mut all = kept();
    all.extend(expectations());
    all.extend(upgrades());
    all.extend(early());
    all.extend(ends());
    all
}

fn kept() -> Vec<Case> {
    let many: String = (0..20).map(|number| get(&format!("/{number}"))).collect();
    let pieces = |text: String| {
        let mut steps: Vec<_> = text.bytes().map(|byte| say([byte])).collect();
        steps.push(last());
        steps
    };
    vec![
        Case::steps(
            "one after the other",
            vec![say(get("/a")), Step::Hear(1), say(get("/b")), Step::Hear(2), last()],
        ),
        Case::new("20 at once", &many),
        Case::new(
            "a body between two",
            format!("{}{}hello{}", get("/a"), post("Content-Length: 5\r\n"), get("/c")),
        ),
        Case::new(
            "chunks between two",
            format!(
                "{}{}2\r\nok\r\n0\r\n\r\n{}",
                get("/a"),
                post("Transfer-Encoding: chunked\r\n"),
                get("/c")
            ),
        ),
        Case::new("an empty line between two", format!("{}\r\n{}", get("/a"), get("/b"))),
        Case::new(
            "close between two",
            format!(
                "{}GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{}",
                get("/a"),
                get("/c")
            ),
        ),
        Case::new("something broken behind one", format!("{}GET\r\n\r\n", get("/a"))),
        Case::steps("byte by byte", pieces(get("/a"))),
        Case::steps(
            "a body byte by byte",
            pieces(format!("{}2\r\nok\r\n0\r\n\r\n", post("Transfer-Encoding: chunked\r\n"))),
        ),
        Case::steps(
            "two methods",
            vec![
                say(post("Content-Length: 2\r\n")),
                say("ok"),
                Step::Hear(1),
                say(get("/b")),
                Step::Hear(2),
                last(),
            ],
        ),
        Case::steps(
            "a server that closes after each",
            vec![
                say(get("/a")),
                Step::Hear(1),
                Step::Settle,
                say(get("/b")),
                Step::Hear(2),
                Step::Settle,
                last(),
            ],
        )
        .with(Answer::Last(OK.into()))
        .with(Answer::Last(OK.into())),
        Case::steps(
            "a server that closes after the first, and a body",
            vec![
                say(get("/a")),
                Step::Hear(1),
                Step::Settle,
                say(post("Content-Length: 2\r\n")),
                say("ok"),
                Step::Hear(2),
                last(),
            ],
        )
        .with(Answer::Last(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok".into(),
        )),
        Case::steps(
            "HEAD and GET",
            vec![
                say("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"),
                Step::Hear(1),
                say(get("/b")),
                Step::Hear(2),
                last(),
            ],
        )
        .of_head(),
        Case::new(
            "HTTP/1.1 after HTTP/1.0",
            format!("GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n{}", get("/b")),
        ),
    ]
}

fn expectations() -> Vec<Case> {
    let expect = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    let waits = |name: &str, answer: Answer| {
        Case::steps(
            name,
            vec![say(post(expect)), Step::Hear(1), say("hello"), Step::Hear(2), last()],
        )
        .with(answer)
    };
    vec![
        waits("100-continue", Answer::Continue),
        waits("100-continue, the server says nothing of it", Answer::Early(Vec::new())),
        waits(
            "100-continue, the server wants no body",
            Answer::Early(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ),
        Case::post("100-continue, and the body at once", expect, "hello").with(Answer::Continue),
        Case::post(
            "100-continue with chunks",
            "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
            "2\r\nok\r\n0\r\n\r\n",
        )
        .with(Answer::Continue),
        Case::post(
            "100-Continue in capitals",
            "Expect: 100-CONTINUE\r\nContent-Length: 5\r\n",
            "hello",
        )
        .with(Answer::Continue),
        Case::post("another expectation", "Expect: 200-ok\r\nContent-Length: 5\r\n", "hello"),
        Case::post("two expectations", "Expect: 100-continue, x\r\nContent-Length: 5\r\n", "hello"),
        Case::get("100-continue without a body", "Expect: 100-continue\r\n"),
        Case::new(
            "100-continue in HTTP/1.0",
            "POST /a HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        ),
    ]
}

fn upgrades() -> Vec<Case> {
    let upgrade = |name: &str, lines: &str, answer: Answer| Case::get(name, lines).with(answer);
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    let talk = |name: &str, head: String| {
        Case::steps(name, vec![say(head), Step::Hear(1), say("hello"), Step::End])
            .with(Answer::Upgrade)
    };
    vec![
        talk("an upgrade", format!("GET /a HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n")),
        talk("an upgrade in small letters", "GET /a HTTP/1.1\r\nHost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n".into()),
        talk("an upgrade and keep-alive", "GET /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n".into()),
        Case::steps("an upgrade, and bytes at once", vec![say(format!("GET /a HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\nhello")), Step::Hear(1), Step::End]).with(Answer::Upgrade),
        upgrade("an upgrade that is not taken", UPGRADE, raw(OK)),
        upgrade("a WebSocket that is not taken", socket, raw("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")),
        upgrade("426", "", raw("HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 0\r\n\r\n")),
        upgrade("h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", raw(OK)),
        upgrade("Upgrade without Connection", "Upgrade: echo\r\n", raw(OK)),
        upgrade("Connection: Upgrade without Upgrade", "Connection: Upgrade\r\n", raw(OK)),
        upgrade("two protocols to choose from", "Connection: Upgrade\r\nUpgrade: echo, h2c\r\n", raw(OK)),
        Case::post("an upgrade with a body", &format!("{UPGRADE}Content-Length: 5\r\n"), "hello").with(raw(OK)),
        Case::new("an upgrade in HTTP/1.0", format!("GET /a HTTP/1.0\r\nHost: a\r\n{UPGRADE}\r\n")).with(raw(OK)),
    ]
}

fn early() -> Vec<Case> {
    let no = b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno".to_vec();
    vec![
        Case::steps(
            "an answer before the body",
            vec![say(post("Content-Length: 5\r\n")), Step::Hear(1), say("hello"), last()],
        )
        .with(Answer::Early(no.clone())),
        Case::steps(
            "an answer before the body, which does not come",
            vec![say(post("Content-Length: 5\r\n")), Step::Hear(1)],
        )
        .with(Answer::Early(no.clone())),
        Case::steps(
            "an answer before the chunks",
            vec![
                say(post("Transfer-Encoding: chunked\r\n")),
                Step::Hear(1),
                say("2\r\nok\r\n0\r\n\r\n"),
                last(),
            ],
        )
        .with(Answer::Early(no)),
    ]
}

fn ends() -> Vec<Case> {
    vec![
        Case::steps("the client ends behind its request", vec![say(get("/a")), Step::End]),
        Case::steps(
            "the client ends inside its head",
            vec![say("GET /a HTTP/1.1\r\nHo"), Step::End],
        ),
        Case::steps(
            "the client ends before its body",
            vec![say(post("Content-Length: 5\r\n")), Step::Heard(1), Step::End],
        ),
        Case::steps(
            "the client ends before its chunks",
            vec![say(post("Transfer-Encoding: chunked\r\n")), Step::Heard(1), Step::End],
        ),
        Case::steps("the client ends at once", vec![Step::End]),
        Case::steps(
            "the client ends after a response",
            vec![say(get("/a")), Step::Hear(1), Step::End],
        ),
        Case::steps("the client waits after a response", vec![say(get("/a")), Step::Hear(1)]),
        Case::steps("the client says nothing", Vec::new()),
    ]
}
