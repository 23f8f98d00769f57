//! Pools: used by a service, with servers, a ring of the right size, and a port to check.

use std::net::IpAddr;

use lb_common::ring::{SLOTS_PER_REAL, default_size};

use crate::{
    config::{
        diagnostic::Sink,
        draft::{CheckDraft, Draft, PoolDraft, ServiceDraft},
    },
    model::{CheckKind, Checks, Mode, Pool, Protocol},
};

/// Fewer slots a server than this, and shares have little to do with weights.
const FEWEST_SLOTS_PER_SERVER: u64 = 4;

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    // A service that names its pool wrongly has been reported; the pool is not unused then.
    let all_found =
        draft.services.iter().all(|service| draft.pools.iter().any(|pool| service.uses(pool)));
    for pool in &draft.pools {
        let services: Vec<_> = draft.services.iter().filter(|service| service.uses(pool)).collect();
        servers(pool, sink);
        ring_size(pool, sink);
        if !services.is_empty() {
            check_ports(pool, &services, sink);
            checks_needed(pool, sink);
            agents(pool, sink);
            kept_port(pool, &services, sink);
            tunnel(pool, &services, sink);
            through_vips(pool, &services, sink);
        } else if all_found && pool.name.is_some() {
            let message = format!("{} is used by no service", pool.title());
            sink.warning(pool.span.clone(), pool.path.clone(), message);
        }
    }
}

fn servers(pool: &PoolDraft, sink: &mut Sink) {
    let path = format!("{}.servers", pool.path);
    if pool.servers.is_empty() {
        let message = format!("{} has no servers: its services drop every packet", pool.title());
        sink.warning(pool.span.clone(), path, message);
    } else if pool.servers.iter().all(|server| server.weight.is_zero()) {
        let message =
            format!("every server of {} has weight 0: none gets connections", pool.title());
        sink.warning(pool.span.clone(), path, message);
    } else if pool.servers.len() > Pool::MAX_SERVERS {
        let message = format!(
            "{} has {} servers: at most {} fit",
            pool.title(),
            pool.servers.len(),
            Pool::MAX_SERVERS
        );
        sink.error(pool.span.clone(), path, message);
    }
}

fn ring_size(pool: &PoolDraft, sink: &mut Sink) {
    let Some(size) = &pool.ring_size else { return };
    let servers = pool.servers.len() as u64;
    let slots = u64::from(*size.get_ref());
    let path = format!("{}.ring_size", pool.path);
    if slots < servers * FEWEST_SLOTS_PER_SERVER {
        let least = servers * FEWEST_SLOTS_PER_SERVER;
        let message =
            format!("{slots} slots are too few for {servers} servers: use {least} or more");
        sink.error(size.span(), path, message).help(better(servers));
    } else if slots < servers * u64::from(SLOTS_PER_REAL) {
        let message = format!(
            "{slots} slots for {servers} servers are fewer than {SLOTS_PER_REAL} each: shares will be \
             inexact"
        );
        sink.warning(size.span(), path, message).help(better(servers));
    }
}

fn better(servers: u64) -> String {
    let size = default_size(usize::try_from(servers).unwrap_or(usize::MAX));
    format!("leave `ring_size` out for {size} slots")
}

/// A check needs a port: its own, the server's, or that of a service.
fn check_ports(pool: &PoolDraft, services: &[&ServiceDraft], sink: &mut Sink) {
    // A service whose ports were refused has been reported; they may have been the ones.
    if services.iter().any(|service| service.ports.is_empty()) {
        return;
    }
    let Some(server) = pool.servers.iter().find(|server| server.port.is_none()) else { return };
    let has_one = |protocols: &[Protocol]| {
        let mut ports = services.iter().flat_map(|service| &service.ports).map(|port| port.value);
        ports.any(|port| protocols.contains(&port.protocol) && !port.is_wildcard())
    };
    for check in pool.checks.iter().filter(|check| check.check.port.is_none()) {
        let protocols = check.check.kind.protocols();
        let Some(usual) = protocols.first().filter(|_| !has_one(protocols)) else { continue };
        let message = format!(
            "no port to check {} at: neither the check nor the server names one, and no service of {} has \
             a {} port",
            server.title(),
            pool.title(),
            usual.to_string().to_uppercase()
        );
        sink.error(check.span.clone(), format!("{}.port", check.path), message)
            .help("add one: `check = { port = 80, ... }`".to_owned());
    }
}

