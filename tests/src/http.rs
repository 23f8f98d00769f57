//! As much HTTP/1.1 as the lab's clients need: one GET, one answer, each byte of it checked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

/// The header in which a real server names itself.
pub const SERVER_HEADER: &str = "X-Real-Server";

const MAX_HEAD_LINES: usize = 64;
const MAX_LINE: u64 = 4096;
/// Prime, so that a block that was lost or doubled shows.
const PATTERN_PERIOD: u8 = 251;

/// A request for a path, as [`Connection::get`] sends it.
pub(crate) fn request(host: SocketAddr, path: &str, keep_alive: bool) -> String {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\r\n")
}

/// The bytes from `offset` of every file that the lab's web servers have.
pub fn pattern(offset: usize, length: usize) -> Vec<u8> {
    (0..PATTERN_PERIOD).cycle().skip(offset % usize::from(PATTERN_PERIOD)).take(length).collect()
}

/// The first part of an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Head {
    /// The status, such as 200.
    pub status: u16,
    /// The length of the body.
    pub length: usize,
    /// Which real server says it is answering.
    pub server: String,
    /// The server closes the connection after this answer.
    pub close: bool,
}

/// A connection to a web server.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects from a source address. `timeout` bounds connecting and each later read and write.
    pub fn open(source: IpAddr, target: SocketAddr, timeout: Duration) -> io::Result<Self> {
        Self::open_from(SocketAddr::new(source, 0), target, timeout)
    }

    /// Connects from a source address and port; port 0 is any.
    pub fn open_from(
        source: SocketAddr,
        target: SocketAddr,
        timeout: Duration,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(target), Type::STREAM, None)?;
        if source.port() == 0 {
            // The port is chosen by connect(): one port can then serve many targets.
            setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        }
        socket.bind(&source.into())?;
        socket.set_tcp_nodelay(true)?;
        socket.connect_timeout(&target.into(), timeout)?;
        socket.set_read_timeout(Some(timeout))?;
        socket.set_write_timeout(Some(timeout))?;
        Ok(Self { stream: BufReader::new(socket.into()) })
    }

    /// The socket. What has been read ahead of the caller is lost.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }

    /// Sends a GET and reads the first part of the answer.
    pub fn get(&mut self, host: SocketAddr, path: &str, keep_alive: bool) -> io::Result<Head> {
        self.stream.get_mut().write_all(request(host, path, keep_alive).as_bytes())?;
        self.read_head()
    }

    /// Reads exactly this much of the body.
    pub fn read_body(&mut self, body: &mut [u8]) -> io::Result<()> {
        self.stream.read_exact(body)
    }

    /// Waits for the server to close; an error when it sends more, or resets.
    pub fn expect_end(&mut self) -> io::Result<()> {
        match self.stream.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "bytes after the end of the body")),
        }
    }

    fn read_head(&mut self) -> io::Result<Head> {
        let mut line = String::new();
        let mut head = Head::default();
        for number in 0..MAX_HEAD_LINES {
            line.clear();
            if (&mut self.stream).take(MAX_LINE).read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => return Ok(head),
                text => head.read_line(number, text)?,
            }
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "too many header lines"))
    }
}

impl Head {
    /// Reads the first part of an answer out of what has come of it, and tells where the body begins; `None`
    /// while the part is not whole.
    pub(crate) fn parse(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes[..end]);
        let mut head = Self::default();
        text.lines().enumerate().try_for_each(|(number, line)| head.read_line(number, line))?;
        Ok(Some((head, end + END.len())))
    }

    fn read_line(&mut self, number: usize, line: &str) -> io::Result<()> {
        if number > 0 {
            return self.read_field(line);
        }
        self.status = status(line)?;
        Ok(())
    }

    fn read_field(&mut self, field: &str) -> io::Result<()> {
        let (name, value) = field.split_once(": ").ok_or_else(|| invalid("header", field))?;
        if name.eq_ignore_ascii_case("content-length") {
            self.length = value.parse().map_err(|_| invalid("content length", value))?;
        } else if name.eq_ignore_ascii_case("connection") {
            self.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case(SERVER_HEADER) {
            value.clone_into(&mut self.server);
        }
        Ok(())
    }
}

fn status(line: &str) -> io::Result<u16> {
    let mut words = line.split(' ');
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words.next().and_then(|status| status.parse().ok());
    status.filter(|_| is_http).ok_or_else(|| invalid("status line", line))
}

fn invalid(what: &str, value: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a {what}: {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status_line() {
        assert_eq!(status("HTTP/1.1 404 Not Found").unwrap(), 404);
        assert!(status("SMTP 200").is_err());
        assert!(status("HTTP/1.1 OK").is_err());
    }

    #[test]
    fn a_head_that_comes_in_pieces() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Real-Server: real1\r\n\r\nbody";
        let end = text.len() - "body".len();
        assert_eq!(Head::parse(&text.as_bytes()[..end - 1]).unwrap(), None);
        let (head, body) = Head::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!((head.status, head.length, head.server.as_str()), (200, 7, "real1"));
        assert_eq!(body, end);
    }

    #[test]
    fn pattern_continues_at_its_offset() {
        assert_eq!(pattern(0, 600)[500..], pattern(500, 100));
    }
}
