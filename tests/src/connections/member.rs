//! One connection: a request, its answer, and again; nothing here waits.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;

use crate::http::{Head, pattern, request};
use crate::load::Failure;

/// What is read at a time.
const BLOCK: usize = 16 << 10;
const MAX_HEAD: usize = 4096;
/// Any block at any offset is a part of it. (Made once: it is compared with every byte that comes.)
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(0, BLOCK + PERIOD));
const PERIOD: usize = 251;

/// A connection and how far its answer has come.
#[derive(Debug)]
pub(super) struct Member {
    stream: TcpStream,
    client: SocketAddr,
    target: SocketAddr,
    request: String,
    phase: Phase,
    server: String,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was asked.
    Idle,
    /// The first part of an answer is coming: this much of it is here.
    Head(Vec<u8>),
    /// The body is coming.
    Body { at: usize, length: usize },
}

/// What came of reading.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Progress {
    /// So many bytes of bodies, all right.
    pub(super) bytes: usize,
    /// The answer is complete.
    pub(super) done: bool,
}

impl Member {
    /// Takes a fresh connection over.
    pub(super) fn new(stream: TcpStream, path: &str) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let (client, target) = (stream.local_addr()?, stream.peer_addr()?);
        let request = request(target, path, true);
        Ok(Self { stream, client, target, request, phase: Phase::Idle, server: String::new() })
    }

    pub(super) fn client(&self) -> SocketAddr {
        self.client
    }

    pub(super) fn target(&self) -> SocketAddr {
        self.target
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The real server that answers; empty before the first answer.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Sends the next request. (It fits into the socket's buffer, which is empty: the last one was answered.)
    pub(super) fn ask(&mut self) -> Result<(), Failure> {
        self.stream.write_all(self.request.as_bytes())?;
        self.phase = Phase::Head(Vec::new());
        Ok(())
    }

    /// Reads and checks what has come.
    pub(super) fn read(&mut self) -> Result<Progress, Failure> {
        let mut block = [0; BLOCK];
        let size = match self.stream.read(&mut block) {
            Ok(0) => return Err(Failure::Truncated),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        self.take(&block[..size])
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Progress, Failure> {
        match &mut self.phase {
            _ if bytes.is_empty() => Ok(Progress { bytes: 0, done: false }),
            Phase::Idle => Err(Failure::Other("an answer that nobody asked for".into())),
            Phase::Head(head) => {
                head.extend_from_slice(bytes);
                let whole = std::mem::take(head);
                let Some((head, end)) = Head::parse(&whole)? else {
                    if whole.len() > MAX_HEAD {
                        return Err(Failure::Other("an answer without a body".into()));
                    }
                    self.phase = Phase::Head(whole);
                    return Ok(Progress { bytes: 0, done: false });
                };
                self.begin(head)?;
                self.take_body(&whole[end..])
            }
            Phase::Body { .. } => self.take_body(bytes),
        }
    }

    fn begin(&mut self, head: Head) -> Result<(), Failure> {
        if head.status != 200 {
            return Err(Failure::Status(head.status));
        }
        if self.server.is_empty() {
            self.server = head.server;
        } else if self.server != head.server {
            let words = format!("{} was answering, now it is {}", self.server, head.server);
            return Err(Failure::Other(words));
        }
        self.phase = Phase::Body { at: 0, length: head.length };
        Ok(())
    }

    fn take_body(&mut self, bytes: &[u8]) -> Result<Progress, Failure> {
        let Phase::Body { at, length } = &mut self.phase else {
            return Err(Failure::WrongBody);
        };
        let start = *at % PERIOD;
        // Heads are read together with their bodies: a block is never longer than the pattern's.
        if *at + bytes.len() > *length || bytes != &PATTERN[start..][..bytes.len()] {
            return Err(Failure::WrongBody);
        }
        *at += bytes.len();
        let done = at == length;
        if done {
            self.phase = Phase::Idle;
        }
        Ok(Progress { bytes: bytes.len(), done })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 600\r\nX-Real-Server: real1\r\n\r\n";

    /// A member whose request was sent, and the other end.
    fn asked() -> (Member, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut member = Member::new(stream, "/1k").unwrap();
        member.ask().unwrap();
        (member, listener)
    }

    #[test]
    fn an_answer_in_pieces() {
        let (mut member, _listener) = asked();
        let answer = [HEAD.as_bytes(), &pattern(0, 600)].concat();
        let pieces: Vec<_> = answer.chunks(37).map(|piece| member.take(piece).unwrap()).collect();
        assert_eq!(pieces.iter().map(|piece| piece.bytes).sum::<usize>(), 600);
        assert_eq!(pieces.iter().filter(|piece| piece.done).count(), 1);
        assert!(pieces.last().unwrap().done);
        assert_eq!(member.server(), "real1");
        assert!(member.take(b"more").is_err());
    }

    #[test]
    fn what_is_wrong_is_seen() {
        let whole = [HEAD.as_bytes(), &pattern(0, 600)].concat();
        let flip = |at: usize| {
            let mut answer = whole.clone();
            answer[at] ^= 1;
            answer
        };
        let cases = [
            (flip(HEAD.len()), Failure::WrongBody),
            (flip(whole.len() - 1), Failure::WrongBody),
            ([&whole[..], b"x"].concat(), Failure::WrongBody),
            (HEAD.replace("200", "503").into_bytes(), Failure::Status(503)),
        ];
        for (answer, failure) in cases {
            let (mut member, _listener) = asked();
            assert_eq!(member.take(&answer), Err(failure));
        }
        let (mut member, _listener) = asked();
        member.take(&whole).unwrap();
        member.ask().unwrap();
        let other = String::from_utf8_lossy(&whole).replace("real1", "real2");
        assert!(matches!(member.take(other.as_bytes()), Err(Failure::Other(_))));
    }
}
