//! The way of a check: where it goes, and what its sockets are like.

use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;

use super::connect::CheckError;
use crate::model::{Mark, ProxyVersion};

/// The way of a check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    /// Where to.
    pub(super) address: SocketAddr,
    /// The interface it has to leave by; `None` leaves it to the routes.
    pub(super) interface: Option<&'a str>,
    /// The address it comes from; `None` leaves it to the kernel.
    pub(super) source: Option<IpAddr>,
    /// The mark of its packets.
    pub(super) mark: Option<Mark>,
    /// The header before everything else, over connections.
    pub(super) proxy: Option<ProxyVersion>,
}

impl Way<'_> {
    /// A socket that goes this way, not connected yet.
    pub(super) fn socket(
        &self,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> Result<Socket, CheckError> {
        let domain = Domain::for_address(self.address);
        let socket = Socket::new(domain, kind.nonblocking(), protocol)
            .map_err(|source| CheckError::Local { task: "open a socket".to_owned(), source })?;
        self.lead(&socket)?;
        Ok(socket)
    }

    fn lead(&self, socket: &Socket) -> Result<(), CheckError> {
        let socket = SockRef::from(socket);
        if let Some(mark) = self.mark {
            let task = || format!("mark its packets with {mark}");
            socket.set_mark(mark.get()).map_err(local(task))?;
        }
        if let Some(name) = self.interface {
            let task = || format!("leave by interface {name}");
            socket.bind_device(Some(name.as_bytes())).map_err(local(task))?;
        }
        if let Some(address) = self.source {
            let task = || format!("connect from {address}");
            socket.bind(&SocketAddr::new(address, 0).into()).map_err(local(task))?;
        }
        Ok(())
    }
}

/// This host's fault.
fn local(task: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> CheckError {
    |source| CheckError::Local { task: task(), source }
}
