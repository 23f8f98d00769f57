//! Requests from one thread over many connections; each response is checked.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) connections: u64,
    /// A new connection for each request.
    pub(crate) close: bool,
    pub(crate) by: By,
}

/// What the proxy is asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Http,
    Tls {
        /// Sessions are taken up again.
        resumes: bool,
    },
    /// HTTP, but the proxy takes it for a stream of bytes.
    Tcp,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) requests: u32,
    pub(crate) took: Duration,
}

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    Time(Duration),
    Requests(u32),
}

impl Length {
    fn is_over(self, took: Duration, requests: u32) -> bool {
        match self {
            Self::Time(time) => took >= time,
            Self::Requests(most) => requests >= most,
        }
    }
}

struct Connection {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Bytes of this response that have come.
    come: usize,
}

impl Load {
    /// For so long. `plain`: the same without TLS, which tells how long a response is.
    pub(crate) fn run(
        &self,
        [plain, proxy]: [SocketAddr; 2],
        config: &Arc<ClientConfig>,
        length: Length,
    ) -> Result<Done> {
        let request = self.request();
        let expected = self.length(plain, &request)?;
        let config = matches!(self.by, By::Tls { .. }).then_some(config);
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        let mut all = Vec::new();
        for number in 0..self.connections {
            all.push(Connection::open(proxy, config, &request, &epoll, number)?);
        }
        let mut room = vec![0; 1 << 20];
        let mut events = [EpollEvent::empty(); 64];
        let (began, mut requests) = (Instant::now(), 0);
        while !length.is_over(began.elapsed(), requests) {
            let count = epoll.wait(&mut events, EpollTimeout::from(10_000_u16))?;
            ensure!(count > 0, "nothing came for ten seconds");
            for event in &events[..count] {
                let number = event.data();
                let connection = &mut all[usize::try_from(number)?];
                if connection.read(&mut room, expected)? {
                    requests += 1;
                    if self.close {
                        *connection = Connection::open(proxy, config, &request, &epoll, number)?;
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
    fn open(
        proxy: SocketAddr,
        config: Option<&Arc<ClientConfig>>,
        request: &[u8],
        epoll: &Epoll,
        number: u64,
    ) -> Result<Self> {
        let stream = TcpStream::connect(proxy)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
        let client = |config: &Arc<ClientConfig>| -> Result<_> {
            let name = ServerName::try_from("bench.test")?;
            Ok(Box::new(ClientConnection::new(Arc::clone(config), name)?))
        };
        let tls = config.map(client).transpose()?;
        let mut connection = Self { stream, tls, come: 0 };
        connection.ask(request)?;
        Ok(connection)
    }

    /// A request fits into an empty socket.
    fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.come = 0;
        match &mut self.tls {
            None => Ok(self.stream.write_all(request)?),
            Some(tls) => {
                // It waits there for the end of the handshake.
                tls.writer().write_all(request)?;
                self.send()
            }
        }
    }

    fn send(&mut self) -> Result<()> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    /// Reads what has come. Was it the last of it?
    fn read(&mut self, room: &mut [u8], expected: usize) -> Result<bool> {
        if let Some(tls) = &mut self.tls {
            match tls.read_tls(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => drop(result?),
            }
            tls.process_new_packets()?;
            self.send()?;
        }
        let read = match &mut self.tls {
            None => self.stream.read(room),
            Some(tls) => tls.reader().read(room),
        };
        match read {
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
