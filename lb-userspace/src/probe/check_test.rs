//! Checks of real sockets on the loopback.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::model::{CheckKind, HttpCheck};

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
    Job { kind, address, interface: None, source: None, interval, timeout, place: 0 }
}

async fn verdict(answer: &'static [u8], timeout: Duration) -> Outcome {
    let http = CheckKind::Http(HttpCheck::default());
    check(&Job { timeout, ..job(http, answering(answer).await) }).await.0
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
    let Outcome::Inconclusive(words) = check(&job).await.0 else { panic!("it was made") };
    assert!(words.contains("connect from 192.0.2.1"), "{words}");
}
