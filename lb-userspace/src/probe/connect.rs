//! The connection of a check.
//!
//! A check that connects is ended by a reset, not by a FIN: the director, which closes first,
//! would otherwise keep a port in TIME_WAIT a minute for every check of every server. Servers see
//! a connection that is gone before it said anything, as from other load balancers' checks.
//!
//! Where nothing is to be said over it, the answer to the SYN says all, and the reset comes instead of the
//! handshake's last segment ([`Purpose::Answer`]): two segments and a wake-up of the server are saved.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::opener::Transport;
use super::way::Way;
use crate::{certificates::HandshakeError, health::protocol::Complaint, preamble::local_header};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To see that one is taken.
    Answer,
    /// To speak over it.
    Talk,
}

/// Connects. The connection is reset when it is dropped.
pub(super) async fn connect(way: &Way<'_>, purpose: Purpose) -> Result<TcpStream, CheckError> {
    let socket = way.socket(Transport::Tcp).await?;
    let local = |task: &str| {
        let task = task.to_owned();
        |source| CheckError::Local { task, source }
    };
    socket.set_linger(Some(Duration::ZERO)).map_err(local("set SO_LINGER"))?;
    if purpose == Purpose::Answer && way.proxy.is_none() {
        socket.set_tcp_quickack(false).map_err(local("set TCP_QUICKACK"))?;
    }
    way.recorder.note(|| format!("connects to {}", way.words()));
    let connecting = TcpSocket::from_std_stream(socket.into()).connect(way.address);
    let mut stream =
        connecting.await.map_err(|error| CheckError::of_connect(way.address, error))?;
    way.recorder.note(|| match stream.local_addr() {
        Ok(own) => format!("connected, from {own}"),
        Err(_) => "connected".to_owned(),
    });
    if let Some(version) = way.proxy {
        let written = stream.write_all(local_header(version)).await;
        written.map_err(|error| CheckError::broken("an answer", error))?;
        way.recorder.note(|| "sent the header of the PROXY protocol".to_owned());
    }
    Ok(stream)
}

/// Why a check did not pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error("connection refused")]
    Refused,
    #[error("port unreachable, says ICMP: nothing listens there")]
    PortUnreachable,
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    #[error("connected, but {awaited} did not come within {timeout:?}")]
    Silent { awaited: &'static str, timeout: Duration },
    #[error("{error} while waiting for {awaited}")]
    Broken { awaited: &'static str, error: Box<Self> },
    #[error(transparent)]
    Tls(#[from] HandshakeError),
    #[error(transparent)]
    Answer(#[from] Complaint),
    #[error("the answer by HTTP/2 cannot be read: {0}")]
    BrokenHttp2(String),
    #[error("no HTTP/2 at this port: {0}")]
    NoHttp2(String),
    /// An agent that says nothing takes nobody out.
    #[error("the agent says nothing: {0}")]
    NoWord(Box<Self>),
    #[error("answers at its own address, but not through VIP {vip} ({error}): {}", missing(error, *tunnel))]
    Through { vip: IpAddr, tunnel: bool, error: Box<Self> },
    #[error("no answer (the kernel gave up)")]
    GivenUp,
    #[error("no route to host")]
    NoRoute,
    #[error("network unreachable")]
    NetworkUnreachable,
    #[error("connection reset")]
    Reset,
    #[error("{0}")]
    Other(io::Error),
    /// This host's fault, not the server's.
    #[error("the check could not be made: cannot {task}: {source}")]
    Local { task: String, source: io::Error },
}

impl CheckError {
    pub(super) fn of_connect(address: SocketAddr, error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNREFUSED) => Self::Refused,
            Some(Errno::ETIMEDOUT) => Self::GivenUp,
            Some(Errno::EHOSTUNREACH) => Self::NoRoute,
            Some(Errno::ENETUNREACH) => Self::NetworkUnreachable,
            Some(Errno::ECONNRESET) => Self::Reset,
            // EPERM: a packet filter of this host. The others: something has run out here.
            Some(
                Errno::EPERM
                | Errno::EADDRNOTAVAIL
                | Errno::EADDRINUSE
                | Errno::EMFILE
                | Errno::ENFILE
                | Errno::ENOBUFS
                | Errno::ENOMEM
                | Errno::ENETDOWN,
            ) => Self::Local { task: format!("connect to {address}"), source: error },
            _ => Self::Other(error),
        }
    }

    /// A connection that broke after it was made.
    pub(super) fn broken(awaited: &'static str, error: io::Error) -> Self {
        let error = match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNRESET | Errno::EPIPE) => Self::Reset,
            Some(Errno::ETIMEDOUT) => Self::GivenUp,
            Some(Errno::EHOSTUNREACH) => Self::NoRoute,
            Some(Errno::ENETUNREACH) => Self::NetworkUnreachable,
            _ => Self::Other(error),
        };
        Self::Broken { awaited, error: Box::new(error) }
    }

    /// The server is not to blame.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. } | Self::NoWord(_))
    }
}

/// What a server lacks that is well by its own address alone.
fn missing(error: &CheckError, tunnel: bool) -> &'static str {
    match error {
        CheckError::NoAnswer(_) | CheckError::GivenUp if tunnel => {
            "does it take the tunnel apart, and is the VIP on its lo? `lb real-server setup` puts it there"
        }
        CheckError::NoAnswer(_) | CheckError::GivenUp => {
            "is the VIP on its lo? `lb real-server setup` puts it there"
        }
        CheckError::Refused | CheckError::PortUnreachable => "does it listen at the VIP?",
        _ => "what differs there?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_plain_words() {
        let address = SocketAddr::from(([10, 8, 8, 43], 80));
        let words = |errno: Errno| CheckError::of_connect(address, errno.into()).to_string();
        assert_eq!(words(Errno::ECONNREFUSED), "connection refused");
        assert_eq!(words(Errno::EHOSTUNREACH), "no route to host");
        assert_eq!(words(Errno::ENETUNREACH), "network unreachable");
        assert_eq!(CheckError::NoAnswer(Duration::from_secs(1)).to_string(), "no answer within 1s");
        let half = CheckError::NoAnswer(Duration::from_millis(500));
        assert_eq!(half.to_string(), "no answer within 500ms");
    }
}
