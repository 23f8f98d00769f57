//! What requests tell of servers, between checks: HAProxy's `observe`, with a limit to how many are taken out by it.
//!
//! Data threads count errors in a row; one good answer makes the count zero. At `error_limit` of them they tell the agent:
//!
//! | `on_error` | what follows |
//! | --- | --- |
//! | `fast-check` | the next check is made at once |
//! | `fail-check` | it counts as a failed check, and the next one is made at once |
//! | `sudden-death` | so that one more failed check is the last: [`Checker::condemn`](super::Checker::condemn) |
//! | `mark-down` | no new requests for a time that grows with each time in a row, then it may prove itself |
//!
//! A pool whose servers all answer badly has another trouble than its servers: not more than a share of them is taken
//! out, and never the last one.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::{Observe, ObservedLayer, OnError};

/// What a request has met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// A connection came about; in TCP mode nothing more is known.
    Connected,
    /// It did not: refused, no answer, or TLS failed.
    ConnectFailed,
    /// A response with this status.
    Response(u16),
    /// The response did not come in time, or cannot be read.
    NoResponse,
}

impl Observation {
    /// Good, bad, or nothing that counts.
    #[must_use]
    pub const fn judge(self, layer: ObservedLayer) -> Option<bool> {
        use ObservedLayer::{Layer4, Layer7};
        match (layer, self) {
            (_, Self::ConnectFailed) | (Layer7, Self::NoResponse) => Some(false),
            (Layer4, Self::Connected) => Some(true),
            // The response will tell.
            (Layer7, Self::Connected) => None,
            (Layer4, Self::Response(_) | Self::NoResponse) => None,
            (Layer7, Self::Response(status)) => Some(matches!(status, 100..=499 | 501 | 505)),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("a connection"),
            Self::ConnectFailed => f.write_str("a connection that failed"),
            Self::Response(status) => write!(f, "a response with status {status}"),
            Self::NoResponse => f.write_str("no response, or none that can be read"),
        }
    }
}

/// What to do about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlierAction {
    /// Make its next check now.
    CheckNow,
    /// Count a failed check, and make the next one now.
    FailCheck,
    /// Let one more failed check be the last, and make it now.
    Condemn,
    /// No new requests until [`Outliers::advance`] says otherwise.
    Eject {
        /// How long.
        time: Duration,
    },
    /// It ought to be out, and too many are already. To be counted.
    Spare,
}

/// What is known of one server.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Times in a row that it was out.
    ejections: u32,
    /// Until when it is out; or was.
    until: Option<Duration>,
    out: bool,
}

/// The servers of a pool that requests have told something bad of.
#[derive(Clone, Debug)]
pub struct Outliers<K> {
    settings: Observe,
    known: BTreeMap<K, Known>,
}

impl<K: Ord + Clone> Outliers<K> {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new(settings: Observe) -> Self {
        Self { settings, known: BTreeMap::new() }
    }

    /// The configuration has changed: other settings, and whom this names is still there.
    pub fn change(&mut self, settings: Observe, is_there: impl Fn(&K) -> bool) {
        self.settings = settings;
        self.known.retain(|key, _| is_there(key));
    }

    /// Too many requests to a server in a row have failed. `servers`: how many of the pool are well, or out by this.
    pub fn suspect(&mut self, now: Duration, server: &K, servers: usize) -> Option<OutlierAction> {
        let out = self.known.values().filter(|known| known.out).count();
        let known = self.known.entry(server.clone()).or_default();
        // Requests that it had before end badly, too.
        if known.out {
            return None;
        }
        Some(match self.settings.on_error {
            OnError::FastCheck => OutlierAction::CheckNow,
            OnError::FailCheck => OutlierAction::FailCheck,
            OnError::SuddenDeath => OutlierAction::Condemn,
            OnError::MarkDown if out >= most_out(&self.settings, servers) => OutlierAction::Spare,
            OnError::MarkDown => OutlierAction::Eject { time: known.eject(now, &self.settings) },
        })
    }

    /// Whose time is over: they get requests again.
    pub fn advance(&mut self, now: Duration) -> Vec<K> {
        let mut back = Vec::new();
        for (key, known) in &mut self.known {
            if known.out && known.until.is_none_or(|until| until <= now) {
                known.out = false;
                back.push(key.clone());
            }
        }
        back
    }

    /// When [`Self::advance`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.known.values().filter(|known| known.out).filter_map(|known| known.until).min()
    }

    /// Is it out?
    #[must_use]
    pub fn is_out(&self, server: &K) -> bool {
        self.known.get(server).is_some_and(|known| known.out)
    }

    /// Until when it is out.
    #[must_use]
    pub fn out_until(&self, server: &K) -> Option<Duration> {
        self.known.get(server).filter(|known| known.out)?.until
    }
}

/// Servers that may be out at a time, of so many.
fn most_out(settings: &Observe, servers: usize) -> usize {
    let share = servers.saturating_mul(usize::from(settings.max_ejected.min(100))) / 100;
    share.max(1).min(servers.saturating_sub(1))
}

impl Known {
    fn eject(&mut self, now: Duration, settings: &Observe) -> Duration {
        // Each time of the first length that it was in and well takes one time back.
        let well = now.saturating_sub(self.until.unwrap_or(now)).as_nanos();
        let forgiven = well.checked_div(settings.ejection.as_nanos()).unwrap_or(0);
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        self.ejections = self.ejections.saturating_sub(forgiven).saturating_add(1);
        let time = settings.ejection.saturating_mul(self.ejections).min(settings.max_ejection);
        self.until = Some(now.saturating_add(time));
        self.out = true;
        time
    }
}

#[cfg(test)]
#[path = "outlier_test.rs"]
mod tests;
