//! What requests tell of servers, between checks: HAProxy's `observe`, with a limit to how many are taken out by it.
//!
//! Errors in a row are counted; one good answer makes the count zero. At `error_limit` of them:
//!
//! | `on_error` | what follows |
//! | --- | --- |
//! | `fast-check` | the next check is made at once |
//! | `fail-check` | it counts as a failed check, and the next one is made at once |
//! | `sudden-death` | so that one more failed check is the last: [`Checker::condemn`](super::Checker::condemn) |
//! | `mark-down` | no new requests for a time that grows with each time in a row, then it may prove itself |
//!
//! A pool whose servers all answer badly has another trouble than its servers: not more than a share of them is taken
//! out, and never the last one. The agent has one of these for each pool, and the word of all workers goes in.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

/// Which errors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// Connections that fail.
    Layer4,
    /// Those, responses that do not come or cannot be read, and 5xx but 501 and 505, which say more of the request.
    Layer7,
}

/// What follows when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// A check at once.
    FastCheck,
    /// A failed check.
    FailCheck,
    /// All failed checks but one.
    SuddenDeath,
    /// Out for a time.
    MarkDown,
}

/// The settings of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierSettings {
    /// Which errors count.
    pub observe: Observe,
    /// Errors in a row that are too many.
    pub error_limit: NonZeroU32,
    /// What follows then.
    pub on_error: OnError,
    /// Servers of a pool that are out at a time, at most, in percent; one of several always may.
    pub most_ejected: u8,
    /// How long a server is out for the first time; the second time in a row twice as long, then three times.
    pub ejection: Duration,
    /// How long at most.
    pub longest_ejection: Duration,
}

impl Default for OutlierSettings {
    /// HAProxy's limit and action; Envoy's times and share.
    fn default() -> Self {
        Self {
            observe: Observe::Layer4,
            error_limit: const { NonZeroU32::new(10).expect("not zero") },
            on_error: OnError::FailCheck,
            most_ejected: 10,
            ejection: Duration::from_secs(30),
            longest_ejection: Duration::from_secs(300),
        }
    }
}

/// What a request has met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    errors: u32,
    /// Times in a row that it was out.
    ejections: u32,
    /// Until when it is out; or was.
    until: Option<Duration>,
    out: bool,
}

/// The servers of a pool that requests have told something bad of.
#[derive(Clone, Debug)]
pub struct Outliers<K> {
    settings: OutlierSettings,
    known: BTreeMap<K, Known>,
}

impl<K: Ord + Clone> Outliers<K> {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new(settings: OutlierSettings) -> Self {
        Self { settings, known: BTreeMap::new() }
    }

    /// The configuration has changed: other settings, and whom this names is still there.
    pub fn change(&mut self, settings: OutlierSettings, is_there: impl Fn(&K) -> bool) {
        self.settings = settings;
        self.known.retain(|key, _| is_there(key));
    }

    /// A request to a server has ended, one way or another. `servers`: how many the pool has that are in use.
    pub fn observe(
        &mut self,
        now: Duration,
        server: &K,
        observation: Observation,
        servers: usize,
    ) -> Option<OutlierAction> {
        match self.settings.judge(observation) {
            None => return None,
            // Most are well: nothing is written down of them.
            Some(true) => {
                if let Some(known) = self.known.get_mut(server) {
                    known.errors = 0;
                }
                return None;
            }
            Some(false) => {}
        }
        let out = self.known.values().filter(|known| known.out).count();
        let known = self.known.entry(server.clone()).or_default();
        // Requests that it had before end badly, too.
        if known.out {
            return None;
        }
        known.errors += 1;
        if known.errors < self.settings.error_limit.get() {
            return None;
        }
        known.errors = 0;
        Some(match self.settings.on_error {
            OnError::FastCheck => OutlierAction::CheckNow,
            OnError::FailCheck => OutlierAction::FailCheck,
            OnError::SuddenDeath => OutlierAction::Condemn,
            OnError::MarkDown if out >= self.settings.most_out(servers) => OutlierAction::Spare,
            OnError::MarkDown => OutlierAction::Eject { time: known.eject(now, &self.settings) },
        })
    }

    /// Whose time is over: they get requests again.
    pub fn advance(&mut self, now: Duration) -> Vec<K> {
        let mut back = Vec::new();
        for (key, known) in &mut self.known {
            if known.out && known.until.is_none_or(|until| until <= now) {
                known.out = false;
                known.errors = 0;
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
}

impl OutlierSettings {
    /// Good, bad, or nothing that counts.
    const fn judge(&self, observation: Observation) -> Option<bool> {
        match (self.observe, observation) {
            (_, Observation::ConnectFailed) | (Observe::Layer7, Observation::NoResponse) => {
                Some(false)
            }
            (Observe::Layer4, Observation::Connected) => Some(true),
            // The response will tell.
            (Observe::Layer7, Observation::Connected) => None,
            (Observe::Layer4, Observation::Response(_) | Observation::NoResponse) => None,
            (Observe::Layer7, Observation::Response(status)) => {
                Some(matches!(status, 100..=499 | 501 | 505))
            }
        }
    }

    /// Servers that may be out at a time, of so many.
    fn most_out(&self, servers: usize) -> usize {
        let share = servers.saturating_mul(usize::from(self.most_ejected.min(100))) / 100;
        share.max(1).min(servers.saturating_sub(1))
    }
}

impl Known {
    fn eject(&mut self, now: Duration, settings: &OutlierSettings) -> Duration {
        // Each time of the first length that it was in and well takes one time back.
        let well = now.saturating_sub(self.until.unwrap_or(now)).as_nanos();
        let forgiven = well.checked_div(settings.ejection.as_nanos()).unwrap_or(0);
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        self.ejections = self.ejections.saturating_sub(forgiven).saturating_add(1);
        let time = settings.ejection.saturating_mul(self.ejections).min(settings.longest_ejection);
        self.until = Some(now.saturating_add(time));
        self.out = true;
        time
    }
}

#[cfg(test)]
#[path = "outlier_test.rs"]
mod tests;
