//! Checks of real sockets on the loopback.

use nix::errno::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::model::HttpCheck;

fn target(address: SocketAddr) -> Target {
    let settings = Settings {
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
        initial: Initial::Assumed(State::Down),
    };
    Target {
        pool: "web".to_owned(),
        server: "web1".to_owned(),
        check: 0,
        kind: CheckKind::Tcp,
        address,
        interface: None,
        source: None,
        mark: None,
        proxy: None,
        settings,
    }
}

fn report(prober: &Prober) -> Option<Report> {
    prober.reports("web", "web1").map(|(_, report)| report).next()
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Event {
    timeout(Duration::from_secs(5), events.recv()).await.expect("in time").expect("an event")
}

#[tokio::test]
async fn a_server_goes_down_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (sender, mut events) = mpsc::channel(4);
    let mut prober = Prober::new(sender);
    prober.watch(target(address));
    let first = next(&mut events).await;
    assert_eq!((first.state, first.reason.as_str()), (State::Up, "answers"));
    drop(listener);
    let down = next(&mut events).await;
    assert_eq!((down.state, down.reason.as_str()), (State::Down, "connection refused"));
    assert_eq!((down.pool.as_str(), down.server.as_str()), ("web", "web1"));
    let known = report(&prober).expect("a report");
    assert!(known.failure.is_some_and(|failure| failure.ongoing && failure.count >= 3));
    let _listener = TcpListener::bind(address).await.expect("the same port");
    assert_eq!(next(&mut events).await.state, State::Up);
    prober.keep(&BTreeSet::new());
    assert_eq!(report(&prober), None);
}

#[tokio::test]
async fn state_is_carried_over_when_settings_change() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = target(listener.local_addr().expect("its address"));
    let (sender, mut events) = mpsc::channel(4);
    let mut prober = Prober::new(sender);
    prober.watch(target.clone());
    next(&mut events).await;
    let settings = Settings { fall: 5, ..target.settings };
    prober.watch(Target { settings, ..target });
    assert_eq!(report(&prober).map(|report| report.state), Some(State::Up));
}

#[tokio::test]
async fn an_unusable_source_is_not_held_against_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let source = Some("192.0.2.1".parse().expect("an address"));
    let way = Way { address, interface: None, source, mark: None, proxy: None };
    let error = connect::connect(&way).await.expect_err("not ours");
    assert!(error.is_local());
    assert!(error.to_string().contains("connect from 192.0.2.1"), "{error}");
}

#[test]
fn failures_are_told_in_plain_words() {
    let address = SocketAddr::from(([10, 8, 8, 43], 80));
    let words = |errno: Errno| CheckError::of_connect(address, errno.into()).to_string();
    assert_eq!(words(Errno::ECONNREFUSED), "connection refused");
    assert_eq!(words(Errno::EHOSTUNREACH), "no route to host");
    assert_eq!(words(Errno::ENETUNREACH), "network unreachable");
    assert_eq!(CheckError::NoAnswer(Duration::from_secs(1)).to_string(), "no answer within 1s");
    let half = CheckError::NoAnswer(Duration::from_millis(500));
    assert_eq!(half.to_string(), "no answer within 500ms");
}

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

async fn first_word_about(
    kind: CheckKind,
    answer: &'static [u8],
    time: Duration,
) -> (State, String) {
    let mut target = Target { kind, ..target(answering(answer).await) };
    target.settings.timeout = time;
    let (sender, mut events) = mpsc::channel(4);
    let mut prober = Prober::new(sender);
    prober.watch(target);
    let first = next(&mut events).await;
    (first.state, first.reason)
}

#[tokio::test]
async fn an_http_check_reads_the_answer() {
    let http = || CheckKind::Http(HttpCheck::default());
    let enough = Duration::from_secs(4);
    let well = first_word_about(http(), b"HTTP/1.1 200 OK\r\n\r\n", enough).await;
    assert_eq!(well, (State::Up, "answers".to_owned()));
    let ill = first_word_about(http(), b"HTTP/1.1 503 Gone\r\n\r\n", enough).await;
    assert_eq!(ill, (State::Down, "status 503 Gone, expected 200–399".to_owned()));
    let little = Duration::from_millis(100);
    let slow = first_word_about(http(), b"HTTP/1.1 200", little).await;
    let words = "connected, but the head of the answer did not come within 100ms";
    assert_eq!(slow, (State::Down, words.to_owned()));
}
