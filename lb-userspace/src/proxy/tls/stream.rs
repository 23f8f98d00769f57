//! A connection with TLS on it.
//!
//! What is read goes into the caller's own room first, as it comes from the network, and is decrypted from there: no
//! buffer is held between two reads. What is written is encrypted at once and sent before more is taken.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::{
    CipherSuite, ClientConnection, ConnectionCommon, ProtocolVersion, ServerConnection, SideData,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Facts;
use crate::proxy::transport::{Transport, try_send};

/// Bytes that are encrypted before they are sent: 16 records.
const MOST_WRITTEN: usize = 256 * 1024;
/// Bytes that are read at a time: a record, and what is around it.
const MOST_READ: usize = 16 * 1024 + 512;
/// Decrypted bytes that rustls holds before it takes in more.
const MOST_HELD: usize = 16 * 1024;

/// One with a client, or with a server.
#[derive(Debug)]
pub(in crate::proxy) struct TlsStream<T> {
    io: TcpStream,
    tls: T,
    /// Bytes that were encrypted by a write that is not over: it is told of them when they have gone.
    taken: usize,
    /// Nothing more is written.
    is_over: bool,
    /// Decrypted, where several records came at once and rustls would not have held them.
    spilled: Vec<u8>,
    /// Decrypted bytes that rustls holds.
    held: usize,
}

impl<T, S> TlsStream<T>
where
    T: DerefMut<Target = ConnectionCommon<S>>,
    S: SideData,
{
    pub(super) fn new(io: TcpStream, mut tls: T) -> Self {
        tls.set_buffer_limit(Some(MOST_WRITTEN));
        Self { io, tls, taken: 0, is_over: false, spilled: Vec::new(), held: 0 }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// After the handshake.
    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        self.tls.protocol_version()
    }

    /// Sends what is encrypted.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            ready!(self.io.poll_write_ready(cx))?;
            match self.tls.write_tls(&mut Now(&self.io, self.is_over)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                // It is asked to say when: the next turn waits.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes in what has come, by way of `room`. False: nothing more comes.
    pub(super) fn poll_take_in(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<bool>> {
        let most = room.len().min(MOST_READ);
        let mut buffer = ReadBuf::new(&mut room[..most]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        let input = buffer.filled();
        if input.is_empty() {
            return Poll::Ready(Ok(false));
        }
        Poll::Ready(self.take_in(input).map(|()| true))
    }

    /// Takes in what has come already.
    pub(super) fn take_in(&mut self, mut input: &[u8]) -> io::Result<()> {
        while !input.is_empty() {
            // What follows the end is nothing.
            if self.tls.read_tls(&mut input)? == 0 {
                break;
            }
            match self.tls.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() > MOST_HELD => {
                    let from = self.spilled.len();
                    self.spilled.resize(from + state.plaintext_bytes_to_read(), 0);
                    self.tls.reader().read_exact(&mut self.spilled[from..])?;
                    self.held = 0;
                }
                Ok(state) => self.held = state.plaintext_bytes_to_read(),
                Err(error) => {
                    // The other side is told why, if it listens.
                    self.send_what_goes();
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
        }
        Ok(())
    }

    /// Without waiting.
    fn send_what_goes(&mut self) {
        while self.tls.wants_write() && self.tls.write_tls(&mut Now(&self.io, self.is_over)).is_ok()
        {
        }
    }

    /// `None`: nothing has been decrypted that was not read.
    fn read_decrypted(&mut self, room: &mut [u8]) -> Option<io::Result<usize>> {
        if !self.spilled.is_empty() {
            let length = room.len().min(self.spilled.len());
            room[..length].copy_from_slice(&self.spilled[..length]);
            self.spilled.drain(..length);
            if self.spilled.is_empty() {
                self.spilled = Vec::new();
            }
            return Some(Ok(length));
        }
        match self.tls.reader().read(room) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            // Cut off without a word. What HTTP sends says by itself where it ends.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Some(Ok(0)),
            Err(error) => Some(Err(error)),
            Ok(length) => {
                self.held = self.held.saturating_sub(length);
                Some(Ok(length))
            }
        }
    }

    /// Encrypts by this function, and is done when all of that has gone.
    fn poll_encrypt(
        &mut self,
        cx: &mut Context<'_>,
        encrypt: impl FnOnce(&mut T) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.taken == 0 {
            // What the handshake has left goes with it.
            self.taken = encrypt(&mut self.tls)?;
        }
        ready!(self.poll_send(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut self.taken)))
    }
}

impl<T, S> AsyncRead for TlsStream<T>
where
    T: DerefMut<Target = ConnectionCommon<S>> + Unpin,
    S: SideData,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = buffer.initialize_unfilled();
        loop {
            if let Some(result) = this.read_decrypted(room) {
                buffer.advance(result?);
                return Poll::Ready(Ok(()));
            }
            if !ready!(this.poll_take_in(cx, room))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<T, S> AsyncWrite for TlsStream<T>
where
    T: DerefMut<Target = ConnectionCommon<S>> + Unpin,
    S: SideData,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_encrypt(cx, |tls| tls.writer().write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_encrypt(cx, |tls| tls.writer().write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !std::mem::replace(&mut this.is_over, true) {
            this.tls.send_close_notify();
        }
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

impl<T, S> TlsStream<T>
where
    T: DerefMut<Target = ConnectionCommon<S>>,
    S: SideData,
{
    /// Bytes that nobody has read, or an end.
    fn input(&self) -> bool {
        let left = self.held > 0 || !self.spilled.is_empty();
        left || self.io.has_input()
    }

    fn goodbye(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.tls.send_close_notify();
            // Whoever does not listen misses nothing.
            self.send_what_goes();
        }
    }
}

impl Transport for TlsStream<ServerConnection> {
    fn has_input(&self) -> bool {
        self.input()
    }

    fn poll_write_last(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.taken == 0 && !self.is_over {
            self.taken = self.tls.writer().write(bytes)?;
            if self.taken == bytes.len() {
                self.is_over = true;
                self.tls.send_close_notify();
            }
        }
        ready!(self.poll_send(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut self.taken)))
    }

    fn say_goodbye(&mut self) {
        self.goodbye();
    }

    fn tls(&self) -> Option<Facts> {
        let version = match self.tls.protocol_version()? {
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            _ => "TLS",
        };
        let suite = self.tls.negotiated_cipher_suite().map(|suite| suite.suite());
        let cipher = suite.as_ref().and_then(CipherSuite::as_str).unwrap_or("-");
        let sni = self.tls.server_name().map(Into::into);
        Some(Facts { version, cipher: cipher_name(cipher), sni })
    }
}

impl Transport for TlsStream<ClientConnection> {
    fn has_input(&self) -> bool {
        self.input()
    }

    fn say_goodbye(&mut self) {
        self.goodbye();
    }
}

/// As IANA and OpenSSL write those of TLS 1.3: rustls tells them apart by a prefix of its own.
const fn cipher_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        b"TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        b"TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        b"TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        _ => name,
    }
}

/// Writes what can be written now. After a goodbye nothing but the end of the connection follows: it goes in the same
/// segment.
struct Now<'a>(&'a TcpStream, bool);

impl io::Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        try_send(self.0, bytes, self.1)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match parts {
            [only] => try_send(self.0, only, self.1),
            _ => self.0.try_write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
