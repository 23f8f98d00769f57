//! The state machine of one instance (RFC 9568 §6.4, RFC 3768 §6.4), with what keepalived's users expect.
//!
//! ```text
//!               start                   owner, or resumed
//!   Initialize ───────► Backup      Initialize ───────► Master
//!
//!                nothing heard for the master-down time, or taken
//!            ┌─────────────────────────────────────────────────┐
//!       ┌────┴───┐                                         ┌───▼────┐
//!       │ Backup │                                         │ Master │
//!       └────▲───┘                                         └───┬────┘
//!            └─────────────────────────────────────────────────┘
//!             a higher one heard, or released, or lapsed
//!
//!   any but Initialize ──fault──► Fault ──recovered──► Backup (the owner: Master)
//!   any ──stop──► Initialize
//! ```
//! Whoever leaves Master because of itself says so first (priority 0), then removes the addresses.
//!
//! The shell hands over every packet that waits at the socket before it hands over [`Event::Timer`]: else a
//! director that slept takes a master for dead whose advertisements it has not read.

mod event;
mod master;
mod settings;
mod state;
mod timers;

pub use event::{Action, Event, Together};
pub use settings::{Preempt, Settings};
pub use state::{Reason, Seen, State, Transition};

use std::{net::IpAddr, time::Duration};

use self::timers::{down, skew};
use super::{
    packet::Advertisement,
    types::{Claim, Priority},
};

/// One instance.
#[derive(Clone, Debug)]
pub struct Machine {
    settings: Settings,
    phase: Phase,
    /// The trackers or the interface say so; a fault of the sync group is not among it.
    faulty: Option<String>,
    /// By the operator: advertise with the highest priority but the owner's.
    taken: bool,
    /// By the operator: leave the VIPs to others, though they are lower.
    released: bool,
    /// It has others in its sync group, and waits for them.
    grouped: bool,
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Initialize {
        /// The end of the start-up delay.
        start: Option<Duration>,
    },
    Backup(Backup),
    Master(Timers),
    Fault,
}

/// What a backup waits for.
#[derive(Clone, Copy, Debug)]
struct Backup {
    /// From here on the master is dead.
    down: Duration,
    /// The master's, or our own until one is heard. Version 2 has only one.
    interval: Duration,
    /// From here on lower masters are not accepted: the end of the preempt delay.
    preempt: Option<Duration>,
}

/// What a master has to do next.
#[derive(Clone, Copy, Debug)]
struct Timers {
    advertise: Duration,
    /// The repetition of the first announcement.
    again: Option<Duration>,
    refresh: Option<Duration>,
}