/// An agent that is gone says nothing: somebody else must find that its server is gone, too.
fn agents(pool: &PoolDraft, sink: &mut Sink) {
    let is_agent = |check: &CheckDraft| matches!(check.check.kind, CheckKind::Agent(_));
    let Some(first) = pool.checks.first().filter(|_| pool.checks.iter().all(is_agent)) else {
        return;
    };
    let message = format!(
        "nothing but agents checks {}: where they are gone, all stays as it was",
        pool.title()
    );
    sink.warning(first.span.clone(), first.path.clone(), message).help(
        "add another check: `check = [{ type = \"tcp\" }, { type = \"agent\", port = 9999 }]`"
            .to_owned(),
    );
}

/// So many checks must pass as there are at most.
fn checks_needed(pool: &PoolDraft, sink: &mut Sink) {
    let Some(needed) = &pool.checks_needed else { return };
    let each = pool.checks.iter().map(|check| check.check.clone()).collect();
    if let Err(error) = Checks::some(each, *needed.get_ref()) {
        sink.error(needed.span(), format!("{}.checks_needed", pool.path), error.to_string());
    }
}

/// How a tunnel is made matters to services that use one.
fn tunnel(pool: &PoolDraft, services: &[&ServiceDraft], sink: &mut Sink) {
    let Some(tunnel) = &pool.tunnel else { return };
    if services.iter().all(|service| service.mode.is_some_and(|mode| mode != Mode::Tunnel)) {
        let message =
            format!("no service of {} is in tunnel mode: `tunnel` does nothing", pool.title());
        sink.warning(tunnel.span(), format!("{}.tunnel", pool.path), message)
            .help("write `mode = \"tunnel\"` in the service, or leave `tunnel` out".to_owned());
    }
}

/// A check through a VIP goes by the family of the VIP, where there is no tunnel for the other one.
fn through_vips(pool: &PoolDraft, services: &[&ServiceDraft], sink: &mut Sink) {
    if !pool.checks.iter().any(|check| check.check.route.through_vip) {
        return;
    }
    if services.iter().any(|service| service.mode == Some(Mode::Tunnel)) {
        return;
    }
    let vips: Vec<_> =
        services.iter().filter_map(|service| Some(service.address.as_ref()?.get_ref())).collect();
    let unlike = |address: &IpAddr| !vips.iter().any(|vip| vip.is_ipv4() == address.is_ipv4());
    for server in &pool.servers {
        let Some(address) = server.address.as_ref().filter(|address| unlike(address.get_ref()))
        else {
            continue;
        };
        let message = format!(
            "{} has no VIP of its own family: it is checked at its own address",
            server.title()
        );
        sink.warning(address.span(), format!("{}.address", server.path), message);
    }
}

/// Direct routing and tunnels keep the client's port, so a server's port only says where to check.
fn kept_port(pool: &PoolDraft, services: &[&ServiceDraft], sink: &mut Sink) {
    let served = |port: u16| {
        services.iter().any(|service| {
            // What was refused may have been the one.
            service.mode.is_none_or(Mode::is_proxied)
                || service.ports.is_empty()
                || service.ports.iter().any(|spec| {
                    spec.value.covers(Protocol::Tcp, port) || spec.value.covers(Protocol::Udp, port)
                })
        })
    };
    for server in &pool.servers {
        let (Some(address), Some(port)) = (&server.address, server.port) else { continue };
        if served(port) {
            continue;
        }
        let message = format!(
            "port {port} of {} is a port of no service of {}: the client's port is kept",
            server.title(),
            pool.title()
        );
        sink.warning(address.span(), format!("{}.address", server.path), message).help(format!(
            "if it is for the health check, write `check = {{ port = {port}, ... }}`"
        ));
    }
}
