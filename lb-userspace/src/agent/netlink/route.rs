//! Routes: which way the kernel would send a packet.

use std::net::IpAddr;

use futures_util::TryStreamExt;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia,
};
use nix::errno::Errno;

use super::error::errno;
use super::{Error, Netlink};
use crate::preflight::network::RouteTo;

impl Netlink {
    /// Asks for the route to `address` (as `ip route get`).
    ///
    /// # Errors
    /// [`Error::NoRoute`] when there is none.
    pub async fn route_to(&self, address: IpAddr) -> Result<RouteTo, Error> {
        let mut message = RouteMessage::default();
        (message.header.address_family, message.header.destination_prefix_length) = match address {
            IpAddr::V4(_) => (AddressFamily::Inet, 32),
            IpAddr::V6(_) => (AddressFamily::Inet6, 128),
        };
        message.attributes.push(RouteAttribute::Destination(RouteAddress::from(address)));
        let answer = std::pin::pin!(self.handle.route().get(message).execute()).try_next().await;
        match answer {
            Ok(answer) => answer.as_ref().and_then(RouteTo::of).ok_or(Error::NoRoute { address }),
            Err(error)
                if matches!(
                    errno(&error),
                    Some(Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::EINVAL | Errno::EACCES)
                ) =>
            {
                Err(Error::NoRoute { address })
            }
            Err(error) => Err(Error::of(format!("cannot look up the route to {address}"), &error)),
        }
    }
}

impl RouteTo {
    fn of(message: &RouteMessage) -> Option<Self> {
        let local = match message.header.kind {
            RouteType::Unicast => false,
            RouteType::Local => true,
            _ => return None,
        };
        let mut interface = None;
        let mut gateway = None;
        let mut source = None;
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Oif(index) => interface = Some(*index),
                RouteAttribute::Gateway(router) => gateway = ip(router),
                // An IPv4 route may have an IPv6 router.
                RouteAttribute::Via(RouteVia::Inet(router)) => gateway = Some((*router).into()),
                RouteAttribute::Via(RouteVia::Inet6(router)) => gateway = Some((*router).into()),
                RouteAttribute::PrefSource(address) => source = ip(address),
                _ => {}
            }
        }
        Some(Self { interface: interface?, gateway, source, local })
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}
