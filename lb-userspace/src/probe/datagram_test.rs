//! Datagrams on the loopback.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use crate::health::Outcome;
use crate::model::{CheckKind, DnsCheck, DnsCode, Expectation, Payload, UdpCheck};
use crate::probe::Job;
use crate::probe::NoDoors;
use crate::probe::check::{check, tests::job};
use crate::probe::opener::OwnDoors;

/// A server that answers each datagram with what is made of it.
async fn answering(answers: fn(&[u8]) -> Vec<Vec<u8>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("its address");
    tokio::spawn(async move {
        let mut question = [0; 2048];
        while let Ok((length, client)) = socket.recv_from(&mut question).await {
            for answer in answers(&question[..length]) {
                let _ = socket.send_to(&answer, client).await;
            }
        }
    });
    address
}

async fn verdict(kind: CheckKind, address: SocketAddr) -> Outcome {
    check(&job(kind, address), &NoDoors, &crate::probe::Recorder::default()).await.0
}

fn failed(words: &str) -> Outcome {
    Outcome::Failed(words.to_owned())
}

fn udp(send: &str, expect: Option<&str>) -> CheckKind {
    let payload = |text: &str| Payload::new(text).expect("short");
    let expect = expect.map(|text| Expectation::Prefix(payload(text)));
    CheckKind::Udp(UdpCheck { send: payload(send), expect })
}

#[tokio::test]
async fn a_datagram_and_its_answer() {
    let echo = answering(|question| vec![question.to_vec()]).await;
    assert_eq!(verdict(udp("hello", Some("hell")), echo).await, Outcome::Passed);
    assert_eq!(verdict(udp("hello", None), echo).await, Outcome::Passed);
    let other = verdict(udp("hi", Some("hell")), echo).await;
    assert_eq!(other, failed("expected an answer that begins with \"hell\", got \"hi\""));
}

#[tokio::test]
async fn silence_is_well_where_nothing_is_expected() {
    let silent = answering(|_| Vec::new()).await;
    let short = |kind| Job { timeout: Duration::from_millis(50), ..job(kind, silent) };
    assert_eq!(
        check(&short(udp("hello", None)), &NoDoors, &crate::probe::Recorder::default()).await.0,
        Outcome::Passed
    );
    let words = failed("no answer within 50ms");
    assert_eq!(
        check(&short(udp("hello", Some("x"))), &NoDoors, &crate::probe::Recorder::default())
            .await
            .0,
        words
    );
}

#[tokio::test]
async fn nobody_there_is_noticed_at_once() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let gone = socket.local_addr().expect("its address");
    drop(socket);
    let words = failed("port unreachable, says ICMP: nothing listens there");
    assert_eq!(verdict(udp("hello", None), gone).await, words);
    assert_eq!(verdict(CheckKind::Dns(DnsCheck::default()), gone).await, words);
}

/// The question as an answer, with these flags.
fn reply(question: &[u8], flags: u8, code: u8) -> Vec<u8> {
    let mut reply = question.to_vec();
    reply[2] |= 0x80 | flags;
    reply[3] |= code;
    reply
}

const CUT: u8 = 2;

#[tokio::test]
async fn a_question_by_dns() {
    let dns = |rcode| CheckKind::Dns(DnsCheck { rcode, ..DnsCheck::default() });
    let well = answering(|question| {
        let mut stray = reply(question, 0, 2);
        stray[0] ^= 1;
        vec![stray, reply(question, 0, 0)]
    });
    assert_eq!(verdict(dns(DnsCode::NoError), well.await).await, Outcome::Passed);
    let refusing = answering(|question| vec![reply(question, 0, 5)]).await;
    assert_eq!(verdict(dns(DnsCode::Refused), refusing).await, Outcome::Passed);
    let words = failed(". SOA: REFUSED, expected NOERROR");
    assert_eq!(verdict(dns(DnsCode::NoError), refusing).await, words);
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_by_tcp() {
    let address = answering(|question| vec![reply(question, CUT, 0)]).await;
    let dns = || CheckKind::Dns(DnsCheck::default());
    assert_eq!(verdict(dns(), address).await, failed("connection refused"));
    let listener = TcpListener::bind(address).await.expect("the same port");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let length = stream.read_u16().await.expect("a length");
        let mut question = vec![0; length.into()];
        stream.read_exact(&mut question).await.expect("a question");
        let said = [&length.to_be_bytes()[..], &reply(&question, 0, 0)].concat();
        stream.write_all(&said).await.expect("an answer");
        let _ = stream.read(&mut question).await;
    });
    assert_eq!(verdict(dns(), address).await, Outcome::Passed);
}

#[tokio::test]
async fn a_ping_goes_over_a_socket_of_somebody_with_the_privilege() {
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let (job, recorder) = (job(CheckKind::Ping, here), crate::probe::Recorder::default());
    let words =
        "the check could not be made: cannot get a socket: nobody here opens sockets".to_owned();
    assert_eq!(check(&job, &NoDoors, &recorder).await.0, Outcome::Inconclusive(words));
    let found = check(&job, &OwnDoors, &recorder).await.0;
    if nix::unistd::Uid::effective().is_root() {
        assert_eq!(found, Outcome::Passed);
    }
}