impl Machine {
    /// An instance that is not started yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Initialize { start: None },
            faulty: None,
            taken: false,
            released: false,
            grouped: false,
            seen: None,
        }
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> State {
        match self.phase {
            Phase::Initialize { .. } => State::Initialize,
            Phase::Backup(_) => State::Backup,
            Phase::Master(_) => State::Master,
            Phase::Fault => State::Fault,
        }
    }

    /// What it would advertise, or does.
    #[must_use]
    pub fn priority(&self) -> Priority {
        if self.taken {
            self.settings.priority.max(Priority::HIGHEST)
        } else {
            self.settings.priority
        }
    }

    /// The last other master that was heard.
    #[must_use]
    pub const fn seen(&self) -> Option<Seen> {
        self.seen
    }

    /// Why it stands still by itself, if it does.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.faulty.as_deref()
    }

    /// From now on it is not master before the others are ready too.
    pub(super) fn join_group(&mut self) {
        self.grouped = true;
    }

    /// What was wrong is over, and that is all: the sync group says when to go on.
    pub(super) fn mend(&mut self) {
        self.faulty = None;
    }

    /// When it wants [`Event::Timer`].
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Initialize { start } => *start,
            Phase::Backup(backup) => Some(backup.down),
            Phase::Master(timers) => Some(timers.next()),
            Phase::Fault => None,
        }
    }

    /// What to do about an event, in this order. A timer that is not due, and an event that means nothing in
    /// this state, lead to nothing.
    pub fn handle(&mut self, now: Duration, event: Event<'_>) -> Vec<Action> {
        match event {
            Event::Start { resume } => self.start(now, resume),
            Event::Advertisement(heard) => self.hear(now, heard),
            Event::Timer => self.timer(now),
            Event::PriorityChanged(priority) => {
                self.settings.priority = priority;
                Vec::new()
            }
            Event::Fault(reason) => {
                self.faulty = Some(reason.to_owned());
                self.fail(now, Reason::Fault(reason.to_owned()))
            }
            Event::Recovered => {
                self.faulty = None;
                self.recover(now)
            }
            Event::Release => self.release(now),
            Event::Take => self.take(now),
            Event::SourceChanged(source) => {
                self.settings.source = source;
                self.assert(now)
            }
            Event::AddressesChanged(addresses) => {
                self.settings.addresses = addresses.clone();
                self.assert(now)
            }
            Event::Together(Together::Backup) => self.step_down(now, Reason::Group),
            Event::Together(Together::Fault) => self.fail(now, Reason::Group),
            Event::Together(Together::Recovered) => self.recover(now),
            Event::Lapsed => self.lapse(now),
            Event::Stop => self.stop(now),
        }
    }

    fn start(&mut self, now: Duration, resume: bool) -> Vec<Action> {
        match self.phase {
            Phase::Initialize { start: None } if self.faulty.is_some() => {
                let reason = Reason::Fault(self.faulty.clone().unwrap_or_default());
                self.enter(now, Phase::Fault, reason)
            }
            Phase::Initialize { start: None } if resume => self.become_master(now, Reason::Resumed),
            Phase::Initialize { start: None } if self.settings.start_delay.is_zero() => {
                self.begin(now, Reason::Started)
            }
            Phase::Initialize { start: None } => {
                self.phase = Phase::Initialize { start: Some(now + self.settings.start_delay) };
                Vec::new()
            }
            Phase::Initialize { start: Some(_) }
            | Phase::Backup(_)
            | Phase::Master(_)
            | Phase::Fault => Vec::new(),
        }
    }

    /// RFC 9568 §6.4.1: the owner is master at once, everybody else listens first. In a sync group the owner
    /// waits, but for nobody else than the group.
    fn begin(&mut self, now: Duration, reason: Reason) -> Vec<Action> {
        let interval = self.settings.interval.duration();
        match self.is_owner() {
            true if self.grouped => {
                let ready = Backup { down: now, interval, preempt: None };
                self.enter(now, Phase::Backup(ready), reason)
            }
            true => self.become_master(now, Reason::Owner),
            false => self.enter(now, self.backup(now, interval), reason),
        }
    }

    fn is_owner(&self) -> bool {
        self.settings.priority == Priority::OWNER
    }

    fn timer(&mut self, now: Duration) -> Vec<Action> {
        if self.deadline().is_none_or(|due| now < due) {
            return Vec::new();
        }
        match self.phase {
            Phase::Initialize { .. } => self.begin(now, Reason::Started),
            Phase::Backup(_) if self.is_owner() => self.become_master(now, Reason::Owner),
            Phase::Backup(_) => self.become_master(now, Reason::MasterDown),
            Phase::Master(_) => self.keep_up(now),
            Phase::Fault => Vec::new(),
        }
    }

    fn hear(&mut self, now: Duration, heard: &Advertisement) -> Vec<Action> {
        if heard.source == self.settings.source {
            return Vec::new();
        }
        match self.phase {
            // A start-up delay and a fault discard them (keepalived).
            Phase::Initialize { .. } | Phase::Fault => Vec::new(),
            Phase::Backup(backup) => {
                let noted = self.note(now, heard);
                self.phase = Phase::Backup(self.backup_hears(now, backup, heard));
                noted
            }
            Phase::Master(_) => {
                let mut actions = self.note(now, heard);
                actions.extend(self.master_hears(now, heard));
                actions
            }
        }
    }

    /// RFC 9568 §6.4.2.
    fn backup_hears(&mut self, now: Duration, backup: Backup, heard: &Advertisement) -> Backup {
        let Claim::Master(theirs) = heard.claim else {
            let wait = skew(self.settings.interval.version(), self.priority(), backup.interval);
            return Backup { down: now + wait, preempt: None, ..backup };
        };
        let (accept, preempt) = match self.settings.preempt {
            _ if theirs >= self.priority() => (true, None),
            _ if self.is_owner() => (false, None),
            _ if self.released => (true, None),
            Preempt::Never => (true, None),
            Preempt::After(delay) => {
                let from = backup.preempt.unwrap_or(now + delay);
                (now < from, Some(from))
            }
        };
        if !accept {
            return Backup { preempt, ..backup };
        }
        let interval = heard.interval.duration();
        let wait = down(self.settings.interval.version(), self.priority(), interval);
        Backup { down: now + wait, interval, preempt }
    }

    /// Remembers who is master; says so once when its list of addresses is not ours.
    fn note(&mut self, now: Duration, heard: &Advertisement) -> Vec<Action> {
        let differs = !self.settings.addresses.same(&heard.addresses);
        let known = self.seen.is_some_and(|seen| seen.source == heard.source && seen.differs);
        self.seen = Some(Seen { source: heard.source, claim: heard.claim, at: now, differs });
        if differs && !known { vec![Action::AddressesDiffer(heard.source)] } else { Vec::new() }
    }

    fn fail(&mut self, now: Duration, reason: Reason) -> Vec<Action> {
        match self.phase {
            Phase::Initialize { start: None } | Phase::Fault => Vec::new(),
            Phase::Initialize { start: Some(_) } | Phase::Backup(_) => {
                self.enter(now, Phase::Fault, reason)
            }
            Phase::Master(_) => self.leave(now, Phase::Fault, reason),
        }
    }

    fn recover(&mut self, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Fault if self.faulty.is_none() => self.begin(now, Reason::Recovered),
            Phase::Initialize { .. } | Phase::Backup(_) | Phase::Master(_) | Phase::Fault => {
                Vec::new()
            }
        }
    }

    fn release(&mut self, now: Duration) -> Vec<Action> {
        self.taken = false;
        match self.phase {
            Phase::Master(_) => {
                self.released = true;
                self.step_down(now, Reason::Released)
            }
            Phase::Initialize { .. } | Phase::Backup(_) | Phase::Fault => Vec::new(),
        }
    }

    /// Becomes master with the highest priority, and keeps that until released: the others would take the VIPs
    /// back otherwise. Refused where the present master would not give way even so.
    fn take(&mut self, now: Duration) -> Vec<Action> {
        let Phase::Backup(backup) = self.phase else {
            let refused = Action::Refused("only a backup can take the VIPs");
            return if self.state() == State::Master { Vec::new() } else { vec![refused] };
        };
        let highest = self.settings.priority.max(Priority::HIGHEST);
        let fresh = |seen: &Seen| {
            seen.at + down(self.settings.interval.version(), highest, backup.interval) > now
        };
        if let Some(seen) = self.seen.filter(fresh)
            && outranks((seen.claim, seen.source), (highest, self.settings.source))
        {
            return vec![Action::Refused(
                "the master is the owner, or has priority 254 and a higher address",
            )];
        }
        self.taken = true;
        self.become_master(now, Reason::Taken)
    }

    fn stop(&mut self, now: Duration) -> Vec<Action> {
        let stopped = Phase::Initialize { start: None };
        self.taken = false;
        self.released = false;
        match self.phase {
            Phase::Initialize { start: None } => Vec::new(),
            Phase::Initialize { start: Some(_) } => {
                self.phase = stopped;
                Vec::new()
            }
            Phase::Backup(_) | Phase::Fault => self.enter(now, stopped, Reason::Stopped),
            Phase::Master(_) => self.leave(now, stopped, Reason::Stopped),
        }
    }

    fn backup(&self, now: Duration, interval: Duration) -> Phase {
        let wait = down(self.settings.interval.version(), self.priority(), interval);
        Phase::Backup(Backup { down: now + wait, interval, preempt: None })
    }

    /// Changes the state, and tells.
    fn enter(&mut self, now: Duration, phase: Phase, reason: Reason) -> Vec<Action> {
        let from = self.state();
        self.phase = phase;
        let transition = Transition { at: now, from, to: self.state(), reason };
        vec![Action::Notify(self.state()), Action::Record(transition)]
    }
}

/// Does the sender of an advertisement win against us (RFC 9568 §6.4.3)?
fn outranks(theirs: (Claim, IpAddr), ours: (Priority, IpAddr)) -> bool {
    theirs > (Claim::Master(ours.0), ours.1)
}

#[cfg(test)]
#[path = "machine_test.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "simulation_test.rs"]
mod simulation;
