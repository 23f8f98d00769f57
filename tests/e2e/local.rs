//! A director that is one of its own real servers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use lb_tests::http::SERVER_HEADER;
use lb_tests::lab::{Families, Namespace, Topology, VIP4};

use crate::requests::assert_shares;
use crate::stage::{LIMIT, Stage, server};
use crate::trace::trace;

const HERE: &str = "director1";

/// A web server that says its name, on a port of a namespace, for both families. Dropping it ends it.
pub(crate) struct WebServer {
    namespace: Namespace,
    port: u16,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl WebServer {
    pub(crate) fn start(namespace: &Namespace, name: &'static str, port: u16) -> Self {
        let listener = namespace
            .enter(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)))
            .expect("the namespace")
            .expect("a free port");
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                // A client that has gone away, or a health check, wants no answer.
                let _ = stream.and_then(|stream| answer(stream, name));
            }
        });
        Self { namespace: namespace.clone(), port, ended, thread: Some(thread) }
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let at = (Ipv4Addr::LOCALHOST, self.port);
        let woken = self.namespace.enter(|| TcpStream::connect(at).is_ok());
        if let (Ok(true), Some(thread)) = (woken, self.thread.take()) {
            // Its panic has been printed.
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, name: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&part[..length]),
        }
    }
    let body = format!("{name}\n");
    write!(
        stream,
        "HTTP/1.1 200 OK\r\n{SERVER_HEADER}: {name}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_director_serves_its_part_itself() {
    let mut stage = Stage::prepared(Topology::default().reals(1).families(Families::Ipv4), |_| {});
    let here = stage.lab.topology().find(HERE).unwrap().ipv4.unwrap();
    let toml = stage.toml().replace(
        "servers = [\n",
        &format!("servers = [\n  {{ name = \"{HERE}\", address = \"{here}\" }},\n"),
    );
    let web_servers =
        [80, 443].map(|port| WebServer::start(stage.director.namespace(), HERE, port));
    stage.director.write_config(&toml).unwrap();
    stage.director.start().unwrap();
    let status = stage.until("both are in the ring", |status| {
        [HERE, "real1"].iter().all(|name| {
            let server = server(status, "web4", name);
            server.share > 0.4 && server.health.as_ref().is_some_and(|health| health.checks > 0)
        })
    });
    assert_eq!(server(&status, "web4", HERE).state, "up");
    assert!(server(&status, "web4", HERE).local && !server(&status, "web4", "real1").local);
    assert!(stage.lb(&["status"]).contains("this host"));
    assert_eq!(status.warnings, [""; 0]);
    assert_shares(&stage.ask(1000), &[(HERE, 0.5), ("real1", 0.5)]);

    let verdicts: Vec<_> = (1..=40)
        .map(|port| {
            let client = SocketAddr::from((Ipv4Addr::new(10, 100, 0, 1), 20_000 + port));
            let said = trace(&stage, client, (VIP4, 80).into());
            (said.verdict, said.real.unwrap(), said.mac.is_some())
        })
        .collect();
    let pass = ("pass".to_owned(), HERE.to_owned(), false);
    let forward = ("forward".to_owned(), "real1".to_owned(), true);
    assert!(verdicts.iter().all(|said| *said == pass || *said == forward), "{verdicts:?}");
    assert!(verdicts.contains(&pass) && verdicts.contains(&forward), "{verdicts:?}");

    // What fails here fails as anywhere else.
    drop(web_servers);
    stage.until("the director's own part is gone", |status| {
        server(status, "web4", HERE).share == 0.0
    });
    assert_shares(&stage.ask(300), &[("real1", 1.0)]);
}

#[test]
fn a_director_that_does_not_have_the_vip_says_so() {
    let mut stage = Stage::prepared(Topology::default().reals(1).families(Families::Ipv4), |_| {});
    let toml = stage.toml().replace("\"10.8.8.51\"", "\"10.8.8.41\"");
    let toml = toml.replace("[node]", "[node]\nmanage_addresses = false");
    stage.director.write_config(&toml).unwrap();
    stage.director.start().unwrap();
    let warnings = stage.status().warnings;
    let of = |vip: &str| warnings.iter().any(|w| w.contains(&format!("does not have {vip}:")));
    assert!(of("10.8.8.40") && of("10.8.8.50") && warnings.len() == 2, "{warnings:?}");
}
