//! Rates: what the counters of a service have grown by in the last seconds.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use lb_common::abi::Counter;

use crate::model::Flood;

/// Samples that are kept: with one a second, rates are those of the last five seconds.
const KEPT: usize = 6;
/// Quiet samples in a row that end a flood.
const QUIET: u8 = 5;

/// The counters of a service, by number of the real server.
pub type Sample = BTreeMap<u16, Counter>;

/// The latest samples of a service, with the times when they were taken.
#[derive(Clone, Debug, Default)]
pub struct Samples(VecDeque<(Instant, Sample)>);

impl Samples {
    /// Adds one; the oldest goes.
    pub fn add(&mut self, now: Instant, sample: Sample) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, sample));
    }

    /// What a real server was given, per second.
    #[must_use]
    pub fn rate_of(&self, number: u16) -> Counter {
        self.since(0, |candidate| candidate == number)
    }

    /// What all of them were given, per second.
    #[must_use]
    pub fn rate(&self) -> Counter {
        self.since(0, |_| true)
    }

    /// The same between the last two samples.
    #[must_use]
    pub fn latest(&self) -> Counter {
        self.since(self.0.len().saturating_sub(2), |_| true)
    }

    /// Growth per second since the sample at `first`. Who is not in it has not grown: it was not looked at.
    fn since(&self, first: usize, wanted: impl Fn(u16) -> bool) -> Counter {
        let (Some((began, before)), Some((now, after))) = (self.0.get(first), self.0.back()) else {
            return Counter::default();
        };
        let mut sum = Counter::default();
        for (number, after) in after.iter().filter(|(number, _)| wanted(**number)) {
            sum += before.get(number).map_or_else(Counter::default, |before| growth(before, after));
        }
        per_second(&sum, now.saturating_duration_since(*began))
    }
}

/// A counter that begins anew has not grown.
const fn growth(before: &Counter, after: &Counter) -> Counter {
    Counter {
        packets: after.packets.saturating_sub(before.packets),
        bytes: after.bytes.saturating_sub(before.bytes),
        connections: after.connections.saturating_sub(before.connections),
    }
}

fn per_second(sum: &Counter, time: Duration) -> Counter {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let rate = |total: u64| total.saturating_mul(1_000).checked_div(millis).unwrap_or(0);
    Counter {
        packets: rate(sum.packets),
        bytes: rate(sum.bytes),
        connections: rate(sum.connections),
    }
}

/// Whether a flood is on at a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FloodWatch {
    since: Option<Instant>,
    quiet: u8,
}

impl FloodWatch {
    /// Since when it is on.
    #[must_use]
    pub const fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Takes the new connections of the last second; `limits` is `None` where no flood is looked for. Returns
    /// true where a flood begins or ends.
    pub fn look(&mut self, limits: Option<Flood>, connections: u64, now: Instant) -> bool {
        let was = self.since.is_some();
        match (limits, self.since) {
            (None, _) => *self = Self::default(),
            (Some(Flood { above, .. }), None) if connections > u64::from(above) => {
                *self = Self { since: Some(now), quiet: 0 };
            }
            (Some(_), None) => {}
            (Some(Flood { below, .. }), Some(_)) if connections >= u64::from(below) => {
                self.quiet = 0;
            }
            (Some(_), Some(_)) if self.quiet + 1 >= QUIET => *self = Self::default(),
            (Some(_), Some(_)) => self.quiet += 1,
        }
        was != self.since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn counter(packets: u64) -> Counter {
        Counter { packets, bytes: packets * 100, connections: packets / 10 }
    }

    fn sample(counters: &[(u16, u64)]) -> Sample {
        counters.iter().map(|(number, packets)| (*number, counter(*packets))).collect()
    }

    #[test]
    fn growth_of_the_last_five_seconds() {
        let start = Instant::now();
        let mut samples = Samples::default();
        assert_eq!(samples.rate(), Counter::default());
        for second in 0..20_u32 {
            // Real server 1 stands still after 10 s, real server 2 goes on.
            let packets = u64::from(second) * 1_000;
            let counters = [(1, packets.min(10_000)), (2, 7 + 2 * packets)];
            samples.add(start + SECOND * second, sample(&counters));
            if second == 0 {
                assert_eq!(samples.rate(), Counter::default(), "one sample says nothing");
            }
            if second == 12 {
                assert_eq!(samples.rate_of(1), counter(600), "three of the last five seconds");
                assert_eq!(samples.latest(), counter(2_000));
            }
        }
        assert_eq!(samples.rate_of(1), Counter::default());
        assert_eq!(samples.rate_of(2), counter(2_000));
        assert_eq!(samples.rate(), counter(2_000));
    }

    #[test]
    fn the_time_that_has_passed_counts() {
        let start = Instant::now();
        let mut samples = Samples::default();
        samples.add(start, sample(&[(1, 0)]));
        samples.add(start + 4 * SECOND, sample(&[(1, 1_000)]));
        assert_eq!(samples.rate(), counter(250));
        samples.add(start + 4 * SECOND, sample(&[(1, 2_000)]));
        assert_eq!(samples.latest(), Counter::default(), "no time, no rate");
    }

    #[test]
    fn who_is_new_or_begins_anew_has_not_grown() {
        let start = Instant::now();
        let mut samples = Samples::default();
        samples.add(start, sample(&[(1, 5_000)]));
        samples.add(start + SECOND, sample(&[(1, 10), (2, 1_000_000)]));
        assert_eq!(samples.rate(), Counter::default());
    }

    #[test]
    fn a_flood_begins_at_once_and_ends_after_five_quiet_seconds() {
        let (limits, start) = (Some(Flood { above: 100, below: 50 }), Instant::now());
        let mut watch = FloodWatch::default();
        let mut turns = Vec::new();
        // Below, at and over the limits; a single loud second begins the quiet ones anew.
        let rates = [0, 100, 101, 500, 49, 49, 49, 49, 50, 99, 0, 0, 0, 0, 0, 0, 100, 101];
        for (second, rate) in (0..).zip(rates) {
            if watch.look(limits, rate, start + SECOND * second) {
                turns.push((second, watch.since().map(|since| since - start)));
            }
        }
        assert_eq!(turns, [(2, Some(2 * SECOND)), (14, None), (17, Some(17 * SECOND))]);
        assert!(watch.look(None, 1_000, start), "whoever takes the limits away ends it");
        assert!(!watch.look(None, 1_000, start));
    }
}
