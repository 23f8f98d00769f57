//! The client: it does its steps, reads to the end, and tells what it was told.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use lb_tests::lab::Namespace;

use super::case::{Case, Step};
use super::message::{self, Framing, Head, shown_body};
use super::origin::Origin;

/// Longer than any timeout of a proxy here.
const LIMIT: Duration = Duration::from_secs(15);

/// Plays a case: one line for each response, and one for the end.
pub(super) fn play(
    namespace: &Namespace,
    proxy: SocketAddr,
    origin: &Origin,
    case: &Case,
) -> Vec<String> {
    let open = || TcpStream::connect_timeout(&proxy, LIMIT);
    let stream = namespace.enter(open).expect("the namespace").expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket");
    let mut client = Client { stream, heard: Vec::new(), ended: false };
    for step in &case.steps {
        match step {
            // Where the proxy has closed, what is read next shows it.
            Step::Say(bytes) => drop(client.stream.write_all(bytes)),
            Step::Hear(heads) => {
                while !client.ended && client.heads() < *heads {
                    client.read(&case.name);
                }
            }
            Step::Heard(heads) => origin.until_heard(*heads),
            Step::Settle => origin.until_settled(),
            Step::End => drop(client.stream.shutdown(Shutdown::Write)),
        }
    }
    while !client.ended {
        client.read(&case.name);
    }
    responses(&client.heard, case.head)
}

struct Client {
    stream: TcpStream,
    heard: Vec<u8>,
    ended: bool,
}

impl Client {
    fn heads(&self) -> usize {
        self.heard.windows(4).filter(|four| four == b"\r\n\r\n").count()
    }

    fn read(&mut self, case: &str) {
        let mut room = [0; 65_536];
        match self.stream.read(&mut room) {
            Ok(0) => self.ended = true,
            Ok(length) => self.heard.extend_from_slice(&room[..length]),
            // With bytes that nobody has read, a close is a reset.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
            Err(error) => panic!("{case}: {error}"),
        }
    }
}

fn responses(mut bytes: &[u8], mut to_head: bool) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(head) = Head::read(bytes) {
        bytes = &bytes[head.length..];
        let status = head.first.split(' ').nth(1).unwrap_or_default();
        let interim = status.starts_with('1') && status != "101";
        if interim {
            lines.push(format!("client: {}", head.line()));
            continue;
        }
        let framing = match status {
            "101" => Framing::UntilEnd,
            "204" | "304" => Framing::Length(0),
            _ if std::mem::take(&mut to_head) => Framing::Length(0),
            _ => head.framing().unwrap_or(Framing::UntilEnd),
        };
        let (body, length, how) = match message::body(bytes, framing) {
            Some((body, length)) => (body, length, ""),
            None if framing == Framing::UntilEnd => (bytes.to_vec(), bytes.len(), ""),
            None => (bytes.to_vec(), bytes.len(), ", and no more"),
        };
        bytes = &bytes[length..];
        lines.push(match is_page(&head, &body) {
            true => format!("client: {status} page"),
            false if body.is_empty() && how.is_empty() => format!("client: {}", head.line()),
            false => format!("client: {} | body: {}{how}", head.line(), shown_body(&body)),
        });
    }
    if !bytes.is_empty() {
        lines.push(format!("client: {}, and no more", shown_body(bytes)));
    }
    lines
}

/// What a proxy says by itself: what its page looks like is its own affair.
fn is_page(head: &Head, body: &[u8]) -> bool {
    head.field("content-type").is_some_and(|kind| kind.starts_with("text/html"))
        && (body.is_empty() || body.windows(4).any(|four| four == b"<h1>"))
}
