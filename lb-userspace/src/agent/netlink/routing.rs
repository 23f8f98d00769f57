//! Routes and rules of VRRP instances: add, remove.
//!
//! All of them carry a protocol number of our own, and nothing else is ever removed: what the administrator added
//! stays, even if it looks the same.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::{
    AddressFamily,
    route::{
        RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol,
        RouteScope as Scope, RouteType,
    },
    rule::{RuleAction, RuleAttribute, RuleMessage},
};
use nix::{errno::Errno, net::if_::if_nametoindex};

use super::{Error, Netlink, error::errno};
use crate::{
    model::{InterfaceName, RouteScope, RouteTable, RouteWay, VirtualRoute, VirtualRule},
    vrrp::types::Family,
};

/// `ip route` and `ip rule` show it as `proto 76`.
pub(super) const OURS: RouteProtocol = RouteProtocol::Other(76);

impl Netlink {
    /// Adds a route; `index` is the interface of one that names none.
    ///
    /// # Errors
    /// When the kernel refuses; a route that is there already is somebody else's.
    pub async fn add_route(&self, route: &VirtualRoute, index: u32) -> Result<(), Error> {
        let message = route_message(route, index)?;
        let outcome = self.handle.route().add(message).execute().await;
        outcome.map_err(|error| Error::of(format!("cannot add route {route}"), &error))
    }

    /// Removes a route; `true` when it was there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_route(&self, route: &VirtualRoute, index: u32) -> Result<bool, Error> {
        // The routes of an interface end with it.
        let Ok(message) = route_message(route, index) else { return Ok(false) };
        let outcome = self.handle.route().del(message).execute().await;
        gone(outcome, || format!("cannot remove route {route}"))
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// When the kernel refuses; a rule that is there already is somebody else's.
    pub async fn add_rule(&self, rule: &VirtualRule, family: Family) -> Result<(), Error> {
        let mut request = self.handle.rule().add();
        *request.message_mut() = rule_message(rule, family);
        let outcome = request.execute().await;
        outcome.map_err(|error| Error::of(format!("cannot add rule {rule}"), &error))
    }

    /// Removes a rule; `true` when it was there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_rule(&self, rule: &VirtualRule, family: Family) -> Result<bool, Error> {
        let outcome = self.handle.rule().del(rule_message(rule, family)).execute().await;
        gone(outcome, || format!("cannot remove rule {rule}"))
    }
}

/// What is not there was taken away by somebody else, or never was.
fn gone(outcome: Result<(), rtnetlink::Error>, task: impl Fn() -> String) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(errno(&error), Some(Errno::ESRCH | Errno::ENOENT | Errno::ENODEV)) =>
        {
            Ok(false)
        }
        Err(error) => Err(Error::of(task(), &error)),
    }
}

fn route_message(route: &VirtualRoute, index: u32) -> Result<RouteMessage, Error> {
    let mut message = RouteMessage::default();
    let RouteHeader { address_family, destination_prefix_length, table, .. } = &mut message.header;
    *address_family = family(route.destination.addr());
    *destination_prefix_length = route.destination.prefix_len();
    *table = short(route.table);
    message.header.protocol = OURS;
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Destination(network(route.destination)));
    attributes.push(RouteAttribute::Table(route.table.get()));
    attributes.extend(route.metric.map(|metric| RouteAttribute::Priority(metric.get())));
    match &route.way {
        RouteWay::Blackhole => message.header.kind = RouteType::BlackHole,
        RouteWay::Out { via, onlink, interface, source, scope } => {
            message.header.kind = RouteType::Unicast;
            message.header.scope = match scope {
                Some(RouteScope::Global) => Scope::Universe,
                Some(RouteScope::Host) => Scope::Host,
                Some(RouteScope::Link) => Scope::Link,
                None if route.destination.addr().is_ipv4() && via.is_none() => Scope::Link,
                None => Scope::Universe,
            };
            if *onlink {
                message.header.flags |= RouteFlags::Onlink;
            }
            attributes.extend(via.map(|via| RouteAttribute::Gateway(via.into())));
            attributes.extend(source.map(|source| RouteAttribute::PrefSource(source.into())));
            let out = interface.as_ref().map_or(Ok(index), named_index)?;
            attributes.push(RouteAttribute::Oif(out));
        }
    }
    Ok(message)
}

fn rule_message(rule: &VirtualRule, family: Family) -> RuleMessage {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    header.action = RuleAction::ToTable;
    header.table = short(rule.table);
    header.src_len = rule.from.map_or(0, |from| from.prefix_len());
    header.dst_len = rule.to.map_or(0, |to| to.prefix_len());
    let attributes = &mut message.attributes;
    attributes.push(RuleAttribute::Protocol(OURS));
    attributes.push(RuleAttribute::Priority(rule.priority.get().into()));
    attributes.push(RuleAttribute::Table(rule.table.get()));
    // A prefix of length 0 is that of a rule for all; the kernel wants no address with it.
    let some = |net: &IpNet| net.prefix_len() > 0;
    attributes.extend(rule.from.filter(some).map(|from| RuleAttribute::Source(from.addr())));
    attributes.extend(rule.to.filter(some).map(|to| RuleAttribute::Destination(to.addr())));
    let name = |name: &InterfaceName| name.as_str().to_owned();
    attributes.extend(rule.input.as_ref().map(name).map(RuleAttribute::Iifname));
    attributes.extend(rule.output.as_ref().map(name).map(RuleAttribute::Oifname));
    if let Some(mark) = rule.mark {
        attributes.extend([RuleAttribute::FwMark(mark.get()), RuleAttribute::FwMask(u32::MAX)]);
    }
    message
}

/// The header's field has no room for more; the attribute counts then.
fn short(table: RouteTable) -> u8 {
    u8::try_from(table.get()).unwrap_or(RouteHeader::RT_TABLE_UNSPEC)
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn network(net: IpNet) -> RouteAddress {
    net.network().into()
}

fn named_index(name: &InterfaceName) -> Result<u32, Error> {
    if_nametoindex(name.as_str()).map_err(|_| Error::NoInterface { name: name.as_str().to_owned() })
}
