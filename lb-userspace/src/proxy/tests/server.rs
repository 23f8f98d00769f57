//! Servers that do what a test says, and tell what they have heard.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// One connection of a server.
pub(in crate::proxy) struct Peer {
    pub(in crate::proxy) stream: TcpStream,
    /// Read, and not asked for yet.
    rest: Vec<u8>,
}

/// A server. Each connection is a function's, in a thread of its own; its number is counted from 0.
pub(in crate::proxy) fn server(
    serve: impl Fn(usize, &mut Peer) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = std::sync::Arc::new(serve);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { return };
            let serve = std::sync::Arc::clone(&serve);
            std::thread::spawn(move || serve(number, &mut Peer::new(stream)));
        }
    });
    address
}

/// One that answers each request (without a body) with these bytes, and tells its heads.
pub(in crate::proxy) fn answering(answer: &'static [u8]) -> (SocketAddr, Receiver<String>) {
    let (told, heard): (Sender<String>, _) = channel();
    let address = server(move |_, peer| {
        while let Some(head) = peer.head() {
            let _ = told.send(head);
            peer.say(answer);
        }
    });
    (address, heard)
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (one, listener.accept().unwrap().0)
}

/// An address that refuses.
pub(in crate::proxy) fn nobody() -> SocketAddr {
    // Bound for as long as the tests run, so that nobody else gets the port.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    std::mem::forget(socket);
    address
}

impl Peer {
    pub(in crate::proxy) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, rest: Vec::new() }
    }

    /// Bytes that are all there is.
    pub(in crate::proxy) fn of(bytes: &[u8]) -> Self {
        let (stream, mut other) = pair();
        let bytes = bytes.to_vec();
        std::thread::spawn(move || other.write_all(&bytes));
        Self::new(stream)
    }

    pub(in crate::proxy) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    /// A head with its empty line. `None`: the connection has ended.
    pub(in crate::proxy) fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.rest.drain(..end + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// So many bytes.
    pub(in crate::proxy) fn bytes(&mut self, length: usize) -> Vec<u8> {
        while self.rest.len() < length {
            assert!(self.more(), "{} of {length} bytes", self.rest.len());
        }
        self.rest.drain(..length).collect()
    }

    /// Everything until the connection ends.
    pub(in crate::proxy) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.rest)
    }

    pub(in crate::proxy) fn text(&mut self) -> String {
        String::from_utf8(self.rest()).unwrap()
    }

    fn more(&mut self) -> bool {
        let mut room = vec![0; 65_536];
        match self.stream.read(&mut room) {
            Ok(length) => {
                self.rest.extend_from_slice(&room[..length]);
                length > 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(in crate::proxy) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        // Where the other side has closed, what is read next shows it.
        let _ = self.stream.write_all(bytes.as_ref());
    }

    pub(in crate::proxy) fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub(in crate::proxy) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.say(bytes);
        self.head().expect("a response")
    }
}
