//! Schedulers: what they count can be counted.

use toml::Spanned;

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, PoolDraft, ServiceDraft},
    },
    model::{Protocol, SchedulerKind},
};

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    for pool in &draft.pools {
        let Some(scheduler) = pool.scheduler.as_ref().filter(|s| s.get_ref().counts()) else {
            continue;
        };
        few_servers(pool, scheduler, sink);
        no_ring(pool, *scheduler.get_ref(), sink);
        for service in draft.services.iter().filter(|service| service.uses(pool)) {
            connections(pool, scheduler, service, sink);
        }
    }
}

fn few_servers(pool: &PoolDraft, scheduler: &Spanned<SchedulerKind>, sink: &mut Sink) {
    if pool.servers.len() <= SchedulerKind::MAX_COUNTED_SERVERS {
        return;
    }
    let message = format!(
        "scheduler `{}` counts the connections of at most {} servers, {} has {}",
        scheduler.get_ref(),
        SchedulerKind::MAX_COUNTED_SERVERS,
        pool.title(),
        pool.servers.len()
    );
    sink.error(scheduler.span(), format!("{}.scheduler", pool.path), message)
        .help("use `maglev`, which has no such limit".to_owned());
}

fn no_ring(pool: &PoolDraft, scheduler: SchedulerKind, sink: &mut Sink) {
    let Some(size) = &pool.ring_size else { return };
    let message =
        format!("scheduler `{scheduler}` has no ring of its own: `ring_size` is not for it");
    sink.warning(size.span(), format!("{}.ring_size", pool.path), message)
        .help("leave `ring_size` out".to_owned());
}

/// A datagram alone is no connection that could be counted.
fn connections(
    pool: &PoolDraft,
    scheduler: &Spanned<SchedulerKind>,
    service: &ServiceDraft,
    sink: &mut Sink,
) {
    if service.has_udp_idle || service.quic.is_some() {
        return;
    }
    let Some(port) = service.ports.iter().find(|port| port.value.protocol == Protocol::Udp) else {
        return;
    };
    let message = format!(
        "scheduler `{}` counts connections: a stateless datagram of {} is none",
        scheduler.get_ref(),
        service.title()
    );
    sink.error(port.span.clone(), format!("{}.ports[{}]", service.path, port.index), message)
        .related(scheduler.span(), format!("the scheduler of {}", pool.title()))
        .help(format!(
            "add `udp_idle = \"30s\"` to {}, or `quic = true` if that is what it carries",
            service.title()
        ));
}
