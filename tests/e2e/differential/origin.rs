//! The server behind a proxy: it answers as the case says, and writes down what it has heard.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lb_tests::lab::Namespace;
use socket2::{Domain, SockRef, Socket, Type};

use super::case::Answer;
use super::message::{self, Framing, Head, shown, shown_body};
use crate::stage::RETRY_PAUSE;

/// Longer than any timeout of a proxy here.
const LIMIT: Duration = Duration::from_secs(15);

/// A server with a port of its own.
pub(super) struct Origin {
    namespace: Namespace,
    address: SocketAddr,
    case: Arc<Mutex<Record>>,
}

/// Of one case.
#[derive(Default)]
struct Record {
    answers: std::collections::VecDeque<Answer>,
    /// A line for each request, by its connection.
    heard: Vec<Vec<String>>,
    /// How many heads have come.
    heads: usize,
    open: Vec<Open>,
    /// Who knocks only to know that all before it have been let in.
    knocking: Option<SocketAddr>,
}

impl Origin {
    pub(super) fn start(namespace: &Namespace, port: u16) -> Self {
        let address = SocketAddr::from(([0, 0, 0, 0], port));
        let bound = namespace.enter(|| TcpListener::bind(address)).expect("the namespace");
        let listener = bound.expect("a port");
        let case = Arc::new(Mutex::new(Record::default()));
        let shared = Arc::clone(&case);
        thread::spawn(move || {
            loop {
                let (stream, peer) = listener.accept().expect("a connection");
                stream.set_nodelay(true).expect("a socket");
                stream.set_read_timeout(Some(LIMIT)).expect("a socket");
                let handle = stream.try_clone().expect("a handle");
                let mut record = shared.lock().expect("nobody panics with it");
                if record.knocking == Some(peer) {
                    record.knocking = None;
                    continue;
                }
                let number = record.heard.len();
                record.heard.push(Vec::new());
                let waits = Arc::new(AtomicBool::new(false));
                let (case, at) = (Arc::clone(&shared), Arc::clone(&waits));
                let serve = move || {
                    Connection { stream, case, number, waits: Arc::clone(&at), served: false }
                        .serve();
                    at.store(true, Ordering::Release);
                };
                let serve = thread::spawn(serve);
                record.open.push(Open { stream: handle, serve, waits });
            }
        });
        Self {
            namespace: namespace.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            case,
        }
    }

    /// The next case.
    pub(super) fn begin(&self, answers: &[Answer]) {
        let mut record = self.case.lock().expect("nobody panics with it");
        record.answers = answers.iter().cloned().collect();
        record.heard.clear();
        record.heads = 0;
    }

    /// Waits until so many heads have come.
    pub(super) fn until_heard(&self, heads: usize) {
        self.until(|record| record.heads >= heads);
    }

    /// Waits until the proxy has closed each connection that the server has ended.
    pub(super) fn until_settled(&self) {
        self.until(|record| record.open.iter().all(|open| open.serve.is_finished()));
    }

