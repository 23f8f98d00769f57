//! What a master does: advertise, announce its addresses, defend them, and give them up.

use std::time::Duration;

use super::{Action, Machine, Phase, Reason, State, Timers, outranks};
use crate::vrrp::{packet::Advertisement, types::Claim};

impl Timers {
    /// The first that is due.
    pub(super) fn next(&self) -> Duration {
        [self.again, self.refresh].into_iter().flatten().fold(self.advertise, Duration::min)
    }
}

impl Machine {
    /// Advertise, add the addresses, announce them, tell.
    pub(super) fn become_master(&mut self, now: Duration, reason: Reason) -> Vec<Action> {
        self.released = false;
        let timers = Timers {
            advertise: now + self.settings.interval.duration(),
            again: Some(now + self.settings.announce_again),
            refresh: self.settings.refresh.map(|every| now + every),
        };
        let mut actions =
            vec![Action::Advertise(self.claim()), Action::AddAddresses, Action::Announce];
        actions.extend(self.enter(now, Phase::Master(timers), reason));
        actions
    }

    /// What is due by now.
    pub(super) fn keep_up(&mut self, now: Duration) -> Vec<Action> {
        let Phase::Master(mut timers) = self.phase else { return Vec::new() };
        let mut actions = Vec::new();
        if now >= timers.advertise {
            actions.push(Action::Advertise(self.claim()));
            timers.advertise = following(timers.advertise, self.settings.interval.duration(), now);
        }
        let again = timers.again.is_some_and(|due| now >= due);
        let refresh = timers.refresh.is_some_and(|due| now >= due);
        if again {
            timers.again = None;
        }
        if refresh {
            timers.refresh = self.settings.refresh.map(|every| now + every);
        }
        if again || refresh {
            actions.push(Action::Announce);
        }
        self.phase = Phase::Master(timers);
        actions
    }

    /// RFC 9568 §6.4.3.
    pub(super) fn master_hears(&mut self, now: Duration, heard: &Advertisement) -> Vec<Action> {
        match heard.claim {
            // It gives up what is ours already.
            Claim::Leaving => self.advertise(now),
            Claim::Master(priority)
                if outranks(
                    (heard.claim, heard.source),
                    (self.priority(), self.settings.source),
                ) =>
            {
                self.taken = false;
                let mut actions = vec![Action::RemoveAddresses];
                let reason = Reason::Outranked { by: heard.source, priority };
                let backup = self.backup(now, heard.interval.duration());
                actions.extend(self.enter(now, backup, reason));
                actions
            }
            Claim::Master(_) => self.assert(now),
        }
    }

    /// Tells the other one, and every switch and host it may have told otherwise.
    pub(super) fn assert(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = self.advertise(now);
        if self.state() == State::Master {
            actions.push(Action::Announce);
        }
        actions
    }

    /// By its own will, to the backups: with priority 0, so that the others need not wait.
    pub(super) fn step_down(&mut self, now: Duration, reason: Reason) -> Vec<Action> {
        match self.phase {
            Phase::Master(_) => {
                self.taken = false;
                let backup = self.backup(now, self.settings.interval.duration());
                self.leave(now, backup, reason)
            }
            Phase::Initialize { .. } | Phase::Backup(_) | Phase::Fault => Vec::new(),
        }
    }

    /// Listens as after a start: what it would say now, it should have said long ago.
    pub(super) fn lapse(&mut self, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Master(_) => {
                self.taken = false;
                let mut actions = vec![Action::RemoveAddresses];
                let backup = self.backup(now, self.settings.interval.duration());
                actions.extend(self.enter(now, backup, Reason::Lapsed));
                actions
            }
            Phase::Initialize { .. } | Phase::Backup(_) | Phase::Fault => Vec::new(),
        }
    }

    /// First the word, then the addresses: nobody is to ask for them in vain longer than needed.
    pub(super) fn leave(&mut self, now: Duration, to: Phase, reason: Reason) -> Vec<Action> {
        let mut actions = vec![Action::Advertise(Claim::Leaving), Action::RemoveAddresses];
        actions.extend(self.enter(now, to, reason));
        actions
    }

    /// Out of turn: the next one is an interval away.
    fn advertise(&mut self, now: Duration) -> Vec<Action> {
        let next = now + self.settings.interval.duration();
        let claim = self.claim();
        match &mut self.phase {
            Phase::Master(timers) => {
                timers.advertise = next;
                vec![Action::Advertise(claim)]
            }
            Phase::Initialize { .. } | Phase::Backup(_) | Phase::Fault => Vec::new(),
        }
    }

    fn claim(&self) -> Claim {
        Claim::Master(self.priority())
    }
}

/// The next turn: lateness does not add up, and turns that were missed are not made up for.
fn following(due: Duration, interval: Duration, now: Duration) -> Duration {
    let next = due + interval;
    if next > now { next } else { now + interval }
}
