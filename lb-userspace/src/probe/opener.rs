//! Sockets of checks that the probe may not open by itself.

use std::{
    any::Any,
    fmt,
    net::{IpAddr, SocketAddr},
};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use socket2::{Protocol, Socket, Type};

use super::way::Lead;

/// A socket for a check through a VIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// What is spoken over it.
    pub transport: Transport,
    /// The real server's own address, where the socket is to be connected to, and the port of the service.
    pub real: SocketAddr,
    /// The VIP that the real server is asked for.
    pub vip: IpAddr,
    /// Where it leaves this host.
    pub lead: Lead,
}

/// What is spoken over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Opens them.
pub trait Opener: fmt::Debug + Send + Sync {
    /// Opens one. The error says in words what could not be done.
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>>;
}

/// A socket that is not connected yet.
#[derive(Debug)]
pub struct Opened {
    /// The socket.
    pub socket: Socket,
    /// Must not end before the socket has.
    pub passage: Box<dyn Passage>,
}

/// What holds a passage through a VIP open.
pub trait Passage: Any + fmt::Debug + Send {}

impl<T: Any + fmt::Debug + Send> Passage for T {}

/// Where there is nobody to ask.
#[derive(Debug)]
pub struct NoDoors;

impl Opener for NoDoors {
    fn open(&self, _: Door) -> BoxFuture<'_, Result<Opened, String>> {
        Box::pin(async { Err("nobody here opens sockets".to_owned()) })
    }
}

impl Transport {
    /// Its sockets.
    #[must_use]
    pub const fn kind(self) -> (Type, Protocol) {
        match self {
            Self::Tcp => (Type::STREAM, Protocol::TCP),
            Self::Udp => (Type::DGRAM, Protocol::UDP),
        }
    }
}
