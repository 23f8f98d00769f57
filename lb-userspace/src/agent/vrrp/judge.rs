//! What trackers and the interface mean for an instance, and what its machine is told of it.

use super::{
    instance::Instance,
    router::{Place, Router},
};
use crate::{
    agent::track::{Finding, Findings},
    model::Tracked,
    vrrp::{
        machine::{Event, State},
        track::{Share, effective},
        types::Priority,
    },
};

/// A tracker, as an instance sees it.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) tracked: Tracked,
    pub(super) finding: Finding,
    pub(super) share: Share,
}

impl Instance {
    /// Takes note of what the trackers have found. `at_work`: it is backup or master already.
    fn weigh(&mut self, findings: &Findings, at_work: bool) {
        let owner = self.wanted.settings.priority == Priority::OWNER;
        let judged = |tracked: &Tracked| {
            let finding = findings.get(&tracked.tracker).cloned().unwrap_or_default();
            let share = finding.reading.share(tracked.weight, owner);
            let share = if at_work { share.at_work() } else { share };
            Judged { tracked: tracked.clone(), finding, share }
        };
        self.trackers = self.wanted.track.iter().map(judged).collect();
    }

    /// The priority with all shares.
    fn priority(&self) -> Priority {
        effective(self.wanted.settings.priority, self.trackers.iter().map(|one| one.share))
    }

    /// Why it must not serve: its interface, or the first tracker that forbids it.
    fn obstacle(&self) -> Option<String> {
        let of = |one: &Judged| {
            let name = &one.tracked.tracker;
            match one.share {
                Share::Fault if one.finding.reason.is_empty() => {
                    Some(format!("tracker {name} is {}", one.finding.reading))
                }
                Share::Fault => Some(format!("tracker {name}: {}", one.finding.reason)),
                Share::Waiting => Some(format!("waits for the first result of tracker {name}")),
                Share::Points(_) => None,
            }
        };
        let homeless = || {
            let gone = self.wanted.place.virtual_mac.as_ref().filter(|_| self.homeless)?;
            Some(format!("{gone} is gone: `lb reload` makes it again"))
        };
        self.link_problem.clone().or_else(homeless).or_else(|| self.trackers.iter().find_map(of))
    }
}

impl Router {
    /// Tells every machine what has changed for it.
    pub(super) fn judge_all(&mut self) {
        for place in self.places() {
            self.judge(place);
        }
    }

    /// Tells a machine what has changed for it.
    pub(super) fn judge(&mut self, place: Place) {
        // A pointer; whoever writes the next one is not kept waiting.
        let findings = self.findings.borrow().clone();
        let state = self.groups[place.0].0.members()[place.1].state();
        let Some(instance) = self.instance_at(place) else { return };
        instance.weigh(&findings, matches!(state, State::Backup | State::Master));
        let (priority, obstacle) = (instance.priority(), instance.obstacle());
        if std::mem::replace(&mut instance.told, priority) != priority {
            self.tell(place, Event::PriorityChanged(priority));
        }
        let fault = self.groups[place.0].0.members()[place.1].fault();
        match obstacle {
            Some(obstacle) if fault != Some(obstacle.as_str()) => {
                self.tell(place, Event::Fault(&obstacle));
            }
            None if fault.is_some() => {
                self.tell(place, Event::Recovered);
            }
            Some(_) | None => {}
        }
    }
}
