//! A HAProxy on this host's loopback, a server behind it, and a socket that hears its log.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ended with the value.
pub(crate) struct HaProxy {
    child: Child,
    logs: UdpSocket,
    ports: Vec<u16>,
    /// Where the server is.
    pub(crate) server: SocketAddr,
    _folder: tempfile::TempDir,
}

impl HaProxy {
    /// Starts one. In the configuration `{log}` and `{server}` stand for addresses, `{0}`, `{1}` … for free ports.
    pub(crate) fn start(config: &str, ports: usize) -> Result<Self> {
        let logs = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        logs.set_read_timeout(Some(PATIENCE))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let server = listener.local_addr()?;
        thread::spawn(move || serve(&listener));
        let ports = free_ports(ports)?;
        let mut config = config.replace("{log}", &logs.local_addr()?.to_string());
        config = config.replace("{server}", &server.to_string());
        for (number, port) in ports.iter().enumerate() {
            config = config.replace(&format!("{{{number}}}"), &format!("127.0.0.1:{port}"));
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
        let mut haproxy = Self { child, logs, ports, server, _folder: folder };
        haproxy.wait_until_it_listens()?;
        Ok(haproxy)
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The address of this port of the configuration.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports[number]).into()
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

    /// With `option dontlognull` a connection without a byte leaves no message.
    fn wait_until_it_listens(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        // It listens at all of them, or at none.
        while TcpStream::connect(self.address(0)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("haproxy has ended: {status}");
            }
            if Instant::now() > end {
                bail!("haproxy does not listen");
            }
            thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that are free now, all held until all are known.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<_>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
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
