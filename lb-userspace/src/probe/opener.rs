//! Sockets of checks that the probe may not open by itself.

use std::{any::Any, fmt, io, net::SocketAddr};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use super::way::Lead;
use crate::model::VipPath;

/// A socket that takes a privilege: through a VIP, with a mark, or for pings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// What is spoken over it.
    pub transport: Transport,
    /// The real server's own address, where the socket is to be connected to, and the port of the service.
    pub real: SocketAddr,
    /// The VIP that the real server is asked for, and how packets for it get there; `None`: its own address.
    pub path: Option<VipPath>,
    /// Where it leaves this host.
    pub lead: Lead,
}

impl Door {
    /// True where it takes no privilege.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.path.is_none()
            && self.lead.mark.is_none()
            && !matches!(self.transport, Transport::Ping)
    }

    /// A socket towards the real server's own address.
    ///
    /// # Errors
    /// What could not be done, and what the kernel says.
    pub fn open_plainly(&self) -> Result<Socket, (String, io::Error)> {
        let socket = self.transport.socket(self.real);
        let socket = socket.map_err(|error| ("open a socket".to_owned(), error))?;
        self.lead.lead(&socket)?;
        if let Some(address) = self.lead.source {
            let bound = socket.bind(&SocketAddr::new(address, 0).into());
            bound.map_err(|error| (format!("connect from {address}"), error))?;
        }
        Ok(socket)
    }
}

/// What is spoken over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Echo requests of ICMP, or of ICMPv6.
    Ping,
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
    /// A socket of it, towards an address.
    ///
    /// # Errors
    /// The kernel's; for pings it wants a privilege, or `net.ipv4.ping_group_range`.
    pub fn socket(self, address: SocketAddr) -> io::Result<Socket> {
        let make = |kind: Type, protocol| {
            Socket::new(Domain::for_address(address), kind.nonblocking(), Some(protocol))
        };
        let echo = if address.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
        match self {
            Self::Tcp => make(Type::STREAM, Protocol::TCP),
            Self::Udp => make(Type::DGRAM, Protocol::UDP),
            // One for pings alone, where this user may have one, or else a raw one.
            Self::Ping => make(Type::DGRAM, echo).or_else(|_| make(Type::RAW, echo)),
        }
    }
}

/// Somebody with the privileges.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct OwnDoors;

#[cfg(test)]
impl Opener for OwnDoors {
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>> {
        Box::pin(async move {
            let socket = door.open_plainly().map_err(|(task, error)| format!("{task}: {error}"))?;
            Ok(Opened { socket, passage: Box::new(()) })
        })
    }
}
