//! [`Draft`] to [`Config`], once nothing is wrong any more.

use toml::Spanned;

use super::draft::{Draft, PoolDraft, ServerDraft, ServiceDraft};
use crate::model::{Config, OnEmpty, Pool, RealServer, Service, Tunnel};

/// The model; `None` if something is missing, which has been reported then.
pub(super) fn build(draft: Draft) -> Option<Config> {
    Some(Config {
        node: draft.node?,
        limits: draft.limits,
        pools: draft.pools.into_iter().map(pool).collect::<Option<_>>()?,
        services: draft.services.into_iter().map(service).collect::<Option<_>>()?,
    })
}

fn pool(draft: PoolDraft) -> Option<Pool> {
    Some(Pool {
        name: draft.name?.into_inner(),
        scheduler: draft.scheduler,
        check: draft.check.map(|check| check.check),
        servers: draft.servers.into_iter().map(server).collect::<Option<_>>()?,
        ring_size: draft.ring_size.map(Spanned::into_inner),
        window: draft.window,
        slow_start: None,
        on_empty: OnEmpty::default(),
        sorry: None,
        tunnel: Tunnel::default(),
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
    let mut ports: Vec<_> = draft.ports.into_iter().map(Spanned::into_inner).collect();
    ports.sort();
    Some(Service {
        name: draft.name?.into_inner(),
        address: draft.address?.into_inner(),
        ports,
        mark: draft.mark.map(Spanned::into_inner),
        mode: draft.mode?,
        persistence: draft.persistence,
        udp_idle: draft.udp_idle.map(Spanned::into_inner),
        quic: false,
        guard: None,
        flood: None,
        pool: draft.pool?.into_inner(),
    })
}