    fn until(&self, so: impl Fn(&Record) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !so(&self.case.lock().expect("nobody panics with it")) {
            assert!(Instant::now() < deadline, "not so after {LIMIT:?}");
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Every connection that is there has been let in after this.
    fn let_all_in(&self) {
        let knock = || -> std::io::Result<()> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
            let own = socket.local_addr()?.as_socket();
            self.case.lock().expect("nobody panics with it").knocking = own;
            socket.connect(&self.address.into())?;
            self.until(|record| record.knocking.is_none());
            Ok(())
        };
        self.namespace.enter(knock).expect("the namespace").expect("the server is there");
    }

    /// Waits for the end of what is under way, closes what is kept, and says what was heard: for each request its
    /// connection's number and what it was.
    pub(super) fn end(&self) -> Vec<String> {
        self.let_all_in();
        self.until(|record| record.open.iter().all(|open| open.waits.load(Ordering::Acquire)));
        let open = std::mem::take(&mut self.case.lock().expect("nobody panics with it").open);
        for Open { stream, serve, .. } in open {
            // It reads no more; the proxy may have closed it already.
            let _ = stream.shutdown(Shutdown::Read);
            serve.join().expect("a connection of the server");
            // This waits until the proxy's host has heard of the end: it cannot be used for the next case.
            SockRef::from(&stream).set_linger(Some(LIMIT)).expect("a socket");
        }
        let mut record = self.case.lock().expect("nobody panics with it");
        let heard = std::mem::take(&mut record.heard);
        let lines = heard.into_iter().filter(|lines| !lines.is_empty());
        let numbered = lines.zip(1..).flat_map(|(lines, number)| {
            lines.into_iter().map(move |line| format!("server {number}: {line}"))
        });
        numbered.collect()
    }
}

/// A connection that is served.
struct Open {
    stream: TcpStream,
    serve: JoinHandle<()>,
    /// For a request, or it is over.
    waits: Arc<AtomicBool>,
}

struct Connection {
    stream: TcpStream,
    case: Arc<Mutex<Record>>,
    number: usize,
    waits: Arc<AtomicBool>,
    /// It has had a request.
    served: bool,
}

impl Connection {
    fn serve(mut self) {
        let mut input = Vec::new();
        while let Some(head) = self.head(&mut input) {
            self.case.lock().expect("nobody panics with it").heads += 1;
            let path = head.first.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = if path == "/last" { None } else { self.next_answer() };
            let answer = answer.unwrap_or(Answer::Usual);
            let behind = input.split_off(head.length);
            input = behind;
            match &answer {
                Answer::Early(bytes) => self.say(bytes),
                Answer::Continue => self.say(b"HTTP/1.1 100 Continue\r\n\r\n"),
                _ => {}
            }
            let framing = head.framing().unwrap_or(Framing::Length(0));
            let Some((body, length)) = self.more(&mut input, |bytes| message::body(bytes, framing))
            else {
                self.note(&head, &format!("{}, and no more", shown_body(&input)));
                return;
            };
            input.drain(..length);
            self.note(&head, &shown_body(&body));
            match answer {
                Answer::Usual | Answer::Continue => self.say(usual(&head).as_bytes()),
                Answer::Raw(bytes) => self.say(&bytes),
                Answer::Last(bytes) => {
                    self.say(&bytes);
                    let _ = self.stream.shutdown(Shutdown::Write);
                }
                Answer::Upgrade => return self.echo(&input),
                Answer::Early(_) | Answer::Silence => {}
            }
        }
        if !input.is_empty() {
            self.write_down(format!("{}, and no more", shown(&input)));
        }
    }

    /// The next request, which may not come.
    fn head(&mut self, input: &mut Vec<u8>) -> Option<Head> {
        if input.is_empty() && self.served {
            self.waits.store(true, Ordering::Release);
        }
        let head = self.more(input, Head::read);
        self.waits.store(false, Ordering::Release);
        self.served = true;
        head
    }

    /// Reads until this is there. `None`: the proxy has closed the connection.
    fn more<T>(&mut self, input: &mut Vec<u8>, find: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = find(input) {
                return Some(found);
            }
            let mut room = [0; 65_536];
            match self.stream.read(&mut room) {
                Ok(0) => return None,
                Ok(length) => input.extend_from_slice(&room[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("after {:?}: {error}", begun.elapsed()),
            }
        }
    }

    fn echo(&mut self, input: &[u8]) {
        self.say(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
        );
        self.say(input);
        let (mut all, mut room) = (input.to_vec(), [0; 65_536]);
        while let Ok(length @ 1..) = self.stream.read(&mut room) {
            all.extend_from_slice(&room[..length]);
            self.say(&room[..length]);
        }
        self.write_down(format!("then {}", shown(&all)));
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn next_answer(&self) -> Option<Answer> {
        self.case.lock().expect("nobody panics with it").answers.pop_front()
    }

    fn note(&self, head: &Head, body: &str) {
        self.write_down(match body {
            "" => head.line(),
            body => format!("{} | body: {body}", head.line()),
        });
    }

    fn write_down(&self, line: String) {
        self.case.lock().expect("nobody panics with it").heard[self.number].push(line);
    }

    fn say(&mut self, bytes: &[u8]) {
        // Where the proxy has gone, the next read says so.
        let _ = self.stream.write_all(bytes);
    }
}

fn usual(head: &Head) -> String {
    let mut words = head.first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let body = format!("{method} {target}");
    let length = body.len();
    let body = if method == "HEAD" { "" } else { &body };
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}
