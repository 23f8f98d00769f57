//! VRRP: instances that others can understand, and that do not get in each other's way.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    ops::Range,
};

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, VrrpDraft},
    },
    model::{InterfaceName, VrrpProtocol},
    vrrp::types::{Addresses, AddressesError, Family},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for instance in &draft.vrrp {
        if let Some(family) = instance.family() {
            let one_family = addresses_of_one_family(instance, family, sink);
            if one_family && instance.addresses_complete {
                advertised(instance, family, sink);
            }
            version(instance, family, sink);
            labels(instance, sink);
            hosts(instance, family, sink);
        } else if instance.addresses_complete {
            let path = format!("{}.addresses", instance.path);
            sink.error(instance.addresses_span.clone(), path, AddressesError::Empty.to_string());
        }
    }
    routers_once(draft, sink);
    addresses_once(draft, sink);
    groups(draft, sink);
}

fn addresses_of_one_family(instance: &VrrpDraft, family: Family, sink: &mut Sink) -> bool {
    let other = |ip: IpAddr| Family::of(ip) != family;
    let Some(entry) = instance.addresses.iter().find(|entry| other(entry.address.address())) else {
        return true;
    };
    let error = AddressesError::Mixed(entry.address.address(), family);
    let first = &instance.addresses[0];
    sink.error(entry.span.clone(), &entry.path, error.to_string())
        .related(first.span.clone(), format!("{} is {family}", first.address.address()))
        .help("an instance has one family (RFC 9568): write two instances".to_owned());
    false
}

/// What is to stand in an advertisement fits one.
fn advertised(instance: &VrrpDraft, family: Family, sink: &mut Sink) {
    let entries: Vec<_> =
        instance.addresses.iter().filter(|entry| entry.address.advertised).collect();
    let addresses: Vec<_> = entries.iter().map(|entry| entry.address.address()).collect();
    let Err(error) = Addresses::new(family, &addresses) else { return };
    let list = || (instance.addresses_span.clone(), format!("{}.addresses", instance.path));
    let ((span, path), help) = match error {
        AddressesError::NotLinkLocal(_) => {
            let has_one = addresses.iter().any(|ip| is_link_local(*ip));
            let help = if has_one {
                "move it to the front of the list"
            } else {
                "add one of your choice, the same on every director: `\"fe80::40/64\"`"
            };
            let place = entries.first().map(|entry| (entry.span.clone(), entry.path.clone()));
            (place.unwrap_or_else(list), Some(help.to_owned()))
        }
        AddressesError::Many(_) => {
            (list(), Some("write `advertise = false` beside them".to_owned()))
        }
        AddressesError::Empty | AddressesError::Mixed(..) => (list(), None),
    };
    sink.error(span, path, error.to_string()).help(help);
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if Ipv6Addr::is_unicast_link_local(&v6))
}

fn version(instance: &VrrpDraft, family: Family, sink: &mut Sink) {
    let (Some(VrrpProtocol::V2 { .. }), Family::V6) = (&instance.protocol, family) else { return };
    let (Some(span), Some(first)) = (&instance.version, instance.addresses.first()) else { return };
    sink.error(span.clone(), format!("{}.version", instance.path), "version 2 knows IPv4 alone")
        .related(first.span.clone(), "an IPv6 address")
        .help("write `version = 3`, or leave it out".to_owned());
}

/// The kernel keeps labels of IPv4 addresses alone.
fn labels(instance: &VrrpDraft, sink: &mut Sink) {
    for entry in &instance.addresses {
        let label = entry.label.as_ref().filter(|_| entry.address.address().is_ipv6());
        let Some((span, path)) = label else { continue };
        sink.error(span.clone(), path, "an IPv6 address has no label")
            .help("leave `label` out".to_owned());
    }
}

/// What it sends from and to: of its family, addresses of hosts, and not the same.
fn hosts(instance: &VrrpDraft, family: Family, sink: &mut Sink) {
    if let Some(source) = &instance.source {
        let path = format!("{}.source", instance.path);
        host(*source.get_ref(), &source.span(), path, family, instance, sink);
    }
    for peer in &instance.unicast_peers {
        let path = format!("{}.unicast_peers[{}]", instance.path, peer.index);
        let source = instance.source.as_ref().filter(|source| *source.get_ref() == peer.value);
        if let Some(source) = source {
            sink.error(peer.span.clone(), path, format!("peer {} is this director", peer.value))
                .related(source.span(), "it sends from here")
                .help("name the others alone".to_owned());
        } else {
            host(peer.value, &peer.span, path, family, instance, sink);
        }
    }
}

fn host(
    ip: IpAddr,
    span: &Range<usize>,
    path: String,
    family: Family,
    instance: &VrrpDraft,
    sink: &mut Sink,
) {
    if Family::of(ip) != family {
        let message =
            format!("{ip} is {}, the VIPs of {} are {family}", Family::of(ip), instance.title());
        sink.error(span.clone(), path, message)
            .help(format!("write the director's own {family} address"));
    } else if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() {
        let message = format!("{ip} is no address of a director on the network");
        sink.error(span.clone(), path, message).help("write its own unicast address".to_owned());
    }
}

/// Two virtual routers with one number on one segment would not know whose advertisement they hear.
fn routers_once(draft: &Draft, sink: &mut Sink) {
    let mut seen = HashMap::new();
    for instance in &draft.vrrp {
        let (Some(interface), Some(family), Some(id)) =
            (&instance.interface, instance.family(), &instance.virtual_router)
        else {
            continue;
        };
        let Some((owner, first)) =
            seen.insert((interface, family, *id.get_ref()), (instance, id.span()))
        else {
            continue;
        };
        let message = format!(
            "VRID {} on {interface} ({family}) belongs to {} already",
            id.get_ref(),
            owner.title()
        );
        sink.error(id.span(), format!("{}.virtual_router_id", instance.path), message)
            .related(first, format!("{} has it here", owner.title()))
            .help(format!("choose another, or put the addresses into {}", owner.title()));
    }
}

/// A VIP moves with one instance. Link-local ones mean something else on each interface.
fn addresses_once(draft: &Draft, sink: &mut Sink) {
    type Seen<'a> = HashMap<(IpAddr, Option<&'a InterfaceName>), (&'a VrrpDraft, Range<usize>)>;
    let mut seen: Seen<'_> = HashMap::new();
    for instance in &draft.vrrp {
        for entry in &instance.addresses {
            let ip = entry.address.address();
            let scope = instance.interface.as_ref().filter(|_| is_link_local(ip));
            let Some((owner, first)) = seen.insert((ip, scope), (instance, entry.span.clone()))
            else {
                continue;
            };
            let message = if std::ptr::eq(owner, instance) {
                format!("VIP {ip} is named twice")
            } else {
                format!("VIP {ip} belongs to {} already", owner.title())
            };
            sink.error(entry.span.clone(), &entry.path, message).related(first, "first here");
        }
    }
}

/// A group of one is probably a name with a slip in it.
fn groups(draft: &Draft, sink: &mut Sink) {
    let named =
        || draft.vrrp.iter().filter_map(|instance| Some((instance, instance.group.as_ref()?)));
    for (instance, group) in named() {
        if named().filter(|(_, other)| other.get_ref() == group.get_ref()).count() == 1 {
            let message = format!("{} is alone in group `{}`", instance.title(), group.get_ref());
            sink.warning(group.span(), format!("{}.group", instance.path), message).help(
                "write the same `group` in the instances that move together, or leave it out"
                    .to_owned(),
            );
        }
    }
}
