//! [`Draft`] to [`Config`], once nothing is wrong any more.

use toml::Spanned;

use super::{
    draft::{
        CheckDraft, Draft, GuardDraft, PoolDraft, ServerDraft, ServiceDraft, TrackedDraft,
        TrackerDraft, VrrpDraft, VrrpGroupDraft,
    },
    table::Entry,
};
use crate::{
    model::{
        Checks, Config, Guard, Notify, Pool, PoolNotify, RealServer, Service, Tracked, Tracker,
        VrrpGroup, VrrpInstance,
    },
    vrrp::types::InstanceId,
};

/// The model; `None` if something is missing, which has been reported then.
pub(super) fn build(draft: Draft) -> Option<Config> {
    Some(Config {
        node: draft.node?,
        limits: draft.limits,
        pools: draft
            .pools
            .into_iter()
            .map(|one| pool(one, draft.has_webhook))
            .collect::<Option<_>>()?,
        vrrp: draft
            .vrrp
            .into_iter()
            .map(|one| vrrp(one, &draft.trackers, draft.has_mail))
            .collect::<Option<_>>()?,
        trackers: draft.trackers.into_iter().map(tracker).collect::<Option<_>>()?,
        vrrp_groups: draft.vrrp_groups.into_iter().map(group).collect::<Option<_>>()?,
        mail: draft.mail,
        webhook: draft.webhook,
        services: draft.services.into_iter().map(service).collect::<Option<_>>()?,
    })
}

/// Mail is sent about instances wherever it can be, about groups where that is said.
fn vrrp(draft: VrrpDraft, trackers: &[TrackerDraft], has_mail: bool) -> Option<VrrpInstance> {
    let mail = draft.notify.mail.as_ref().map_or(has_mail, |mail| *mail.get_ref());
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
        virtual_mac: match draft.virtual_mac {
            Some(wanted) => Some(wanted.interface?),
            None => None,
        },
        announce: draft.announce,
        group: draft.group.map(Spanned::into_inner),
        track: draft.track.into_iter().map(|one| tracked(one, trackers)).collect::<Option<_>>()?,
        notify: Notify { mail, ..draft.notify.notify },
    })
}

fn tracked(draft: TrackedDraft, trackers: &[TrackerDraft]) -> Option<Tracked> {
    let tracker = trackers.iter().find(|tracker| tracker.is(draft.name.get_ref()))?;
    let weight = draft.weight.map_or_else(|| tracker.weight(), Spanned::into_inner);
    Some(Tracked { tracker: draft.name.into_inner(), weight })
}

fn tracker(draft: TrackerDraft) -> Option<Tracker> {
    Some(Tracker { name: draft.name?.into_inner(), kind: draft.kind? })
}

fn group(draft: VrrpGroupDraft) -> Option<VrrpGroup> {
    Some(VrrpGroup { name: draft.name?.into_inner(), notify: draft.notify.notify })
}

/// The webhook is told wherever it can be, people by mail where that is said.
fn pool(draft: PoolDraft, has_webhook: bool) -> Option<Pool> {
    let own = draft.servers.iter().filter(|server| server.scripts.iter().any(Option::is_some));
    let own =
        own.filter_map(|one| Some((one.name.as_ref()?.get_ref().clone(), one.scripts.clone())));
    let webhook = draft.notify.webhook.as_ref().map_or(has_webhook, |wanted| *wanted.get_ref());
    let notify = PoolNotify { own: own.collect(), webhook, ..draft.notify.notify };
    Some(Pool {
        name: draft.name?.into_inner(),
        scheduler: draft.scheduler.map(Spanned::into_inner).unwrap_or_default(),
        checks: checks(draft.checks, draft.checks_needed)?,
        servers: draft.servers.into_iter().map(server).collect::<Option<_>>()?,
        ring_size: draft.ring_size.map(Spanned::into_inner),
        window: draft.window,
        slow_start: draft.slow_start,
        rules: draft.rules.rules,
        notify,
        on_empty: draft.on_empty,
        sorry: match draft.sorry {
            Some(sorry) => Some(server(sorry)?),
            None => None,
        },
        tunnel: draft.tunnel.map(Spanned::into_inner).unwrap_or_default(),
        proxy: draft.proxy,
    })
}

/// `None` where so many cannot pass, which was reported.
fn checks(drafts: Vec<CheckDraft>, needed: Option<Spanned<i128>>) -> Option<Checks> {
    let each = drafts.into_iter().map(|draft| draft.check).collect();
    match needed {
        Some(needed) => Checks::some(each, needed.into_inner()).ok(),
        None => Some(Checks::all(each)),
    }
}

fn server(draft: ServerDraft) -> Option<RealServer> {
    Some(RealServer {
        name: draft.name?.into_inner(),
        address: draft.address?.into_inner(),
        port: draft.port,
        weight: draft.weight,
        backup: draft.backup,
        max_connections: draft.max_connections,
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
        proxy: draft.proxy,
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
