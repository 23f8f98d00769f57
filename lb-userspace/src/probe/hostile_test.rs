//! Servers that mean harm, or are broken so that it comes to the same: what they send never ends, or never comes. Each
//! check ends within its time, has read no more than it needs, and says what was wrong.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::sleep,
};

use super::{tests::job, *};
use crate::{
    model::{
        AgentCheck, BodyMatch, CheckKind, GrpcCheck, HttpCheck, HttpRequest, HttpVersion, Login,
        Payload, TlsCheck,
    },
    probe::opener::NoDoors,
};

const TIMEOUT: Duration = Duration::from_millis(500);
/// Ten times as long: only a check that does not end takes it.
const LATE: Duration = Duration::from_secs(5);
/// What the kernel keeps of a connection that nobody reads, and far more than any check reads before its verdict.
const TAKEN: u64 = 24 << 20;

/// What a server sends: first this, then that for ever, with or without a pause.
struct Flood {
    first: Vec<u8>,
    then: Vec<u8>,
    pause: Option<Duration>,
}

fn flood(first: &[u8], then: &[u8]) -> Flood {
    // In large pieces, so that much is sent in little time.
    let then = then.repeat(65_536 / then.len().max(1));
    Flood { first: first.to_vec(), then, pause: None }
}

fn drip(first: &[u8]) -> Flood {
    Flood { first: first.to_vec(), then: vec![b'a'], pause: Some(TIMEOUT / 5) }
}

/// Makes the check of a server that does so. Returns what was found, and how many bytes were taken of the server.
async fn meet(kind: CheckKind, flood: Flood) -> (Outcome, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = listener.local_addr().expect("its address");
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            SockRef::from(&stream).set_send_buffer_size(65_536).expect("a small buffer");
            let Flood { first, then, pause } = &flood;
            let mut question = [0; 256];
            // Those who wait for a greeting ask nothing.
            _ = tokio::time::timeout(TIMEOUT / 10, stream.read(&mut question)).await;
            let mut next = first;
            while let Ok(written) = stream.write(next).await {
                count.fetch_add(written as u64, Ordering::Relaxed);
                next = then;
                match pause {
                    Some(pause) => sleep(*pause).await,
                    None if next.is_empty() => break,
                    None => {}
                }
            }
            // It says no more, and stays.
            while stream.read(&mut question).await.is_ok_and(|length| length > 0) {}
        }
    });
    let job = Job { timeout: TIMEOUT, ..job(kind, address) };
    let (outcome, took) = check(&job, &NoDoors, &Recorder::default()).await;
    assert!(took < LATE, "{took:?} is far more than {TIMEOUT:?}");
    server.abort();
    (outcome, taken.load(Ordering::Relaxed))
}

/// The words of the failure, which begins so; and little was taken.
async fn fails(what: &str, kind: CheckKind, flood: Flood, words: &str) {
    let (outcome, taken) = meet(kind, flood).await;
    let Outcome::Failed(found) = outcome else { panic!("{what}: {outcome:?}") };
    assert!(found.starts_with(words), "{what}: {found}");
    assert!(taken < TAKEN, "{what}: {taken} bytes were taken");
}

fn http(version: HttpVersion, body: Option<BodyMatch>) -> CheckKind {
    let requests = vec![HttpRequest { body, ..HttpRequest::default() }];
    CheckKind::Http(HttpCheck { version, requests })
}

fn ready() -> Option<BodyMatch> {
    Some(BodyMatch::Contains("ready".to_owned()))
}

fn grpc() -> CheckKind {
    CheckKind::Grpc(GrpcCheck { service: "".parse().expect("every service"), certificate: None })
}

