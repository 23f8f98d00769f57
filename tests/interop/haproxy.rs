//! A HAProxy on this host's loopback, a server behind it, and a socket that hears its log.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::{FdFlags, fcntl_setfd};
use socket2::{Domain, Socket, Type};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ended with the value.
pub(crate) struct HaProxy {
    child: Child,
    logs: UdpSocket,
    addresses: Vec<SocketAddr>,
    /// Where the server is.
    pub(crate) server: SocketAddr,
    _dead: Socket,
    _folder: tempfile::TempDir,
}

impl HaProxy {
    /// Starts one. In the configuration `{log}` and `{server}` stand for addresses, `{dead}` for one where nobody
    /// listens, `{0}`, `{1}` … for sockets. They listen before it starts: who connects waits for it.
    pub(crate) fn start(config: &str, sockets: usize) -> Result<Self> {
        let logs = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        logs.set_read_timeout(Some(PATIENCE))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let server = listener.local_addr()?;
        thread::spawn(move || serve(&listener));
        // Bound, so that it stays nobody's.
        let dead = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        dead.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let nobody = dead.local_addr()?.as_socket().context("no port")?;
        let mut config = config.replace("{log}", &logs.local_addr()?.to_string());
        config = config.replace("{server}", &server.to_string());
        config = config.replace("{dead}", &nobody.to_string());
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for number in 0..sockets {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            // It inherits them. Another one beside it may, too, and does not look at what nobody told it of.
            fcntl_setfd(&listener, FdFlags::empty())?;
            let bind = format!("fd@{}", listener.as_raw_fd());
            config = config.replace(&format!("{{{number}}}"), &bind);
            addresses.push(listener.local_addr()?);
            listeners.push(listener);
        }
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, config)?;
        let child = Command::new("haproxy")
            .args(["-db", "-q", "-f"])
            .arg(&file)
            // Debian keeps it out of the path of ordinary users.
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("TZ", "UTC")
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start haproxy: is the package installed? See `cargo xtask setup`")?;
        Ok(Self { child, logs, addresses, server, _dead: dead, _folder: folder })
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The address of this socket of the configuration.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        self.addresses[number]
    }

    /// Sends these bytes, reads to the end, and returns the client's address and the log's message.
    pub(crate) fn ask(&self, number: usize, request: &[u8]) -> Result<(SocketAddr, Vec<u8>)> {
        let mut client = TcpStream::connect(self.address(number))?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.write_all(request)?;
        let address = client.local_addr()?;
        // A reset is an end, too.
        let _ = client.read_to_end(&mut Vec::new());
        drop(client);
        let mut message = vec![0; 8_192];
        let length = self.logs.recv(&mut message).context("no message in HAProxy's log")?;
        message.truncate(length);
        Ok((address, message))
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers each connection's one request by its path.
fn serve(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // A client that has gone is no matter here.
        thread::spawn(move || answer(stream));
    }
}

const GOOD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-R: a|b{c}\r\nConnection: close\r\n\r\nhello";
const CUT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    let mut room = [0; 1_024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut room)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&room[..length]);
    }
    let path = request.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    match path {
        // Until the proxy has lost patience.
        b"/silent" => stream.read(&mut room).map(drop),
        b"/close" => Ok(()),
        b"/garbage" => stream.write_all(b"garbage\r\n\r\n"),
        b"/cut" => stream.write_all(CUT),
        _ => stream.write_all(GOOD),
    }
}
