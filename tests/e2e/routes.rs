//! What the file says of requests, as clients and servers see it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use lb_tests::lab::{Families, Topology, VIP4};

use crate::stage::{LIMIT, Stage};

const PORT: u16 = 8080;
/// Of the real server that tells what it has heard.
const ECHO: u16 = 8500;

const SERVICES: &str = r#"
[[pool]]
name = "echo"
servers = [{ name = "real1", address = "10.8.8.51:8500" }]

[[pool]]
name = "web"
servers = [{ name = "real2", address = "10.8.8.52:80" }]

[[service]]
name = "shop"
address = "10.8.8.40"
ports = ["tcp/8080"]
mode = "http"
pool = "echo"

[service.http]
max_body = "1kB"
host = "inside.test"
x_forwarded_for = true
x_forwarded_proto = true
request_headers = [{ delete = "X-Secret" }, { set = "X-Env", value = "prod" }]
response_headers = [{ set = "Server", value = "lb" }, { delete = "X-Powered-By" }]
routes = [
  { host = "secure.test", redirect = "https" },
  { path = "/old", redirect = "/new", status = 308 },
  { path_prefix = "/internal", deny = 403 },
  { path_prefix = "/web", method = ["GET", "HEAD"], pool = "web" },
]
"#;

/// Answers each request with what it has heard of it, and a place inside.
fn echo(stage: &Stage) {
    let bound = stage.lab.namespace("real1").enter(|| TcpListener::bind(("0.0.0.0", ECHO)));
    let listener = bound.expect("the namespace").expect("a port");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let reader = BufReader::new(stream.try_clone().expect("a handle"));
            let lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let body = lines.collect::<Vec<_>>().join("\n");
            let head = format!(
                "HTTP/1.1 200 OK\r\nServer: echo\r\nX-Powered-By: rust\r\nConnection: close\r\n\
                 Location: http://inside.test/there\r\nSet-Cookie: a=1; Domain=inside.test\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            // Whoever has gone does not want it.
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
}

/// The whole answer to a request with these lines.
fn ask(stage: &Stage, lines: &[&str]) -> String {
    let target = SocketAddr::from((VIP4, PORT));
    let open = || TcpStream::connect_timeout(&target, LIMIT);
    let mut stream = stage.lab.client().enter(open).expect("the namespace").expect("it listens");
    let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_first_route_that_fits_decides() {
    let stage = Stage::up_with(Topology::default().families(Families::Ipv4), |config| {
        config.more = SERVICES.to_owned();
    });
    echo(&stage);
    for (lines, begins, also) in [
        (
            &["GET /a?b HTTP/1.1", "Host: secure.test"][..],
            "301",
            "Location: https://secure.test/a?b\r\n",
        ),
        (&["GET /old HTTP/1.1", "Host: a.test"], "308", "Location: /new\r\n"),
        (&["GET /x/../internal/y HTTP/1.1", "Host: a.test"], "403", "Forbidden"),
        (&["GET /web/ HTTP/1.1", "Host: a.test"], "404", "<center>nginx"),
        (&["POST / HTTP/1.1", "Host: a.test", "Content-Length: 1001"], "413", "Content Too Large"),
    ] {
        let answer = ask(&stage, lines);
        assert!(answer.starts_with(&format!("HTTP/1.1 {begins} ")), "{lines:?}: {answer}");
        assert!(answer.contains(also), "{lines:?}: {answer}");
    }
    let answer = ask(
        &stage,
        &[
            "POST /web HTTP/1.1",
            "Host: a.test",
            "X-Secret: 1",
            "x_secret: 2",
            "X-Env: test",
            "Content-Length: 0",
        ],
    );
    let (head, heard) = answer.split_once("\r\n\r\n").expect("a head");
    for line in ["Server: lb", "Location: http://a.test/there", "Set-Cookie: a=1; Domain=a.test"] {
        assert!(head.lines().any(|one| one == line), "{line}: {head}");
    }
    assert!(!head.contains("X-Powered-By") && !head.contains("echo"), "{head}");
    // The client's own address, as the kernel chooses it.
    let from = "X-Forwarded-For: 10.8.8.10";
    for line in
        ["POST /web HTTP/1.1", "Host: inside.test", "X-Env: prod", "X-Forwarded-Proto: http", from]
    {
        assert!(heard.lines().any(|one| one == line), "{line}: {heard}");
    }
    assert!(!heard.to_lowercase().contains("secret") && !heard.contains("X-Env: test"), "{heard}");
}
