//! How an instance stands, for `lb vrrp`.

use std::time::Duration;

use super::instance::Instance;
use crate::{
    api::{HeardMaster, Notifications, RejectStatus, TransitionStatus, VrrpStatus},
    vrrp::{machine::Machine, packet::Reject},
};

/// Of one instance and its machine.
pub(super) fn of(machine: &Machine, instance: &Instance, now: Duration) -> VrrpStatus {
    let (wanted, counters, held) = (&instance.wanted, &instance.counters, instance.holder.held());
    let ago = |at: Duration| now.saturating_sub(at).as_secs_f64();
    VrrpStatus {
        name: wanted.name.clone(),
        group: wanted.group.clone(),
        interface: wanted.place.name.clone(),
        version: wanted.endpoint.version().get(),
        virtual_router_id: instance.virtual_router().get(),
        state: machine.state().to_string(),
        since_seconds: instance.history.back().map_or(ago(Duration::ZERO), |step| ago(step.at)),
        priority: machine.priority().get(),
        fault: machine.fault().map(str::to_owned),
        addresses: wanted.addresses.iter().map(|vip| vip.network).collect(),
        held: held.held,
        problem: held.problem,
        heard_master: machine.seen().map(|seen| HeardMaster {
            address: seen.source,
            priority: seen.claim.to_wire(),
            seconds_ago: ago(seen.at),
            other_addresses: seen.differs,
        }),
        sent: counters.sent,
        not_sent: counters.not_sent,
        heard: counters.heard,
        rejected: rejected(&counters.rejected),
        transitions: instance
            .history
            .iter()
            .map(|step| TransitionStatus {
                seconds_ago: ago(step.at),
                from: step.from.to_string(),
                to: step.to.to_string(),
                reason: step.reason.to_string(),
            })
            .collect(),
        untold: counters.untold,
        notifications: Notifications::default(),
        group_notifications: Notifications::default(),
    }
}

fn rejected(counters: &[u64]) -> Vec<RejectStatus> {
    let counted = Reject::ALL.iter().zip(counters).filter(|(_, packets)| **packets > 0);
    counted
        .map(|(reject, packets)| RejectStatus {
            reason: reject.key().to_owned(),
            words: reject.words().to_owned(),
            packets: *packets,
        })
        .collect()
}
