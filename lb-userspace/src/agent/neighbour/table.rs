//! Which Ethernet address each next hop has: the pure part.
//!
//! ```text
//!                     address found                    fails
//!   ┌────────────┐   → publish   ┌──────────┐  → check health  ┌─────────┐
//!   │ Unresolved ├──────────────▶│ Resolved ├─────────────────▶│ Failing │
//!   └────────────┘               └──▲────┬──┘                  └────┬────┘
//!                                   │    │ another address: publish │
//!                                   ├────┘                          │
//!                                   └───────────────────────────────┘
//!                                      address found → publish if another
//! ```
//! Resolution gates only the first use of a next hop. One that fails later keeps its last address:
//! a blip of ARP must not make two directors choose differently; the health check decides.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::agent::netlink::Mac;

/// A next hop: an address behind an interface (by index).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Index of the interface.
    pub interface: u32,
    /// The address.
    pub address: IpAddr,
}

/// What is known of a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Never answered.
    Unresolved {
        /// Since when it is wanted.
        since: Duration,
    },
    /// Its address is known and not in doubt.
    Resolved {
        /// The address.
        mac: Mac,
        /// Since when.
        since: Duration,
    },
    /// It answered once and does not now; the last address stays in use.
    Failing {
        /// The last address.
        mac: Mac,
        /// Since when it does not answer.
        since: Duration,
    },
}

impl State {
    /// The address in use.
    #[must_use]
    pub fn mac(self) -> Option<Mac> {
        match self {
            Self::Unresolved { .. } => None,
            Self::Resolved { mac, .. } | Self::Failing { mac, .. } => Some(mac),
        }
    }
}

/// News of a next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has this address.
    Found(Mac),
    /// It was asked and does not answer.
    Failed,
    /// The kernel has thrown its entry away.
    Gone,
}

/// What the shell has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forward to `key` by this address from now on.
    Publish {
        /// The next hop.
        key: Key,
        /// Its address.
        mac: Mac,
    },
    /// Check the health of the real server at `key` now.
    CheckHealth {
        /// The next hop.
        key: Key,
    },
    /// Ask for the address of `key`.
    Ask {
        /// The next hop.
        key: Key,
        /// How often it was asked in vain before.
        before: u32,
    },
}

/// Seconds between questions to one that does not answer: 1, 2, 4, 8, 8, ...
const BACKOFF_LIMIT: u32 = 3;
/// Where nobody else keeps an address fresh, it is asked for again after this long.
const REFRESH: Duration = Duration::from_secs(30);
/// Questions in vain after which a known address counts as failing.
const PATIENCE: u32 = 3;
/// All questions together: at most this many in one [`WINDOW`].
const BURST: u32 = 32;
const WINDOW: Duration = Duration::from_millis(100);

/// The next hops that are wanted.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<Key, Entry>,
    /// When to ask whom: the entries' `ask_at`, sorted.
    due: BTreeSet<(Duration, Key)>,
    window_start: Duration,
    asked_in_window: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    state: State,
    ask_at: Option<Duration>,
    asked: u32,
    /// When its address was found last.
    found: Option<Duration>,
    /// Somebody else (the kernel) keeps it fresh and will say when it fails.
    kept: bool,
}

impl Table {
    /// Adds a next hop; [`Table::poll`] then asks for it. One that is there stays as it is.
    pub fn want(&mut self, now: Duration, key: Key) {
        if self.entries.contains_key(&key) {
            return;
        }
        let state = State::Unresolved { since: now };
        let entry = Entry { state, ask_at: None, asked: 0, found: None, kept: false };
        self.entries.insert(key, entry);
        self.ask_at(key, Some(now));
    }

    /// Removes a next hop; `true` when it was there.
    pub fn forget(&mut self, key: Key) -> bool {
        self.ask_at(key, None);
        self.entries.remove(&key).is_some()
    }

    /// What is known of one.
    #[must_use]
    pub fn state(&self, key: Key) -> Option<State> {
        self.entries.get(&key).map(|entry| entry.state)
    }

    /// When the address of one was found last: told by the kernel, or by an answer to us.
    #[must_use]
    pub fn found(&self, key: Key) -> Option<Duration> {
        self.entries.get(&key)?.found
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Key, State)> {
        self.entries.iter().map(|(key, entry)| (*key, entry.state))
    }

