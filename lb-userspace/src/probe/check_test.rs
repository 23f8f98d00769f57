//! Checks of real sockets on the loopback.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::probe::opener::NoDoors;
use crate::{
    health::Share,
    model::{
        AgentCheck, BodyMatch, CheckKind, HttpCheck, HttpRequest, Jitter, Payload, ProxyVersion,
    },
};

/// A server that gives every caller the same answer once it is asked, and then waits for the caller to go.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut question = [0; 1024];
            let _ = stream.read(&mut question).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.read(&mut question).await;
        }
    });
    address
}

pub(in crate::probe) fn job(kind: CheckKind, address: SocketAddr) -> Job {
    let (interval, timeout) = (Duration::from_millis(20), Duration::from_secs(4));
    Job {
        kind,
        address,
        interface: None,
        source: None,
        mark: None,
        proxy: None,
        vips: Vec::new(),
        interval,
        jitter: Jitter::NONE,
        warm_up: None,
        timeout,
        place: 0,
    }
}

async fn verdict(answer: &'static [u8], timeout: Duration) -> Outcome {
    let http = CheckKind::Http(HttpCheck::default());
    check(&Job { timeout, ..job(http, answering(answer).await) }, &NoDoors, &Recorder::default())
        .await
        .0
}

#[tokio::test]
async fn an_http_check_reads_the_answer() {
    let failed = |words: &str| Outcome::Failed(words.to_owned());
    let enough = Duration::from_secs(4);
    assert_eq!(verdict(b"HTTP/1.1 200 OK\r\n\r\n", enough).await, Outcome::Passed);
    let ill = verdict(b"HTTP/1.1 503 Gone\r\n\r\n", enough).await;
    assert_eq!(ill, failed("status 503 Gone, expected 200–399"));
    let slow = verdict(b"HTTP/1.1 200", Duration::from_millis(100)).await;
    assert_eq!(slow, failed("connected, but the head of the answer did not come within 100ms"));
}

#[tokio::test]
async fn a_check_that_cannot_be_made_is_not_held_against_the_server() {
    let source = Some("192.0.2.1".parse().expect("an address"));
    let job = Job { source, ..job(CheckKind::Tcp, answering(b"").await) };
    let Outcome::Inconclusive(words) = check(&job, &NoDoors, &Recorder::default()).await.0 else {
        panic!("it was made")
    };
    assert!(words.contains("connect from 192.0.2.1"), "{words}");
}

#[tokio::test]
async fn an_agent_that_says_nothing_takes_nobody_out() {
    let agent = || CheckKind::Agent(AgentCheck { send: Payload::new(*b"web\n").expect("short") });
    let word = async |answer| {
        check(&job(agent(), answering(answer).await), &NoDoors, &Recorder::default()).await.0
    };
    assert_eq!(word(b"up\n").await, Outcome::Passed);
    let share = Share::rounded(50);
    assert_eq!(word(b"50%\n").await, Outcome::Advised(Advice { share, ..Advice::NONE }));
    let down = Outcome::Failed("the agent says down: backup".to_owned());
    assert_eq!(word(b"down #backup\n").await, down);
    let Outcome::Inconclusive(words) = word(b"SSH-2.0\r\n").await else { panic!("it counts") };
    assert!(words.starts_with("the agent says nothing: expected the line of an agent"), "{words}");
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr();
    let gone =
        check(&job(agent(), nobody.expect("its address")), &NoDoors, &Recorder::default()).await.0;
    let words = "the agent says nothing: connection refused";
    assert_eq!(gone, Outcome::Inconclusive(words.to_owned()));
}

#[tokio::test]
async fn the_header_of_the_proxy_protocol_goes_first() {
    for (version, header) in [
        (ProxyVersion::V1, &b"PROXY UNKNOWN\r\n"[..]),
        (ProxyVersion::V2, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut said = vec![0; header.len() + 3];
            stream.read_exact(&mut said).await.expect("a header and a request");
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("an answer");
            said
        });
        let http = CheckKind::Http(HttpCheck::default());
        let outcome = check(
            &Job { proxy: Some(version), ..job(http, address) },
            &NoDoors,
            &Recorder::default(),
        )
        .await
        .0;
        assert_eq!(outcome, Outcome::Passed);
        assert_eq!(server.await.expect("it ended"), [header, b"GET"].concat());
    }
}

#[tokio::test]
async fn each_request_of_a_check_must_be_answered_well() {
    let address = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let request = |body: &str| HttpRequest {
        body: Some(BodyMatch::Contains(body.to_owned())),
        ..HttpRequest::default()
    };
    let outcome = async |requests| {
        let http = HttpCheck { requests, ..HttpCheck::default() };
        check(&job(CheckKind::Http(http), address), &NoDoors, &Recorder::default()).await.0
    };
    assert_eq!(outcome(vec![request("ok"), request("o")]).await, Outcome::Passed);
    let Outcome::Failed(words) = outcome(vec![request("ok"), request("no")]).await else {
        panic!()
    };
    assert_eq!(words, "\"no\" is not in the body, which begins with \"ok\"");
}
