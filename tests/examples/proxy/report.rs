//! What came of the rounds.

use std::time::Duration;

/// One round of one contestant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) requests: u32,
    pub(crate) took: Duration,
    pub(crate) cpu: Duration,
}

impl Round {
    /// Requests a second.
    fn rate(self) -> f64 {
        f64::from(self.requests) / self.took.as_secs_f64()
    }

    /// Microseconds of CPU time a request.
    fn cost(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.requests)
    }
}

/// Medians, and how much more the first one costs than the others.
pub(crate) fn print(load: &str, names: &[&str], rounds: &[Vec<Round>]) {
    println!("{load}");
    let yardstick = rounds.first().map_or(0.0, |rounds| median(rounds, Round::cost));
    for (name, rounds) in names.iter().zip(rounds) {
        let (rate, cost) = (median(rounds, Round::rate), median(rounds, Round::cost));
        let ratio = yardstick / cost;
        println!("  {name:<8} {rate:>9.0} requests/s {cost:>8.2} µs a request {ratio:>6.2}");
    }
}

fn median(rounds: &[Round], of: impl Fn(Round) -> f64) -> f64 {
    let mut values: Vec<_> = rounds.iter().copied().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_rounds_counts() {
        let round = |requests, micros| Round {
            requests,
            took: Duration::from_secs(2),
            cpu: Duration::from_micros(micros),
        };
        let rounds = [round(10, 20), round(10, 900), round(20, 60)];
        assert!((median(&rounds, Round::cost) - 3.0).abs() < 1e-9);
        assert!((median(&rounds, Round::rate) - 5.0).abs() < 1e-9);
    }
}