    /// Says whether the kernel keeps the entry fresh by itself.
    pub fn kept(&mut self, now: Duration, key: Key, kept: bool) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.kept = kept;
        if matches!(entry.state, State::Resolved { .. }) {
            let again = (!kept).then(|| entry.ask_at.unwrap_or(now + REFRESH));
            self.ask_at(key, again);
        }
    }

    /// Asks for all next hops behind an interface again: it has come up, and what the kernel knew
    /// went when it went down.
    pub fn ask_again(&mut self, now: Duration, interface: u32) {
        let keys: Vec<Key> =
            self.entries.keys().filter(|key| key.interface == interface).copied().collect();
        for key in keys {
            self.ask_at(key, Some(now));
        }
    }

    /// Takes news. What nobody wants is ignored.
    pub fn event(&mut self, now: Duration, key: Key, event: Event) -> Option<Action> {
        let entry = self.entries.get_mut(&key)?;
        let (state, action) = match (entry.state, event) {
            (State::Unresolved { .. }, Event::Found(mac)) => {
                (State::Resolved { mac, since: now }, Some(Action::Publish { key, mac }))
            }
            (State::Resolved { mac: last, since }, Event::Found(mac)) if mac == last => {
                (State::Resolved { mac, since }, None)
            }
            (State::Resolved { .. }, Event::Found(mac)) => {
                (State::Resolved { mac, since: now }, Some(Action::Publish { key, mac }))
            }
            (State::Failing { mac: last, .. }, Event::Found(mac)) => {
                let publish = (mac != last).then_some(Action::Publish { key, mac });
                (State::Resolved { mac, since: now }, publish)
            }
            (State::Resolved { mac, .. }, Event::Failed) => {
                (State::Failing { mac, since: now }, Some(Action::CheckHealth { key }))
            }
            (state @ (State::Unresolved { .. } | State::Failing { .. }), Event::Failed)
            | (state, Event::Gone) => (state, None),
        };
        entry.state = state;
        let ask_at = match event {
            Event::Found(_) => {
                entry.asked = 0;
                entry.found = Some(now);
                (!entry.kept).then_some(now + REFRESH)
            }
            Event::Failed => Some(entry.ask_at.unwrap_or(now + Duration::from_secs(1))),
            Event::Gone => {
                entry.kept = false;
                let soon = now + Duration::from_secs(1);
                Some(entry.ask_at.map_or(soon, |before| before.min(soon)))
            }
        };
        self.ask_at(key, ask_at);
        action
    }

    /// What is due at `now`.
    pub fn poll(&mut self, now: Duration) -> Vec<Action> {
        if now >= self.window_start + WINDOW {
            self.window_start = now;
            self.asked_in_window = 0;
        }
        let mut actions = Vec::new();
        while self.asked_in_window < BURST {
            let Some(&(at, key)) = self.due.first() else { break };
            if at > now {
                break;
            }
            self.asked_in_window += 1;
            self.ask(now, key, &mut actions);
        }
        actions
    }

    /// When [`Table::poll`] will next have something to say.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let (first, _) = *self.due.first()?;
        let full = self.asked_in_window >= BURST;
        Some(if full { first.max(self.window_start + WINDOW) } else { first })
    }

    fn ask(&mut self, now: Duration, key: Key, actions: &mut Vec<Action>) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let before = entry.asked;
        if let State::Resolved { mac, .. } = entry.state
            && before >= PATIENCE
        {
            entry.state = State::Failing { mac, since: now };
            actions.push(Action::CheckHealth { key });
        }
        entry.asked = before.saturating_add(1);
        let again = now + Duration::from_secs(1 << before.min(BACKOFF_LIMIT));
        actions.push(Action::Ask { key, before });
        self.ask_at(key, Some(again));
    }

    fn ask_at(&mut self, key: Key, at: Option<Duration>) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if let Some(before) = std::mem::replace(&mut entry.ask_at, at) {
            self.due.remove(&(before, key));
        }
        self.due.extend(at.map(|at| (at, key)));
    }
}

#[cfg(test)]
#[path = "table_test.rs"]
mod tests;
