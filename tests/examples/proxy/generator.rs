//! Requests from one thread over many connections; each response is checked.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) connections: u64,
    /// A new connection for each request.
    pub(crate) close: bool,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) requests: u32,
    pub(crate) took: Duration,
}

struct Connection {
    stream: TcpStream,
    /// Bytes of this response that have come.
    come: usize,
}

impl Load {
    /// For so long.
    pub(crate) fn run(&self, proxy: SocketAddr, length: Duration) -> Result<Done> {
        let request = self.request();
        let expected = self.length(proxy, &request)?;
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        let mut all = Vec::new();
        for number in 0..self.connections {
            all.push(Connection::open(proxy, &request, &epoll, number)?);
        }
        let mut room = vec![0; 1 << 20];
        let mut events = [EpollEvent::empty(); 64];
        let (began, mut requests) = (Instant::now(), 0);
        while began.elapsed() < length {
            let count = epoll.wait(&mut events, EpollTimeout::from(1_000_u16))?;
            ensure!(count > 0, "nothing came for a second");
            for event in &events[..count] {
                let number = event.data();
                let connection = &mut all[usize::try_from(number)?];
                if connection.read(&mut room, expected)? {
                    requests += 1;
                    if self.close {
                        *connection = Connection::open(proxy, &request, &epoll, number)?;
                    } else {
                        connection.ask(&request)?;
                    }
                }
            }
        }
        Ok(Done { requests, took: began.elapsed() })
    }

    fn request(&self) -> Vec<u8> {
        let close = if self.close { "Connection: close\r\n" } else { "" };
        let agent = "User-Agent: lb-bench\r\nAccept: */*\r\nAccept-Encoding: identity\r\n";
        format!("GET {} HTTP/1.1\r\nHost: bench\r\n{agent}{close}\r\n", self.path).into_bytes()
    }

    /// Bytes of a response: that of the first request, which says so. All others are alike.
    fn length(&self, proxy: SocketAddr, request: &[u8]) -> Result<usize> {
        let mut stream = TcpStream::connect(proxy)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(request)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).context("the first response")?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head)?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let field = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        Ok(head.len() + field.context("no length")??)
    }
}

impl Connection {
    fn open(proxy: SocketAddr, request: &[u8], epoll: &Epoll, number: u64) -> Result<Self> {
        let stream = TcpStream::connect(proxy)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
        let mut connection = Self { stream, come: 0 };
        connection.ask(request)?;
        Ok(connection)
    }

    /// A request fits into an empty socket.
    fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.come = 0;
        Ok(self.stream.write_all(request)?)
    }

    /// Reads what has come. Was it the last of it?
    fn read(&mut self, room: &mut [u8], expected: usize) -> Result<bool> {
        match self.stream.read(room) {
            Ok(0) => bail!("closed after {} of {expected} bytes", self.come),
            Ok(length) => {
                if self.come == 0 {
                    ensure!(room[..length].starts_with(b"HTTP/1.1 200 "), "no 200");
                }
                self.come += length;
                ensure!(self.come <= expected, "{} of {expected} bytes", self.come);
                Ok(self.come == expected)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
