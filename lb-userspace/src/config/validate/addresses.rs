//! Addresses: of the right kind and family, and real servers at addresses of their own.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    ops::Range,
};

use toml::Spanned;

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, PoolDraft, ServerDraft, ServiceDraft},
    },
    model::Mode,
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for service in &draft.services {
        kind(service.address.as_ref(), &service.path, "a service", sink);
    }
    for pool in &draft.pools {
        for server in pool.servers.iter().chain(&pool.sorry) {
            kind(server.address.as_ref(), &server.path, "a real server", sink);
            is_no_vip(server, draft, sink);
        }
        each_once(pool, sink);
        sorry_server(pool, sink);
    }
    for service in &draft.services {
        for pool in draft.pools.iter().filter(|pool| service.uses(pool)) {
            same_family(service, pool, sink);
        }
    }
}

fn kind(address: Option<&Spanned<IpAddr>>, path: &str, whose: &str, sink: &mut Sink) {
    let Some(address) = address else { return };
    unicast(*address.get_ref(), &address.span(), &format!("{path}.address"), whose, sink);
}

/// Refuses an address that no host can have, or that never leaves one.
pub(super) fn unicast(ip: IpAddr, span: &Range<usize>, key: &str, whose: &str, sink: &mut Sink) {
    let kind = match ip {
        _ if ip.is_unspecified() => "the unspecified address",
        _ if ip.is_loopback() => "a loopback address",
        _ if ip.is_multicast() => "a multicast address",
        IpAddr::V4(Ipv4Addr::BROADCAST) => "the broadcast address",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "a link-local address",
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => "an IPv4 address in IPv6 form",
        _ => return,
    };
    let message = format!("{ip} is {kind}: {whose} needs a unicast address of the network");
    sink.error(span.clone(), key, message);
}

fn is_no_vip(server: &ServerDraft, draft: &Draft, sink: &mut Sink) {
    let Some(address) = &server.address else { return };
    let mut vips = draft.services.iter().filter_map(|service| {
        let vip = service.address.as_ref()?;
        (vip.get_ref() == address.get_ref()).then_some((service, vip))
    });
    if let Some((service, vip)) = vips.next() {
        let message = format!(
            "{} has the address of {}: packets would come back to the director",
            server.title(),
            service.title()
        );
        sink.error(address.span(), format!("{}.address", server.path), message)
            .related(vip.span(), "the service's address")
            .help("write the real server's own address".to_owned());
    }
}

fn each_once(pool: &PoolDraft, sink: &mut Sink) {
    let mut seen: HashMap<IpAddr, &Spanned<IpAddr>> = HashMap::new();
    for server in &pool.servers {
        let Some(address) = &server.address else { continue };
        match seen.get(address.get_ref()) {
            Some(first) => {
                let message = format!("address {} is twice in {}", address.get_ref(), pool.title());
                sink.error(address.span(), format!("{}.address", server.path), message)
                    .related(first.span(), "first here")
                    .help("to give a server a larger share, raise its `weight`".to_owned());
            }
            None => {
                seen.insert(*address.get_ref(), address);
            }
        }
    }
}

/// It stands in for the servers, so it is none of them.
fn sorry_server(pool: &PoolDraft, sink: &mut Sink) {
    let Some((sorry, address)) = pool.sorry.as_ref().and_then(|s| Some((s, s.address.as_ref()?)))
    else {
        return;
    };
    let same = pool.servers.iter().find_map(|server| {
        let other = server.address.as_ref()?;
        (other.get_ref() == address.get_ref()).then_some((server, other))
    });
    if let Some((server, other)) = same {
        let message = format!(
            "the sorry server of {} has the address of {}, for which it is to stand in",
            pool.title(),
            server.title()
        );
        sink.error(address.span(), format!("{}.address", sorry.path), message)
            .related(other.span(), "the server's address")
            .help("name another host, or leave `sorry_server` out".to_owned());
    }
}

/// Direct routing hands the client's packet on as it is: both ends speak the same IP version.
fn same_family(service: &ServiceDraft, pool: &PoolDraft, sink: &mut Sink) {
    let (Some(Mode::DirectRouting), Some(vip)) = (service.mode, &service.address) else { return };
    let mut others = pool.servers.iter().chain(&pool.sorry).filter_map(|server| {
        let address = server.address.as_ref()?;
        (address.get_ref().is_ipv4() != vip.get_ref().is_ipv4()).then_some((server, address))
    });
    let Some((server, address)) = others.next() else { return };
    let more = match others.count() {
        0 => String::new(),
        more => format!(" (and {more} more of {})", pool.title()),
    };
    let message = format!(
        "{}{more} has an {} address, {} an {} address: direct routing needs the same family",
        server.title(),
        family(*address.get_ref()),
        service.title(),
        family(*vip.get_ref())
    );
    sink.error(address.span(), format!("{}.address", server.path), message)
        .related(vip.span(), format!("an {} service", family(*vip.get_ref())))
        .help("make one pool for IPv4 and one for IPv6, or use `mode = \"tunnel\"`".to_owned());
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
