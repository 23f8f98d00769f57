//! Links, addresses, neighbours and routes of this host, by rtnetlink.
//!
//! The only room that names rtnetlink and netlink-packet-route: both change often. What leaves it
//! are types of our own.

mod address;
mod error;
mod events;
mod link;
mod macvlan;
mod neighbour;
mod removals;
mod route;
mod routing;

pub use error::Error;
pub use events::{Event, Events};
pub use neighbour::{Neighbour, NeighbourState};
pub(in crate::agent) use removals::{Removal, Removals};

pub use crate::preflight::network::{Interface, RouteTo, XdpAttachment, XdpAttachmentMode};

use std::sync::Arc;

use tokio::task::AbortHandle;

/// An Ethernet address.
pub type Mac = [u8; 6];

/// A connection to the kernel's routing netlink, in the network namespace it was made in.
///
/// Needs a running tokio runtime with I/O. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: rtnetlink::Handle,
    _connection: Arc<Connection>,
}

/// The task that moves messages between the socket and the handles; it ends with its last owner.
#[derive(Debug)]
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Netlink {
    /// Connects.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn connect() -> Result<Self, Error> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(Error::Connect)?;
        let connection = Connection(tokio::spawn(connection).abort_handle());
        Ok(Self { handle, _connection: Arc::new(connection) })
    }

    /// Changes of links and neighbours from now on. Subscribe first, dump afterwards: what happens
    /// between the two is then seen twice, not never.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn subscribe() -> Result<Events, Error> {
        Events::subscribe()
    }
}
