//! What is taken away from an instance's addresses, routes and rules, as the kernel announces it.

use std::net::IpAddr;

use futures_util::{StreamExt, stream::BoxStream};
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    rule::RuleAttribute,
};
use rtnetlink::{
    Handle, MulticastGroup,
    packet_core::{NetlinkMessage, NetlinkPayload},
};

use super::{Connection, Error, Netlink, routing::OURS};
use crate::vrrp::types::Family;

/// Something is gone, by whoever's hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Removal {
    /// An address of any interface.
    Address {
        /// The index of the interface.
        interface: u32,
        /// The address.
        address: IpAddr,
    },
    /// A route or a rule of this program.
    Routing,
    /// Announcements were lost (more came than the socket could hold): anything may be gone.
    Lost,
}

/// The announcements since the subscription; a reader must keep reading, as with [`super::Events`].
pub(in crate::agent) struct Removals {
    messages: BoxStream<'static, NetlinkMessage<RouteNetlinkMessage>>,
    /// The connection ends with its last handle.
    _handle: Handle,
    _connection: Connection,
}

impl Netlink {
    /// Removals of a family's addresses from now on; of its routes and rules only where they are `wanted` too: a
    /// director that speaks BGP sees a lot of routes go.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub(in crate::agent) fn removals(
        family: Family,
        (routes, rules): (bool, bool),
    ) -> Result<Removals, Error> {
        let [address, route, rule] = match family {
            Family::V4 => {
                [MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv4Route, MulticastGroup::Ipv4Rule]
            }
            Family::V6 => {
                [MulticastGroup::Ipv6Ifaddr, MulticastGroup::Ipv6Route, MulticastGroup::Ipv6Rule]
            }
        };
        let mut groups = vec![address];
        groups.extend(routes.then_some(route));
        groups.extend(rules.then_some(rule));
        let (connection, handle, messages) =
            rtnetlink::new_multicast_connection(&groups).map_err(Error::Connect)?;
        let connection = Connection(tokio::spawn(connection).abort_handle());
        let messages = messages.map(|(message, _)| message).boxed();
        Ok(Removals { messages, _handle: handle, _connection: connection })
    }
}

impl Removals {
    /// The next one; `None` when the socket has closed. Safe to cancel.
    pub(in crate::agent) async fn next(&mut self) -> Option<Removal> {
        loop {
            let removal = match self.messages.next().await?.payload {
                NetlinkPayload::Overrun(_) => Some(Removal::Lost),
                NetlinkPayload::InnerMessage(message) => Removal::of(&message),
                _ => None,
            };
            if removal.is_some() {
                return removal;
            }
        }
    }
}

impl Removal {
    fn of(message: &RouteNetlinkMessage) -> Option<Self> {
        match message {
            RouteNetlinkMessage::DelAddress(gone) => {
                Some(Self::Address { interface: gone.header.index, address: address(gone)? })
            }
            RouteNetlinkMessage::DelRoute(gone) if gone.header.protocol == OURS => {
                Some(Self::Routing)
            }
            RouteNetlinkMessage::DelRule(gone)
                if gone.attributes.contains(&RuleAttribute::Protocol(OURS)) =>
            {
                Some(Self::Routing)
            }
            _ => None,
        }
    }
}

/// Its own, where the other end of a link is told of as well.
fn address(message: &AddressMessage) -> Option<IpAddr> {
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    local.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use netlink_packet_route::{
        route::{RouteMessage, RouteProtocol},
        rule::RuleMessage,
    };

    use super::*;

    #[test]
    fn the_own_address_not_the_other_end_of_the_link() {
        let [own, other] = [1, 2].map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last)));
        let mut message = AddressMessage::default();
        message.header.index = 7;
        let of = |message: &AddressMessage| {
            Removal::of(&RouteNetlinkMessage::DelAddress(message.clone()))
        };
        assert_eq!(of(&message), None);
        message.attributes.push(AddressAttribute::Address(other));
        assert_eq!(of(&message), Some(Removal::Address { interface: 7, address: other }));
        message.attributes.push(AddressAttribute::Local(own));
        assert_eq!(of(&message), Some(Removal::Address { interface: 7, address: own }));
        assert_eq!(Removal::of(&RouteNetlinkMessage::NewAddress(message)), None);
    }

    #[test]
    fn routes_and_rules_of_others_are_theirs() {
        let theirs = RouteProtocol::Static;
        for (protocol, expected) in [(OURS, Some(Removal::Routing)), (theirs, None)] {
            let mut route = RouteMessage::default();
            route.header.protocol = protocol;
            assert_eq!(Removal::of(&RouteNetlinkMessage::DelRoute(route)), expected);
            let mut rule = RuleMessage::default();
            rule.attributes.push(RuleAttribute::Protocol(protocol));
            assert_eq!(Removal::of(&RouteNetlinkMessage::DelRule(rule)), expected);
        }
    }
}
