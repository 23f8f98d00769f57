//! A histogram of durations: 16 buckets for each doubling, so a percentile is at most 6 % too high.

use std::time::Duration;

const STEPS: u64 = 16;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const BUCKETS: usize = 512;

/// How long requests took.
#[derive(Clone, Debug)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: Duration::ZERO }
    }
}

impl Latency {
    /// Counts one.
    pub fn record(&mut self, time: Duration) {
        self.buckets[bucket(time)] += 1;
        self.count += 1;
        self.max = self.max.max(time);
    }

    /// Adds what another histogram counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// The time within which so many percent ended; zero when nothing was counted.
    pub fn percentile(&self, percent: f64) -> Duration {
        let mut left = self.count as f64 * percent / 100.0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            left -= *count as f64;
            if *count > 0 && left <= 0.0 {
                return upper_bound(bucket).min(self.max);
            }
        }
        self.max
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.max
    }
}

/// Microseconds below 16 have a bucket each; above, the four bits after the leading one choose it.
fn bucket(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    let doublings = micros.ilog2().saturating_sub(STEP_BITS);
    let index = u64::from(doublings) * STEPS + (micros >> doublings);
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

fn upper_bound(bucket: usize) -> Duration {
    let bucket = bucket as u64;
    let doublings = (bucket / STEPS).saturating_sub(1);
    let step = bucket - doublings * STEPS;
    Duration::from_micros((step + 1) << doublings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_close_from_above() {
        let mut latency = Latency::default();
        (1..=1000).for_each(|ms| latency.record(Duration::from_millis(ms)));
        for (percent, exact) in [(50.0, 500.0), (99.0, 990.0), (100.0, 1000.0)] {
            let found = latency.percentile(percent).as_secs_f64() * 1000.0;
            assert!(found >= exact && found <= exact * 1.07, "p{percent}: {found}");
        }
        assert_eq!(latency.max(), Duration::from_secs(1));
    }

    #[test]
    fn any_duration_has_a_bucket_below_its_bound() {
        for micros in [0, 1, 15, 16, 17, 31, 32, 33, 1000, 123_456, 60_000_000] {
            let time = Duration::from_micros(micros);
            assert!(upper_bound(bucket(time)) > time || micros == 0, "{micros}");
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }
}
