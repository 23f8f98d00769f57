//! Sync groups: instances that are master together or not at all, such as the two sides of a router.
//!
//! A member becomes master only when every other one may: its timer has run out, or it is master already. Until
//! then it waits, and a master heard meanwhile resets it. When one steps down or fails, all do.

use std::time::Duration;

use super::machine::{Action, Event, Machine, State, Together};

/// One group.
#[derive(Clone, Debug)]
pub struct Group {
    members: Vec<Machine>,
}

/// What to do, and for which member (its place in the group).
pub type Actions = Vec<(usize, Action)>;

impl Group {
    /// Of these members. One alone is a group too: it behaves as it does without.
    #[must_use]
    pub fn new(mut members: Vec<Machine>) -> Self {
        if members.len() > 1 {
            members.iter_mut().for_each(Machine::join_group);
        }
        Self { members }
    }

    /// The members, in their places.
    #[must_use]
    pub fn members(&self) -> &[Machine] {
        &self.members
    }

    /// When the group wants [`Group::poll`].
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let due = |backup| {
            let of = move |member: &&Machine| (member.state() == State::Backup) == backup;
            self.members.iter().filter(of).filter_map(Machine::deadline)
        };
        // Backups wait for the last of them.
        let together = if self.held() { None } else { due(true).max() };
        due(false).min().into_iter().chain(together).min()
    }

    /// Does what is due.
    pub fn poll(&mut self, now: Duration) -> Actions {
        let mut actions = Vec::new();
        for place in 0..self.members.len() {
            if self.members[place].state() != State::Backup {
                actions.extend(self.tell(now, place, Event::Timer));
            }
        }
        let late = |member: &Machine| {
            member.state() == State::Master || member.deadline().is_some_and(|due| now >= due)
        };
        if !self.held() && self.members.iter().all(late) {
            for place in 0..self.members.len() {
                if self.members[place].state() == State::Backup {
                    actions.extend(self.tell(now, place, Event::Timer));
                }
            }
        }
        actions
    }

    /// Tells a member of an event, and the others what follows for them. The operator's wishes concern all.
    pub fn handle(&mut self, now: Duration, place: usize, event: Event<'_>) -> Actions {
        let Some(member) = self.members.get_mut(place) else { return Vec::new() };
        let before = member.state();
        let mut actions = match event {
            Event::Timer => return self.poll(now),
            Event::Take => return self.take(now),
            Event::Release => return self.tell_all(now, event),
            Event::Recovered => {
                member.mend();
                if self.broken() { Vec::new() } else { self.tell(now, place, event) }
            }
            other => self.tell(now, place, other),
        };
        let together = match (before, self.members[place].state()) {
            (_, State::Backup | State::Master | State::Fault) if self.broken() => Together::Fault,
            (State::Master, State::Backup) => Together::Backup,
            (State::Fault, State::Backup | State::Master) => Together::Recovered,
            (State::Initialize | State::Backup | State::Master | State::Fault, _) => {
                return actions;
            }
        };
        actions.extend(self.tell_all(now, Event::Together(together)));
        actions
    }

    /// All, or none if one is refused: its master would take the whole group back.
    fn take(&mut self, now: Duration) -> Actions {
        let mut taken = self.clone();
        let actions = taken.tell_all(now, Event::Take);
        let refused = |(_, action): &(usize, Action)| matches!(action, Action::Refused(_));
        if actions.iter().any(refused) {
            return actions.into_iter().filter(refused).collect();
        }
        *self = taken;
        actions
    }

    /// One of them cannot serve, by itself.
    fn broken(&self) -> bool {
        self.members.iter().any(|member| member.fault().is_some())
    }

    /// One of them neither is master nor waits to become it.
    fn held(&self) -> bool {
        let apart = |member: &Machine| matches!(member.state(), State::Initialize | State::Fault);
        self.members.iter().any(apart)
    }

    fn tell(&mut self, now: Duration, place: usize, event: Event<'_>) -> Actions {
        self.members[place].handle(now, event).into_iter().map(|action| (place, action)).collect()
    }

    fn tell_all(&mut self, now: Duration, event: Event<'_>) -> Actions {
        (0..self.members.len()).flat_map(|place| self.tell(now, place, event)).collect()
    }
}

#[cfg(test)]
#[path = "group_test.rs"]
mod tests;
