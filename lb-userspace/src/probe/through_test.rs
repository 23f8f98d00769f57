//! What a real server's own address tells of one that is not well through a VIP.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Notify,
};

use super::*;
use crate::{
    health::Outcome,
    model::{CheckKind, HttpCheck},
    probe::{
        check::{self, tests::job},
        opener::{Door, Opened},
    },
};

const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 8, 8, 40));
const PATH: VipPath = VipPath { vip: VIP, tunnel: None };
/// By this address the server tells those who come through the VIP.
const THROUGH: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const WELL: &str = "200 OK";

#[derive(Debug)]
struct Doors;

impl Opener for Doors {
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>> {
        assert_eq!(door.path, Some(PATH));
        let socket = door.transport.socket(door.real).unwrap();
        socket.bind(&SocketAddr::from((THROUGH, 0)).into()).unwrap();
        Box::pin(async move { Ok(Opened { socket, passage: Box::new(()) }) })
    }
}

/// A server's answers.
#[derive(Clone, Copy)]
struct Answers {
    /// Through the VIP; `None`: once somebody has come to its own address.
    vip: Option<&'static str>,
    own: &'static str,
}

async fn serve(answers: Answers) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let seen = Arc::new(Notify::new());
        while let Ok((mut stream, peer)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut question = [0; 1024];
                let _ = stream.read(&mut question).await;
                let status = match (peer.ip() == THROUGH, answers.vip) {
                    (true, Some(status)) => status,
                    (true, None) => {
                        seen.notified().await;
                        WELL
                    }
                    (false, _) => {
                        seen.notify_one();
                        answers.own
                    }
                };
                let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await;
                let _ = stream.read(&mut question).await;
            });
        }
    });
    address
}

async fn outcome(answers: Answers, timeout: Duration) -> Outcome {
    let address = serve(answers).await;
    let http = CheckKind::Http(HttpCheck::default());
    let job = Job { vips: vec![PATH], timeout, ..job(http, address) };
    check::check(&job, &Doors, &Recorder::default()).await.0
}

#[tokio::test]
async fn what_is_well_through_the_vip_is_well() {
    let enough = Duration::from_secs(4);
    let answers = |vip, own| Answers { vip: Some(vip), own };
    assert_eq!(outcome(answers(WELL, "500 Oh"), enough).await, Outcome::Passed);
    let failed = |words: &str| Outcome::Failed(words.to_owned());
    let lacks = "answers at its own address, but not through VIP 10.8.8.40 (status 503 Gone, expected \
                 200–399): what differs there?";
    assert_eq!(outcome(answers("503 Gone", WELL), enough).await, failed(lacks));
    let dead = failed("status 500 Oh, expected 200–399");
    assert_eq!(outcome(answers("503 Gone", "500 Oh"), enough).await, dead, "it is not the VIP");
}

#[tokio::test]
async fn an_answer_in_the_second_half_of_the_time_counts() {
    let late = Answers { vip: None, own: WELL };
    assert_eq!(outcome(late, Duration::from_secs(1)).await, Outcome::Passed);
}

#[tokio::test]
async fn without_a_way_it_says_nothing_of_the_server() {
    let address = serve(Answers { vip: Some(WELL), own: WELL }).await;
    let job = Job { vips: vec![PATH], ..job(CheckKind::Tcp, address) };
    let words = "the check could not be made: cannot go through VIP 10.8.8.40: nobody here opens \
                 sockets";
    let outcome = check::check(&job, &crate::probe::NoDoors, &Recorder::default()).await.0;
    assert_eq!(outcome, Outcome::Inconclusive(words.to_owned()));
}
