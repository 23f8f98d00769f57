//! Places at servers, the queue for them, and clients at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use super::server::{Peer, answering, server};
use super::stage::{Stage, limited, settings};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_server_never_has_more_requests_than_it_takes() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let address = server(move |_, peer| {
        while peer.head().is_some() {
            seen.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, SeqCst);
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let stage = Stage::with(limited(&[address], 2));
    let address = stage.address;
    let clients: Vec<_> = (0..16)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Peer::connect(address);
                for _ in 0..50 {
                    assert!(client.ask(GET).starts_with("HTTP/1.1 200 "));
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(most.load(SeqCst), 2);
}

#[test]
fn nobody_waits_for_ever() {
    let address = server(|_, peer| {
        peer.rest();
    });
    let mut settings = limited(&[address], 1);
    settings.pools[0].queue_timeout = Duration::from_millis(300);
    settings.pools[0].most_waiting = 1;
    let stage = Stage::with(settings);
    let mut first = Peer::connect(stage.address);
    first.say(GET);
    // One of the two waits until its time is over; for the other there is no room to wait.
    let mut others = [Peer::connect(stage.address), Peer::connect(stage.address)];
    for other in &mut others {
        other.say(GET);
    }
    for other in &mut others {
        assert!(other.head().unwrap().starts_with("HTTP/1.1 503 "));
    }
    drop((first, others));
    stage.control().stop();
}

#[test]
fn who_is_one_too_many_waits_to_be_accepted() {
    let (address, _heard) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let mut settings = settings(&[address]);
    settings.services[0].most_connections = 1;
    let stage = Stage::with(settings);
    let mut first = Peer::connect(stage.address);
    let mut second = Peer::connect(stage.address);
    second.say(GET);
    assert!(first.ask(GET).starts_with("HTTP/1.1 200 "));
    second.stream.set_nonblocking(true).unwrap();
    let early = second.stream.peek(&mut [0]).map_err(|error| error.kind());
    assert_eq!(early, Err(std::io::ErrorKind::WouldBlock));
    second.stream.set_nonblocking(false).unwrap();
    drop(first);
    assert!(second.head().unwrap().starts_with("HTTP/1.1 200 "));
}
