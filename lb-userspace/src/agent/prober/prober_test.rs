//! The agent's side and a probe, on the loopback.

use tokio::net::TcpListener;

use super::*;
use crate::{
    health::{Initial, Pace},
    model::{CheckKind, Jitter},
    probe,
};

fn target(listener: &TcpListener) -> Target {
    let job = Job {
        kind: CheckKind::Tcp,
        address: listener.local_addr().expect("its address"),
        interface: None,
        source: None,
        mark: None,
        proxy: None,
        vips: Vec::new(),
        interval: Duration::from_millis(20),
        jitter: Jitter::NONE,
        warm_up: None,
        timeout: Duration::from_secs(1),
        place: 0,
    };
    let settings = Settings { rise: 2, fall: 3, initial: Initial::Assumed(State::Down) };
    let pace = Pace::steady(job.interval);
    Target {
        pool: "web".to_owned(),
        server: "web1".to_owned(),
        check: 0,
        job,
        settings,
        pace,
        left: None,
    }
}

fn report(prober: &Prober) -> Option<Report> {
    prober.reports("web", "web1").into_iter().map(|(_, report)| report).next()
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Event {
    timeout(Duration::from_secs(5), events.recv()).await.expect("in time").expect("an event")
}

/// A prober, its events, and the probe that it speaks with. A probe is gone when it is dropped.
fn probing() -> (Prober, mpsc::Receiver<Event>, JoinSet<()>) {
    let (sender, events) = mpsc::channel(4);
    let prober = Prober::new(sender);
    let probe = connect(&prober);
    (prober, events, probe)
}

fn connect(prober: &Prober) -> JoinSet<()> {
    let (orders, heard) = mpsc::channel(4);
    let (said, findings) = mpsc::channel(4);
    let mut probe = JoinSet::new();
    probe.spawn(probe::run(heard, said, 4, Arc::new(probe::NoDoors)));
    prober.connect(Connection { orders, findings });
    probe
}

#[tokio::test]
async fn a_server_goes_down_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (prober, mut events, _probe) = probing();
    prober.watch(target(&listener));
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
async fn what_is_known_stays_without_a_probe_and_another_one_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (prober, mut events, probe) = probing();
    prober.watch(target(&listener));
    next(&mut events).await;
    drop(probe);
    drop(listener);
    assert_eq!(report(&prober).map(|report| report.state), Some(State::Up));
    let _probe = connect(&prober);
    assert_eq!(next(&mut events).await.state, State::Down);
}

#[tokio::test]
async fn a_test_changes_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (prober, mut events, _probe) = probing();
    let Target { job, .. } = target(&listener);
    prober.watch(Target {
        job: Job { interval: Duration::from_secs(600), ..job.clone() },
        ..target(&listener)
    });
    next(&mut events).await;
    drop(listener);
    let tested = prober.test(job).await.expect("an answer");
    assert_eq!(tested.outcome, Outcome::Failed("connection refused".to_owned()));
    assert_eq!(report(&prober).map(|report| (report.state, report.checks)), Some((State::Up, 1)));
}
