//! What is counted of errors, and told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::server::{Peer, nobody, server};
use super::stage::{Stage, settings};
use crate::balance::Redispatch;
use crate::health::Observation;
use crate::model::{Observe, ObservedLayer};
use crate::proxy::settings::{Mode, Settings};
use crate::proxy::{News, Suspect};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn observing(servers: &[SocketAddr], layer: ObservedLayer, limit: u32) -> Settings {
    let mut settings = settings(servers);
    let error_limit = limit.try_into().unwrap();
    settings.pools[0].observe = Some(Observe { layer, error_limit, ..Observe::default() });
    settings.pools[0].retries.redispatch = Redispatch::Off;
    settings.pools[0].retries.most = 0;
    settings
}

fn suspect(errors: u32, last: Observation) -> News {
    News::Suspect(Suspect { pool: "pool".to_owned(), server: "s0".to_owned(), errors, last })
}

#[test]
fn errors_in_a_row_are_told() {
    let statuses = [500, 200, 500, 502, 500, 404, 500, 503, 0, 0];
    let asked = Arc::new(AtomicUsize::new(0));
    let address = server(move |_, peer| {
        while peer.head().is_some() {
            match statuses[asked.fetch_add(1, SeqCst)] {
                // It says nothing that could be read.
                0 => return peer.say("no HTTP\r\n\r\n"),
                status => {
                    peer.say(format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n"));
                }
            }
        }
    });
    let mut stage = Stage::with(observing(&[address], ObservedLayer::Layer7, 2));
    for _ in statuses {
        let answer = Peer::connect(stage.address).ask(GET);
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    for last in [Observation::Response(502), Observation::Response(503), Observation::NoResponse] {
        assert_eq!(stage.news.blocking_recv(), Some(suspect(2, last)));
    }
}

#[test]
fn connections_that_fail_are_told() {
    for tcp in [false, true] {
        let mut settings = observing(&[nobody()], ObservedLayer::Layer4, 3);
        if tcp {
            settings.services[0].mode = Mode::Tcp;
        }
        let mut stage = Stage::with(settings);
        for _ in 0..3 {
            let mut client = Peer::connect(stage.address);
            client.say("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
            client.rest();
        }
        let told = stage.news.blocking_recv();
        assert_eq!(told, Some(suspect(3, Observation::ConnectFailed)));
    }
}
