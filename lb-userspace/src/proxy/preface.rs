//! The header of the PROXY protocol before a stream: who the client is.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;

use super::context::Context;
use super::transport::{poll_read, poll_write};
use crate::model::ProxyVersion;
use crate::preamble::{
    MAX_PROXY_HEADER, Progress, ProxiedAddresses, ProxyHeader, read_proxy_header,
    write_proxy_header,
};

/// A client that has said who it is.
pub(super) struct Introduced {
    /// The client's end, and the one that it went to.
    pub(super) ends: [SocketAddr; 2],
    /// What came behind the header.
    pub(super) first: Vec<u8>,
    /// How long its TLS handshake took.
    pub(super) handshake: Duration,
}

/// Reads a header. `None`: there is none, it is wrong, or it does not come in time: nobody knows who would be answered.
pub(super) async fn read(
    context: &Context,
    stream: &mut TcpStream,
    ends: [SocketAddr; 2],
    timeout: Duration,
) -> Option<Introduced> {
    let timer = context.timers.timer();
    timer.set(timeout);
    let mut bytes = Vec::new();
    poll_fn(|cx| {
        loop {
            let mut scratch = context.scratch.borrow_mut();
            match poll_read(stream, cx, &mut scratch[..MAX_PROXY_HEADER]) {
                Poll::Pending => return timer.poll(cx).map(|()| None),
                Poll::Ready(Ok(length @ 1..)) => bytes.extend_from_slice(&scratch[..length]),
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
            }
            match read_proxy_header(&bytes) {
                Ok(Progress::More) if bytes.len() < MAX_PROXY_HEADER => {}
                Ok(Progress::More) | Err(_) => return Poll::Ready(None),
                Ok(Progress::Done { value, length }) => {
                    let ends = match value {
                        ProxyHeader::Local => ends,
                        ProxyHeader::Proxied(said) => [said.source, said.destination],
                    };
                    return Poll::Ready(Some(Introduced {
                        ends,
                        first: bytes.split_off(length),
                        handshake: Duration::ZERO,
                    }));
                }
            }
        }
    })
    .await
}

/// Tells a server who its client is, as the first thing on a new connection.
pub(super) async fn write(
    stream: &mut TcpStream,
    version: ProxyVersion,
    [source, destination]: [SocketAddr; 2],
) -> std::io::Result<()> {
    let mut header = Vec::new();
    let ends = ProxiedAddresses { source, destination };
    write_proxy_header(version, &ProxyHeader::Proxied(ends), &mut header);
    let mut sent = 0;
    poll_fn(|cx| {
        while sent < header.len() {
            match poll_write(stream, cx, &header[sent..]) {
                Poll::Ready(Ok(length)) => sent += length,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}
