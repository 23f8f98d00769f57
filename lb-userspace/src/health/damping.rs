//! Flap damping: a real server that comes and goes is held down until it is quiet.
//!
//! ```text
//!           more than `changes` within `within`
//!        ┌──────────────────────────────────────┐
//!   ┌────┴───┐                              ┌───▼────┐
//!   │  Free  │                              │  Held  │ ◀─ any change: the hold begins anew
//!   └────▲───┘                              └───┬────┘
//!        └──────────────────────────────────────┘
//!           no change for `hold`: all is forgotten
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::State;
use crate::model::Damping;

/// The damper of one real server. Times are on any clock that only goes forward.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damper {
    /// When its state changed, the latest last; no more than are counted.
    changes: Vec<Duration>,
    /// Until then it is held down.
    held: Option<Duration>,
}

impl Damper {
    /// The same under other rules, with nothing in it that these do not allow: the words of somebody else.
    #[must_use]
    pub fn until(mut self, now: Duration, damping: &Damping) -> Self {
        self.changes.retain(|at| *at <= now);
        let extra = self.changes.len().saturating_sub(damping.changes.into());
        self.changes.drain(..extra);
        self.held = self.held.map(|held| held.min(now + damping.hold));
        self
    }

    /// Has it anything to remember?
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.changes.is_empty() && self.held.is_none()
    }

    /// Takes note of a change of state. Returns true where it is held down from now on.
    pub fn note(&mut self, now: Duration, damping: &Damping) -> bool {
        if self.held.is_some() {
            self.held = Some(now + damping.hold);
            return false;
        }
        self.changes.retain(|at| now.saturating_sub(*at) < damping.within);
        self.changes.push(now);
        if self.changes.len() <= usize::from(damping.changes) {
            return false;
        }
        self.held = Some(now + damping.hold);
        true
    }

    /// Lets it go where the time is over. Returns true where that happens now.
    pub fn advance(&mut self, now: Duration) -> bool {
        let over = self.held.is_some_and(|until| now >= until);
        if over {
            *self = Self::default();
        }
        over
    }

    /// What its state comes to.
    #[must_use]
    pub const fn state(&self, found: State) -> State {
        if self.held.is_some() { State::Down } else { found }
    }

    /// When it is let go, unless its state changes again.
    #[must_use]
    pub const fn held_until(&self) -> Option<Duration> {
        self.held
    }
}

#[cfg(test)]
#[path = "damping_test.rs"]
mod tests;
