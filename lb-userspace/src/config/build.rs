//! [`Draft`] to [`Config`], once nothing is wrong any more.

use toml::Spanned;

use super::{
    draft::{Draft, GuardDraft, PoolDraft, ServerDraft, ServiceDraft, VrrpDraft},
    table::Entry,
};
use crate::{
    model::{Config, Guard, Pool, RealServer, Service, VrrpInstance},
    vrrp::types::InstanceId,
};

/// The model; `None` if something is missing, which has been reported then.
pub(super) fn build(draft: Draft) -> Option<Config> {
    Some(Config {
        node: draft.node?,
        limits: draft.limits,
        pools: draft.pools.into_iter().map(pool).collect::<Option<_>>()?,
        vrrp: draft.vrrp.into_iter().map(vrrp).collect::<Option<_>>()?,
        services: draft.services.into_iter().map(service).collect::<Option<_>>()?,
    })
}

fn vrrp(draft: VrrpDraft) -> Option<VrrpInstance> {
    Some(VrrpInstance {
        id: InstanceId {
            family: draft.family()?,
            interface: draft.interface?,
            virtual_router: draft.virtual_router?.into_inner(),
        },
        name: draft.name?.into_inner(),
        priority: draft.priority?,
        protocol: draft.protocol?,
        addresses: draft.addresses.into_iter().map(|entry| entry.address).collect(),
        routing: draft.routing,
        preempt: draft.preempt,
        start_delay: draft.start_delay,
        source: draft.source.map(Spanned::into_inner),
        unicast_peers: draft.unicast_peers.into_iter().map(|peer| peer.value).collect(),
        announce: draft.announce,
        group: draft.group.map(Spanned::into_inner),
    })
}

fn pool(draft: PoolDraft) -> Option<Pool> {
    Some(Pool {
        name: draft.name?.into_inner(),
        scheduler: draft.scheduler.map(Spanned::into_inner).unwrap_or_default(),
        check: draft.check.map(|check| check.check),
        servers: draft.servers.into_iter().map(server).collect::<Option<_>>()?,
        ring_size: draft.ring_size.map(Spanned::into_inner),
        window: draft.window,
        slow_start: draft.slow_start,
        on_empty: draft.on_empty,
        sorry: match draft.sorry {
            Some(sorry) => Some(server(sorry)?),
            None => None,
        },
        tunnel: draft.tunnel.map(Spanned::into_inner).unwrap_or_default(),
    })
}

fn server(draft: ServerDraft) -> Option<RealServer> {
    Some(RealServer {
        name: draft.name?.into_inner(),
        address: draft.address?.into_inner(),
        port: draft.port,
        weight: draft.weight,
    })
}

fn service(draft: ServiceDraft) -> Option<Service> {
    Some(Service {
        name: draft.name?.into_inner(),
        address: draft.address?.into_inner(),
        ports: sorted(draft.ports),
        mark: draft.mark.map(Spanned::into_inner),
        mode: draft.mode?,
        persistence: draft.persistence,
        udp_idle: draft.udp_idle.map(Spanned::into_inner),
        quic: draft.quic.is_some(),
        guard: draft.guard.map(guard),
        flood: draft.flood,
        pool: draft.pool?.into_inner(),
    })
}

fn guard(draft: GuardDraft) -> Guard {
    Guard {
        default: draft.default.map(Spanned::into_inner).unwrap_or_default(),
        allow: sorted(draft.allow),
        deny: sorted(draft.deny),
        rate: draft.rate,
        source_rate: draft.source_rate,
    }
}

/// Each value once.
fn sorted<T: Ord>(entries: Vec<Entry<T>>) -> Vec<T> {
    let mut values: Vec<_> = entries.into_iter().map(|entry| entry.value).collect();
    values.sort();
    values.dedup();
    values
}