#[tokio::test]
async fn heads_and_bodies_without_an_end() {
    let one = || http(HttpVersion::One, ready());
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: [(&str, Flood, &str); 8] = [
        ("no line ends", flood(b"", b"a"), "expected an answer by HTTP/1, got"),
        (
            "one header never ends",
            flood(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
            "the head of the answer is longer than 16384 bytes",
        ),
        (
            "headers without number",
            flood(OK, b"X: a\r\n"),
            "the head of the answer is longer than 16384 bytes",
        ),
        (
            "interim answers",
            flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            "the head of the answer is longer than 16384 bytes",
        ),
        (
            "a body to the end",
            flood(b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
            "\"ready\" is not in the body (its first 64 KiB)",
        ),
        (
            "chunks",
            flood(CHUNKED, b"1\r\na\r\n"),
            "\"ready\" is not in the body (its first 64 KiB)",
        ),
        ("the size of a chunk", flood(CHUNKED, b"0"), "expected the size of a chunk, got"),
        (
            "trailers",
            flood(&[CHUNKED, b"0\r\n"].concat(), b"X: a\r\n"),
            "\"ready\" is not in the body",
        ),
    ];
    for (what, flood, words) in cases {
        fails(what, one(), flood, words).await;
    }
}

#[tokio::test]
async fn what_never_comes() {
    let one = || http(HttpVersion::One, ready());
    let late = |what: &str| format!("connected, but {what} did not come within 500ms");
    let head = late("the head of the answer");
    let body = late("the end of the body");
    const LONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
    fails("silence", one(), flood(b"", b""), &head).await;
    fails("byte by byte", one(), drip(b"HTTP/1.1 200 OK\r\nX: "), &head).await;
    fails("a body that never comes", one(), flood(LONG, b""), &body).await;
    fails("a body byte by byte", one(), drip(LONG), &body).await;
    let tls = || CheckKind::Tls(TlsCheck::Unverified(None));
    let handshake = late("the end of the TLS handshake");
    fails("a handshake that never comes", tls(), flood(b"", b""), &handshake).await;
    // A record of 16,384 bytes, of which one comes now and then.
    fails("a record byte by byte", tls(), drip(&[22, 3, 3, 0x40, 0]), &handshake).await;
    let frames = || http(HttpVersion::Two, None);
    fails("no frame", frames(), flood(b"", b""), "connected, but").await;
    fails("no word of gRPC", grpc(), flood(b"", b""), "connected, but").await;
    let login = || Login::default();
    for kind in [
        CheckKind::Postgresql(login()),
        CheckKind::Mysql(login()),
        CheckKind::Redis,
        CheckKind::Smtp,
    ] {
        fails(&kind.to_string(), kind.clone(), flood(b"", b""), "connected, but").await;
    }
}

#[tokio::test]
async fn records_and_frames_without_an_end() {
    let tls = || CheckKind::Tls(TlsCheck::Unverified(None));
    let two = || http(HttpVersion::Two, ready());
    // A change of ciphers, which TLS 1.3 ignores once; a warning; parts of a handshake message of 16 MB.
    let changes = flood(b"", &[20, 3, 3, 0, 1, 1]);
    let warnings = flood(b"", &[21, 3, 3, 0, 2, 1, 90]);
    let message = [&[22, 3, 3, 0x40, 0][..], &[0; 0x4000]].concat();
    let huge = [&[22, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff][..], &[0; 0x3ffc]].concat();
    fails(
        "changes of ciphers",
        tls(),
        changes,
        "TLS handshake failed: received unexpected message",
    )
    .await;
    fails("warnings", tls(), warnings, "TLS handshake failed: peer misbehaved").await;
    fails(
        "a message without an end",
        tls(),
        flood(&huge, &message),
        "expected a TLS handshake, got something else",
    )
    .await;
    // RFC 9113: SETTINGS, then PINGs, SETTINGS, or parts of a head.
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    const HEADERS: &[u8] = &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x88];
    let part = [&[0, 0x10, 0, 9, 0, 0, 0, 0, 1][..], &[0x88; 0x1000]].concat();
    let head = [SETTINGS, HEADERS].concat();
    for (kind, name) in [(two(), "HTTP/2"), (grpc(), "gRPC")] {
        for (what, flood) in [
            ("pings", flood(SETTINGS, PING)),
            ("settings", flood(SETTINGS, SETTINGS)),
            ("parts of a head", flood(&head, &part)),
            ("no frames at all", flood(b"", b"a")),
        ] {
            fails(&format!("{what}, {name}"), kind.clone(), flood, "").await;
        }
    }
}

#[tokio::test]
async fn first_words_without_an_end() {
    let login = || Login::default();
    let agent = CheckKind::Agent(AgentCheck { send: Payload::default() });
    let (outcome, taken) = meet(agent, flood(b"", b"a")).await;
    let Outcome::Inconclusive(found) = outcome else { panic!("{outcome:?}") };
    assert!(found.starts_with("the agent says nothing: "), "{found}");
    assert!(taken < TAKEN, "{taken}");
    for (what, kind, flood, words) in [
        (
            "PostgreSQL",
            CheckKind::Postgresql(login()),
            flood(b"E\x7f\xff\xff\xff", b"a"),
            "expected an answer to SSLRequest, got",
        ),
        ("MySQL", CheckKind::Mysql(login()), flood(b"\xff\xff\xff\x00\x0a", b"a"), "expected"),
        ("Redis", CheckKind::Redis, flood(b"", b"a"), "expected"),
        ("SMTP in a line", CheckKind::Smtp, flood(b"220 ", b"a"), "expected"),
        (
            "SMTP in many lines",
            CheckKind::Smtp,
            flood(b"", b"220-a\r\n"),
            "expected a greeting with 220, got more than 16384 bytes",
        ),
    ] {
        fails(what, kind, flood, words).await;
    }
}
