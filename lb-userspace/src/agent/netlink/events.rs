//! Changes of links and neighbours, as the kernel announces them.

use std::net::IpAddr;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::{Handle, MulticastGroup};

use super::{Connection, Error, Neighbour};

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A neighbour is new or has changed.
    Neighbour(Neighbour),
    /// A neighbour's entry is gone.
    NeighbourGone {
        /// The interface it was behind.
        interface: u32,
        /// Its address.
        address: IpAddr,
    },
    /// An interface is new or has changed.
    Link {
        /// Its index.
        index: u32,
        /// Its name.
        name: String,
        /// Switched on and with a carrier.
        running: bool,
    },
    /// An interface is gone.
    LinkGone {
        /// Its index.
        index: u32,
        /// The name it had.
        name: String,
    },
    /// Announcements were lost (more came than the socket could hold): dump again.
    Lost,
}

/// The announcements since the subscription.
///
/// The queue between socket and reader is not bounded: a reader must keep reading. Each interface
/// and neighbour makes a handful of announcements a second at most.
pub struct Events {
    messages: BoxStream<'static, NetlinkMessage<RouteNetlinkMessage>>,
    /// The connection ends with its last handle.
    _handle: Handle,
    _connection: Connection,
}

impl Events {
    pub(super) fn subscribe() -> Result<Self, Error> {
        let groups = [MulticastGroup::Link, MulticastGroup::Neigh];
        let (connection, handle, messages) =
            rtnetlink::new_multicast_connection(&groups).map_err(Error::Connect)?;
        let connection = Connection(tokio::spawn(connection).abort_handle());
        let messages = messages.map(|(message, _)| message).boxed();
        Ok(Self { messages, _handle: handle, _connection: connection })
    }

    /// The next one; `None` when the socket has closed. Safe to cancel.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = match self.messages.next().await?.payload {
                NetlinkPayload::Overrun(_) => Some(Event::Lost),
                NetlinkPayload::InnerMessage(message) => Event::of(&message),
                _ => None,
            };
            if event.is_some() {
                return event;
            }
        }
    }
}

impl Event {
    fn of(message: &RouteNetlinkMessage) -> Option<Self> {
        match message {
            RouteNetlinkMessage::NewNeighbour(message) => {
                Neighbour::of(message).map(Self::Neighbour)
            }
            RouteNetlinkMessage::DelNeighbour(message) => Neighbour::of(message).map(|gone| {
                Self::NeighbourGone { interface: gone.interface, address: gone.address }
            }),
            // A bridge announces its ports by link messages of its own family, and a port that
            // leaves it as a deleted link.
            RouteNetlinkMessage::NewLink(link) | RouteNetlinkMessage::DelLink(link)
                if link.header.interface_family != AddressFamily::Unspec =>
            {
                None
            }
            RouteNetlinkMessage::NewLink(link) => {
                let running = link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp);
                Some(Self::Link { index: link.header.index, name: name(link)?, running })
            }
            RouteNetlinkMessage::DelLink(link) => {
                Some(Self::LinkGone { index: link.header.index, name: name(link)? })
            }
            _ => None,
        }
    }
}

fn name(link: &LinkMessage) -> Option<String> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    })
}
