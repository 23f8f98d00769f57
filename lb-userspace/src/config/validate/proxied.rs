//! Services of the proxy: ports and servers that it can serve.

use crate::{
    config::{
        diagnostic::Sink,
        draft::{CheckDraft, Draft, PoolDraft, ServiceDraft},
        table::Entry,
    },
    model::{CheckKind, Mode, ObservedLayer, OnError, PortSpec, Protocol},
};

/// Ports of one service: each is a socket for every thread.
const MOST_PORTS: u32 = 64;

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for pool in &draft.pools {
        unused(pool, draft, sink);
        observed(pool, draft, sink);
    }
    for service in draft.services.iter().filter(|service| is_proxied(service)) {
        ports(service, sink);
        not_forwarded(service, draft, sink);
        servers(service, draft, sink);
    }
}

/// What is said for the proxy is said to nobody.
fn unused(pool: &PoolDraft, draft: &Draft, sink: &mut Sink) {
    let may_use =
        |service: &ServiceDraft| service.uses(pool) && service.mode.is_none_or(Mode::is_proxied);
    if draft.services.iter().any(may_use) {
        return;
    }
    if let Some(span) = &pool.rules.kill {
        let message = format!("no service of the proxy uses {}: `kill` is `move`", pool.title());
        sink.warning(span.clone(), format!("{}.on_down", pool.path), message)
            .help("write `on_down = \"move\"`, or leave it out".to_owned());
    }
    if let Some(span) = &pool.has_proxy {
        let message =
            format!("no service of the proxy uses {}: `proxy` does nothing", pool.title());
        sink.warning(span.clone(), format!("{}.proxy", pool.path), message).help(
            "write `mode = \"http\"` or `mode = \"tcp\"` in the service, or leave `proxy` out"
                .to_owned(),
        );
    }
}

/// What is observed comes to something.
fn observed(pool: &PoolDraft, draft: &Draft, sink: &mut Sink) {
    let (Some(observe), Some(span)) = (pool.proxy.observe, &pool.has_proxy) else { return };
    let mut error = |message: String, help: &str| {
        let path = format!("{}.proxy.observe", pool.path);
        sink.error(span.clone(), path, message).help(help.to_owned());
    };
    let looks = |check: &CheckDraft| !matches!(check.check.kind, CheckKind::Agent(_));
    if observe.on_error != OnError::MarkDown && !pool.checks.iter().any(looks) {
        let message = format!("requests that fail make for checks, and {} has none", pool.title());
        error(message, "add a check, or `on_error = \"mark-down\"`");
    }
    let mut modes = draft.services.iter().filter(|service| service.uses(pool));
    let is_http = |service: &ServiceDraft| service.mode.is_none_or(|mode| mode == Mode::Http);
    if observe.layer == ObservedLayer::Layer7 && !modes.any(is_http) {
        let message = format!("no service with `mode = \"http\"` uses {}", pool.title());
        error(message, "write `layer = \"layer4\"`: of connections no more is known");
    }
}

fn is_proxied(service: &ServiceDraft) -> bool {
    service.mode.is_some_and(Mode::is_proxied)
}

/// Ports of TCP, a few of them.
fn ports(service: &ServiceDraft, sink: &mut Sink) {
    let mut count = 0;
    for port in &service.ports {
        count += port.value.count();
        let (message, help) = if port.value.protocol == Protocol::Udp {
            let message =
                format!("{} is a service of the proxy: it has no UDP ports", service.title());
            (message, "make a service for them with `mode = \"direct-routing\"`")
        } else if port.value.is_wildcard() {
            let message = format!(
                "{} is a service of the proxy: it cannot listen at every port",
                service.title()
            );
            (message, "name its ports")
        } else if count > MOST_PORTS {
            let message = format!(
                "{} has more than {MOST_PORTS} ports: the proxy opens a socket for each, and for each thread",
                service.title()
            );
            (message, "use `mode = \"direct-routing\"`, or fewer ports")
        } else {
            continue;
        };
        sink.error(port.span.clone(), format!("{}.ports[{}]", service.path, port.index), message)
            .help(help.to_owned());
        return;
    }
}

/// XDP would take the packets for another service, which has every port.
fn not_forwarded(service: &ServiceDraft, draft: &Draft, sink: &mut Sink) {
    let Some(address) = &service.address else { return };
    let same = |other: &&ServiceDraft| {
        !is_proxied(other)
            && other.address.as_ref().is_some_and(|other| other.get_ref() == address.get_ref())
    };
    let takes_all =
        |port: &&Entry<PortSpec>| port.value.protocol == Protocol::Tcp && port.value.is_wildcard();
    let mut others = draft.services.iter().filter(same);
    let Some((other, port)) =
        others.find_map(|other| Some((other, other.ports.iter().find(takes_all)?)))
    else {
        return;
    };
    let message = format!(
        "{} has every port of {}: {} would get no packet",
        other.title(),
        address.get_ref(),
        service.title()
    );
    sink.error(address.span(), format!("{}.address", service.path), message)
        .related(port.span.clone(), "every port")
        .help("give the service of the proxy an address of its own".to_owned());
}

/// The proxy connects to a port that is said.
fn servers(service: &ServiceDraft, draft: &Draft, sink: &mut Sink) {
    for pool in draft.pools.iter().filter(|pool| service.uses(pool)) {
        let mut without =
            pool.servers.iter().chain(&pool.sorry).filter(|server| server.port.is_none());
        let Some((server, address)) =
            without.find_map(|server| Some((server, server.address.as_ref()?)))
        else {
            continue;
        };
        let message = format!(
            "{} has no port: {} is a service of the proxy, which connects to one",
            server.title(),
            service.title()
        );
        let ip = address.get_ref();
        let help = if ip.is_ipv4() {
            format!("write `{ip}:8080`")
        } else {
            format!("write `[{ip}]:8080`")
        };
        sink.error(address.span(), format!("{}.address", server.path), message).help(help);
    }
}
