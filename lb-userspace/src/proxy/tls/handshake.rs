//! A client's handshake.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use rustls::ProtocolVersion;
use rustls::server::{AcceptedAlert, Acceptor};
use tokio::net::TcpStream;

use super::{Tls, TlsStream};
use crate::preamble::{Opening, detect};
use crate::proxy::context::Context;
use crate::proxy::transport::{Transport, poll_read};

/// Read at a time: a hello, with a post-quantum key share in it.
const READ: usize = 8 * 1024;

/// For whoever comes without TLS: HAProxy leaves them without a word.
const PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 51\r\n\
    Connection: close\r\n\r\nThis port is for TLS: the URL begins with https://\n";

/// Why there is none.
#[derive(Debug)]
pub(in crate::proxy) enum NoHandshake {
    /// The client has closed its connection before it said anything: a check by TCP does that.
    Silent,
    /// It has not come about.
    Failed,
}

/// Does it with a client that has said `first` already.
pub(in crate::proxy) async fn accept(
    context: &Context,
    mut io: TcpStream,
    first: &[u8],
    tls: &Tls,
    timeout: Duration,
) -> Result<impl Transport, NoHandshake> {
    let timer = context.timers.timer();
    timer.set(timeout);
    let mut acceptor = Acceptor::default();
    let mut heard = !first.is_empty();
    let mut left = first.to_vec();
    let accepted = poll_fn(|cx| {
        loop {
            if detect(&left) == Some(Opening::Http1) {
                let _: io::Result<usize> = io.try_write(PLAIN);
                return Poll::Ready(Err(NoHandshake::Failed));
            }
            let mut rest = &left[..];
            while !rest.is_empty() {
                if acceptor.read_tls(&mut rest).is_err() {
                    return Poll::Ready(Err(NoHandshake::Failed));
                }
                match acceptor.accept() {
                    Ok(Some(accepted)) => return Poll::Ready(Ok((accepted, rest.to_vec()))),
                    Ok(None) => {}
                    Err((_, alert)) => {
                        tell(&io, alert);
                        return Poll::Ready(Err(NoHandshake::Failed));
                    }
                }
            }
            left.clear();
            let mut scratch = context.scratch.borrow_mut();
            match poll_read(&mut io, cx, &mut scratch[..READ]) {
                Poll::Ready(Ok(length @ 1..)) => {
                    heard = true;
                    left.extend_from_slice(&scratch[..length]);
                }
                Poll::Ready(Ok(0) | Err(_)) => {
                    let why = if heard { NoHandshake::Failed } else { NoHandshake::Silent };
                    return Poll::Ready(Err(why));
                }
                Poll::Pending => return timer.poll(cx).map(|()| Err(NoHandshake::Failed)),
            }
        }
    });
    let (accepted, rest) = accepted.await?;
    let config = tls.config(&accepted.client_hello());
    let connection = match accepted.into_connection(config) {
        Ok(connection) => connection,
        Err((_, alert)) => {
            tell(&io, alert);
            return Err(NoHandshake::Failed);
        }
    };
    let mut stream = TlsStream::new(io, connection);
    let failed = |_: io::Error| NoHandshake::Failed;
    stream.take_in(&rest).map_err(failed)?;
    poll_fn(|cx| {
        loop {
            let over = !stream.is_handshaking();
            // What follows a handshake of TLS 1.3, tickets, goes with the first answer: one packet less.
            if over && stream.version() == Some(ProtocolVersion::TLSv1_3) {
                return Poll::Ready(Ok(()));
            }
            match stream.poll_send(cx) {
                Poll::Ready(result) => result.map_err(failed)?,
                Poll::Pending => return timer.poll(cx).map(|()| Err(NoHandshake::Failed)),
            }
            if over {
                return Poll::Ready(Ok(()));
            }
            let mut scratch = context.scratch.borrow_mut();
            match stream.poll_take_in(cx, &mut scratch[..READ]) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(Err(NoHandshake::Failed)),
                Poll::Pending => return timer.poll(cx).map(|()| Err(NoHandshake::Failed)),
            }
        }
    })
    .await?;
    Ok(stream)
}

/// Says what is wrong, without waiting: who does not listen is not told.
fn tell(io: &TcpStream, mut alert: AcceptedAlert) {
    let mut bytes = Vec::new();
    if alert.write_all(&mut bytes).is_ok() {
        let _: io::Result<usize> = io.try_write(&bytes);
    }
}
