//! The agent's end and a probe's, over a real pair of sockets.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::{net::TcpListener, time::timeout};

use super::*;
use crate::{
    agent::prober::Target,
    health::{CheckId, Initial, Pace, Settings, State},
    ipc::Packets,
    model::{CheckKind, Jitter, Mark},
    probe::{self, Door, Job, Opened},
};

/// Opens what needs no privilege, whatever mark it should have.
#[derive(Debug)]
struct Unmarked;

impl Opener for Unmarked {
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>> {
        let socket = door.transport.socket(door.real).map_err(|error| error.to_string());
        Box::pin(async move { Ok(Opened { socket: socket?, passage: Box::new(()) }) })
    }
}

fn target(address: std::net::SocketAddr, mark: Option<Mark>) -> Target {
    let job = Job {
        kind: CheckKind::Tcp,
        address,
        interface: None,
        source: None,
        mark,
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
    let (pool, server) = ("web".to_owned(), "r1".to_owned());
    Target { pool, server, check: 0, job, settings, pace, left: None }
}

#[tokio::test]
async fn a_check_over_two_processes_with_a_socket_of_the_agents() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (ours, theirs) = Packets::pair().expect("a pair");
    let (events, mut heard) = mpsc::channel(4);
    let prober = Prober::new(events);
    prober.watch(target(address, Mark::new(7).ok()));
    let agent = Post::new(ours).expect("a post");
    tokio::spawn(async move { converse(&agent, &prober, &Unmarked).await });
    tokio::spawn(probe::serve(Post::new(theirs).expect("a post")));
    let mut states = Vec::new();
    while states.last() != Some(&State::Up) {
        let event = timeout(Duration::from_secs(10), heard.recv()).await.expect("in time");
        states.push(event.expect("an event").state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_says_nothing_is_noticed_and_one_that_is_gone_too() {
    let prober = Prober::new(mpsc::channel(4).0);
    let (ours, theirs) = Packets::pair().expect("a pair");
    let post = Post::new(ours).expect("a post");
    assert!(converse(&post, &prober, &Unmarked).await, "it hangs");
    drop(theirs);
    assert!(!converse(&post, &prober, &Unmarked).await, "it is gone");
}

#[tokio::test]
async fn what_is_no_message_ends_the_conversation() {
    let prober = Prober::new(mpsc::channel(4).0);
    for nonsense in [&b"nonsense"[..], b"{\"order\":1}", b"\"alive\"{", &[0; 100]] {
        let (ours, theirs) = Packets::pair().expect("a pair");
        theirs.send(nonsense, &[]).expect("it is sent");
        let post = Post::new(ours).expect("a post");
        assert!(!converse(&post, &prober, &Unmarked).await);
    }
}

#[test]
fn what_a_probe_says_is_bounded() {
    let outcome = Outcome::Failed("\u{1b}[2J".to_owned() + &"x".repeat(10_000));
    let step = Step { at: Duration::ZERO, words: "a\nb".to_owned() };
    let steps = vec![step; 1_000];
    let took = Duration::ZERO;
    let result = Finding::Result { id: CheckId(1), outcome: outcome.clone(), took };
    let tested = Finding::Tested { id: probe::TestId(1), outcome, took, steps };
    for finding in [result, tested] {
        let (outcome, steps) = match bounded(finding) {
            Finding::Result { outcome, .. } => (outcome, Vec::new()),
            Finding::Tested { outcome, steps, .. } => (outcome, steps),
        };
        let Outcome::Failed(words) = outcome else { panic!("{outcome:?}") };
        assert!(words.starts_with(" [2Jxxx") && words.len() == LONGEST, "{words}");
        assert!(steps.len() <= STEPS && steps.iter().all(|step| step.words == "a b"));
    }
}

#[tokio::test]
async fn a_probe_that_asks_and_takes_nothing_is_given_up() {
    let prober = Prober::new(mpsc::channel(4).0);
    let (ours, theirs) = Packets::pair().expect("a pair");
    let (post, probe) = (Post::new(ours).expect("a post"), Post::new(theirs).expect("a post"));
    let door = |number: u64| {
        let (real, lead) = ("127.0.0.1:1".parse().expect("an address"), probe::Lead::default());
        let transport = probe::Transport::Tcp;
        FromProbe::Open(probe::DoorId(number), Door { transport, real, path: None, lead })
    };
    let asking = async {
        for number in (0..).step_by(100) {
            for packet in split((number..number + 100).map(door)) {
                if probe.send(&packet, &[]).await.is_err() {
                    return;
                }
            }
        }
    };
    let both = async {
        tokio::join!(
            async {
                converse(&post, &prober, &Unmarked).await;
                drop(post);
            },
            asking
        )
    };
    timeout(Duration::from_secs(60), both).await.expect("it ends");
}
