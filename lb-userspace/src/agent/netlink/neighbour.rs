//! The kernel's neighbour table (ARP and neighbour discovery).

use std::net::IpAddr;

use futures_util::{StreamExt, TryStreamExt};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourMessage,
    NeighbourState as KernelState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};

use super::error::{errno, named};
use super::{Error, Mac, Netlink};

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the interface it is behind.
    pub interface: u32,
    /// Its address.
    pub address: IpAddr,
    /// Its Ethernet address, where the kernel knows one.
    pub mac: Option<Mac>,
    /// What the kernel thinks of it.
    pub state: NeighbourState,
    /// The kernel keeps it resolved without traffic (`NTF_EXT_MANAGED`).
    pub managed: bool,
}

/// The kernel's states (`NUD_*`), as far as they differ for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeighbourState {
    /// Asked, no answer yet; or never asked, as on an interface without ARP, where the entry holds
    /// the interface's own Ethernet address.
    Incomplete,
    /// The Ethernet address is good to use: confirmed, or ageing.
    Valid,
    /// Set by hand: the kernel never doubts it.
    Permanent,
    /// Asked repeatedly, no answer.
    Failed,
}

impl Netlink {
    /// The entries of one interface, or of all.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn neighbours(&self, interface: Option<u32>) -> Result<Vec<Neighbour>, Error> {
        let mut found = Vec::new();
        let mut messages = std::pin::pin!(self.handle.neighbours().get().execute());
        while let Some(message) = messages
            .try_next()
            .await
            .map_err(|error| Error::of("cannot list the neighbours", &error))?
        {
            let wanted = interface.is_none_or(|index| index == message.header.ifindex);
            found.extend(Neighbour::of(&message).filter(|_| wanted));
        }
        Ok(found)
    }

    /// One entry; `None` when the kernel has none for it.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn neighbour(
        &self,
        interface: u32,
        address: IpAddr,
    ) -> Result<Option<Neighbour>, Error> {
        // The library can only dump; this is the kernel's request for a single entry.
        let message = RouteNetlinkMessage::GetNeighbour(key(interface, address));
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST;
        let task = || format!("cannot look up neighbour {address} on {}", named(interface));
        let mut handle = self.handle.clone();
        let answer = handle.request(request).map_err(|error| Error::of(task(), &error))?;
        match std::pin::pin!(answer).next().await.map(|answer| answer.payload) {
            Some(NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(found))) => {
                Ok(Neighbour::of(&found))
            }
            Some(NetlinkPayload::Error(error)) => {
                let error = rtnetlink::Error::NetlinkError(error);
                match errno(&error) {
                    Some(Errno::ENOENT | Errno::ENODEV) => Ok(None),
                    _ => Err(Error::of(task(), &error)),
                }
            }
            other => Err(Error::Answer { task: task(), detail: format!("{other:?}") }),
        }
    }

    /// Asks the kernel to resolve `address` and to keep it resolved. An entry that is there is
    /// taken over with what it knows, but a permanent one stops being permanent: look first.
    ///
    /// A kernel older than 5.16 accepts the request and leaves out the keeping: look at
    /// [`Neighbour::managed`] to know.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn manage_neighbour(&self, interface: u32, address: IpAddr) -> Result<(), Error> {
        let mut request = self.handle.neighbours().add(interface, address).replace();
        let message = request.message_mut();
        message.header.state = KernelState::None;
        message.header.flags = NeighbourFlags::Use;
        message.attributes.push(NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed));
        request.execute().await.map_err(|error| {
            let task = format!("cannot keep {address} resolved on {}", named(interface));
            Error::of(task, &error)
        })
    }

    /// Removes an entry; the kernel makes a new one when it has traffic for the address.
    /// `true` when it was there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn forget_neighbour(&self, interface: u32, address: IpAddr) -> Result<bool, Error> {
        let message = key(interface, address);
        match self.handle.neighbours().del(message).execute().await {
            Ok(()) => Ok(true),
            Err(error) if matches!(errno(&error), Some(Errno::ENOENT | Errno::ENODEV)) => Ok(false),
            Err(error) => {
                let task = format!("cannot remove neighbour {address} on {}", named(interface));
                Err(Error::of(task, &error))
            }
        }
    }
}

/// A message that names an entry and nothing else.
fn key(interface: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.ifindex = interface;
    message.attributes.push(NeighbourAttribute::Destination(NeighbourAddress::from(address)));
    message
}

impl Neighbour {
    /// `None` for what is not an IP neighbour behind Ethernet (bridge entries, proxies).
    pub(super) fn of(message: &NeighbourMessage) -> Option<Self> {
        let mut address = None;
        let mut mac = None;
        let mut managed = false;
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(found)) => {
                    address = Some(IpAddr::V4(*found));
                }
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(found)) => {
                    address = Some(IpAddr::V6(*found));
                }
                NeighbourAttribute::LinkLayerAddress(bytes) => {
                    mac = Mac::try_from(bytes.as_slice()).ok();
                }
                NeighbourAttribute::ExtFlags(flags) => {
                    managed = flags.contains(NeighbourExtFlags::Managed);
                }
                _ => {}
            }
        }
        if message.header.flags.contains(NeighbourFlags::Proxy) {
            return None;
        }
        let state = match message.header.state {
            KernelState::Reachable
            | KernelState::Stale
            | KernelState::Delay
            | KernelState::Probe => NeighbourState::Valid,
            KernelState::Permanent => NeighbourState::Permanent,
            KernelState::Failed => NeighbourState::Failed,
            // Incomplete, None, Noarp, and what the kernel may invent.
            _ => NeighbourState::Incomplete,
        };
        Some(Self { interface: message.header.ifindex, address: address?, mac, state, managed })
    }
}
