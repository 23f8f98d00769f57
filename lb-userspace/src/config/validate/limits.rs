//! Limits: everything that is configured fits into the maps.

use crate::{
    config::{
        diagnostic::Sink,
        draft::{Draft, PoolDraft},
    },
    model::{LimitKey, Pool},
};
use lb_common::ring::default_size;

/// Rings of one pool that can be in use at a time: before a change, after it, and the one being filled.
const RINGS_OF_A_POOL: u64 = 3;

pub(super) fn validate(draft: &Draft, sink: &mut Sink) {
    let ports = draft.services.iter().flat_map(|service| &service.ports);
    let service_keys = ports.map(|port| u64::from(port.value.count())).sum();
    let reals = draft.pools.iter().map(reals_of).sum();
    let counters = draft
        .services
        .iter()
        .flat_map(|service| draft.pools.iter().find(|pool| service.uses(pool)))
        .map(reals_of)
        .sum();
    let guards = draft.services.iter().filter_map(|service| service.guard.as_ref());
    let prefixes = guards.map(|guard| (guard.allow.len() + guard.deny.len()) as u64).sum();
    let slots: u64 = draft
        .pools
        .iter()
        .map(|pool| match &pool.ring_size {
            Some(size) => u64::from(*size.get_ref()),
            None => u64::from(default_size(pool.servers.len().min(Pool::MAX_SERVERS))),
        })
        .sum();
    for (key, needed, what) in [
        (LimitKey::Services, service_keys, "address, protocol and port combinations of services"),
        (LimitKey::Reals, reals, "real servers"),
        (LimitKey::Counters, counters, "counters, one for each real server of each service"),
        (LimitKey::RingSlots, slots * RINGS_OF_A_POOL, "ring slots, three rings for each pool"),
        (LimitKey::GuardPrefixes, prefixes, "prefixes of guards"),
    ] {
        let limit = draft.limits.get(key);
        if needed <= u64::from(limit) {
            continue;
        }
        let path = format!("limits.{}", key.as_str());
        let message = format!("{needed} {what} are needed, the limit is {limit}");
        sink.error(draft.limits_span(key), path, message).help(format!(
            "raise `{}` in [limits] to {needed} or more (at most {})",
            key.as_str(),
            key.range().1
        ));
    }
}

/// Its servers, and the one that stands in for them.
fn reals_of(pool: &PoolDraft) -> u64 {
    (pool.servers.len() + usize::from(pool.sorry.is_some())) as u64
}
