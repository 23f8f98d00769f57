//! How an instance stands, for `lb vrrp`.

use std::time::Duration;

use lb_common::abi::Lease;

use super::{instance::Instance, judge::Judged};
use crate::{
    agent::clock::since_boot,
    api::{
        HeardMaster, LeaseStatus, Notifications, RejectStatus, TrackerStatus, TransitionStatus,
        VirtualMacStatus, VrrpStatus,
    },
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
        virtual_mac: wanted.place.virtual_mac.as_ref().map(|interface| VirtualMacStatus {
            mac: wanted.place.mac.map(|byte| format!("{byte:02x}")).join(":"),
            interface: interface.to_string(),
        }),
        version: wanted.endpoint.version().get(),
        virtual_router_id: instance.virtual_router().get(),
        state: machine.state().to_string(),
        since_seconds: instance.history.back().map_or(ago(Duration::ZERO), |step| ago(step.at)),
        priority: machine.priority().get(),
        configured_priority: wanted.settings.priority.get(),
        trackers: instance.trackers.iter().map(tracker).collect(),
        fault: machine.fault().map(str::to_owned),
        addresses: wanted.addresses.iter().map(|vip| vip.network).collect(),
        held: held.held,
        lease: wanted.lease.as_ref().map(|lease| lease_of(&lease.read())),
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

fn lease_of(lease: &Lease) -> LeaseStatus {
    let now = since_boot();
    let ago = |at: u64| now.saturating_sub(Duration::from_nanos(at));
    let ends = Duration::from_nanos(lease.renewed.saturating_add(lease.length));
    LeaseStatus {
        seconds_left: (lease.renewed != 0).then(|| ends.saturating_sub(now).as_secs_f64()),
        claimed_seconds_ago: (lease.claimed != 0).then(|| ago(lease.claimed).as_secs_f64()),
        fenced: lease.is_fenced(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)),
    }
}

fn tracker(Judged { tracked, finding, share }: &Judged) -> TrackerStatus {
    TrackerStatus {
        name: tracked.tracker.clone(),
        weight: tracked.weight.get(),
        state: finding.reading.to_string(),
        share: share.points(),
        forbids: share.forbids(),
        reason: finding.reason.clone(),
        said: finding.said.clone(),
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
