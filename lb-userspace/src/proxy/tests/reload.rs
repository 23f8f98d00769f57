//! Another configuration, or other servers, while connections go on.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use super::server::{Peer, answering, server};
use super::stage::{Stage, settings};
use crate::access_log::Format;
use crate::balance::Place;
use crate::proxy::Listening;
use crate::proxy::settings::Mode;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
const TWO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2";

const SAME: Listening = Listening { number: 1, service: 0, socket: None };

/// Asks until this answer comes: an order takes a turn of the thread.
fn until(client: &mut Peer, wanted: &[u8]) -> String {
    loop {
        let head = client.ask(GET);
        if client.bytes(1) == wanted {
            return head;
        }
    }
}

/// New connections, until one is served by the new configuration.
fn until_new(address: SocketAddr, wanted: &[u8]) -> Peer {
    loop {
        let mut client = Peer::connect(address);
        client.ask(GET);
        if client.bytes(1) == wanted {
            return client;
        }
    }
}

#[test]
fn a_connection_ends_with_the_first_answer_after_a_reload() {
    let (one, _heard) = answering(ONE);
    let (two, _heard) = answering(TWO);
    let stage = Stage::before(&[one]);
    let mut kept = Peer::connect(stage.address);
    until(&mut kept, b"1");
    let mut changed = settings(&[two]);
    changed.pools[0].name = "other".into();
    stage.control().configure(Arc::new(changed), vec![SAME]);
    let mut new = until_new(stage.address, b"2");
    assert!(kept.ask(GET).contains("\r\nConnection: close\r\n"));
    assert_eq!(kept.text(), "1", "it goes by what it came in by");
    assert!(!new.ask(GET).contains("Connection"));
    assert_eq!(new.bytes(1), b"2");
}

#[test]
fn other_servers_are_no_reason_to_end() {
    let (one, _heard) = answering(ONE);
    let (two, _heard) = answering(TWO);
    let stage = Stage::before(&[one]);
    let mut client = Peer::connect(stage.address);
    until(&mut client, b"1");
    let members = settings(&[two]).pools.remove(0).members;
    stage.control().change(vec![(0, members)]);
    assert!(!until(&mut client, b"2").contains("Connection"));
}

#[test]
fn a_pool_that_stays_keeps_its_connections() {
    let address = server(|number, peer| {
        while peer.head().is_some() {
            peer.say(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        }
    });
    let stage = Stage::before(&[address]);
    let mut client = Peer::connect(stage.address);
    until(&mut client, b"0");
    let mut changed = settings(&[address]);
    changed.services[0].name = "renamed".into();
    stage.control().configure(Arc::new(changed), vec![SAME]);
    // The first answer with this says that the new one is in force.
    while !client.ask(GET).contains("Connection: close") {
        client.bytes(1);
    }
    // It is closed when the server's connection is free again.
    assert_eq!(client.text(), "0");
    let mut other = Peer::connect(stage.address);
    other.ask(GET);
    assert_eq!(other.bytes(1), b"0");
    drop(other);
    assert!(stage.end().last().unwrap().contains(" renamed "), "by the new one");
}

#[test]
fn sockets_come_and_go() {
    let (one, _heard) = answering(ONE);
    let stage = Stage::before(&[one]);
    until_new(stage.address, b"1");
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let second = socket.local_addr().unwrap();
    // Somebody who waits there already is served.
    let mut early = Peer::connect(second);
    let other = Listening { number: 2, service: 0, socket: Some(socket) };
    stage.control().configure(Arc::new(settings(&[one])), vec![other]);
    early.ask(GET);
    assert_eq!(early.bytes(1), b"1");
    assert!(std::net::TcpStream::connect(stage.address).is_err(), "the first one is closed");
}

#[test]
fn what_goes_on_at_a_server_that_is_down_ends_where_its_pool_says_so() {
    for (kills, tcp) in [(true, false), (true, true), (false, false)] {
        let (begun, has_begun) = channel();
        let (tell, go_on) = channel::<()>();
        let go_on = Mutex::new(go_on);
        let address = server(move |_, peer| {
            peer.head();
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1");
            let _ = begun.send(());
            // What is told, or nothing more.
            let told = go_on.lock().unwrap().recv().is_ok();
            peer.say(if told { "2" } else { "" });
            peer.rest();
        });
        let mut settings = settings(&[address]);
        settings.pools[0].kills = kills;
        if tcp {
            settings.services[0].mode = Mode::Tcp;
            settings.services[0].log = Some(Format::tcplog());
        }
        let mut members = settings.pools[0].members.clone();
        members.down = Arc::new([Place(0)]);
        let stage = Stage::with(settings);
        let mut client = Peer::connect(stage.address);
        client.ask(GET);
        assert_eq!(client.bytes(1), b"1");
        has_begun.recv().unwrap();
        stage.control().change(vec![(0, members)]);
        if kills {
            assert_eq!(client.text(), "");
        } else {
            tell.send(()).unwrap();
            assert_eq!(client.bytes(1), b"2");
        }
        drop((client, tell));
        let log = stage.end();
        let ended = log[0].contains(if tcp { " DD " } else { " DD-- " });
        assert_eq!(ended, kills, "{log:?}");
    }
}
