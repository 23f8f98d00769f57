//! What the protocols ask of a connection, so that TLS can stand in for TCP.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::tls::Facts;

/// A stream of bytes in both directions.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Whether something came, or the other side has closed: nobody may write here who awaits silence.
    fn has_input(&self) -> bool;

    /// Writes what fits; the connection is closed as soon as all of it is written, and its end goes in the same segment.
    fn poll_write_last(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write(cx, bytes)
    }

    /// Says that the connection ends as it should, without waiting for anybody: TCP says it by the end itself.
    fn say_goodbye(&mut self) {}

    /// As it is, where bytes may pass unread.
    fn plain(&self) -> Option<&TcpStream> {
        None
    }

    /// By what TLS, if by any.
    fn tls(&self) -> Option<Facts> {
        None
    }
}

impl Transport for TcpStream {
    fn has_input(&self) -> bool {
        // What the driver has seen already: no system call. What it has not seen fails at the first read.
        self.poll_read_ready(&mut Context::from_waker(Waker::noop())).is_ready()
            && is_readable(self)
    }

    fn poll_write_last(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match try_send(self, bytes, true) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn plain(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

/// Whether there is something to read, or the end. The driver may have seen what has been taken since, by a read that was
/// not asked for more than came.
fn is_readable(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    let peeked = stream.try_io(Interest::READABLE, || SockRef::from(stream).peek(&mut byte));
    !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends what goes at once; `more`: something follows at once, if it is but the end.
pub(super) fn try_send(stream: &TcpStream, bytes: &[u8], more: bool) -> io::Result<usize> {
    let flags = libc::MSG_NOSIGNAL | if more { libc::MSG_MORE } else { 0 };
    stream.try_io(Interest::WRITABLE, || SockRef::from(stream).send_with_flags(bytes, flags))
}

/// Reads what there is; 0 is the end.
pub(super) fn poll_read(
    stream: &mut impl Transport,
    cx: &mut Context<'_>,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(room);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Writes what fits.
pub(super) fn poll_write(
    stream: &mut impl Transport,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(stream).poll_write(cx, bytes)) {
        Ok(0) if !bytes.is_empty() => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        result => Poll::Ready(result),
    }
}

/// Writes what fits, as [`Transport::poll_write_last`] does.
pub(super) fn poll_write_last(
    stream: &mut impl Transport,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    match ready!(stream.poll_write_last(cx, bytes)) {
        Ok(0) if !bytes.is_empty() => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        result => Poll::Ready(result),
    }
}

/// Writes what fits of both.
pub(super) fn poll_write_both(
    stream: &mut impl Transport,
    cx: &mut Context<'_>,
    [first, second]: [&[u8]; 2],
) -> Poll<io::Result<usize>> {
    if first.is_empty() || second.is_empty() {
        return poll_write(stream, cx, if first.is_empty() { second } else { first });
    }
    let both = [io::IoSlice::new(first), io::IoSlice::new(second)];
    match ready!(Pin::new(stream).poll_write_vectored(cx, &both)) {
        Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        result => Poll::Ready(result),
    }
}

/// Says that nothing more follows.
pub(super) async fn end_writing(stream: &mut impl Transport) -> io::Result<()> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await
}
