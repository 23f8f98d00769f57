//! The table.

use std::time::Duration;

use crate::stand::{Run, Stand};

/// Prints its head when it begins, and then each line at once.
pub(crate) struct Table;

impl Table {
    pub(crate) fn begin() -> Self {
        println!(
            "{:>8}  {:<24}  {:<10}  {:>22}  {:>22}  answer ARP afterwards",
            "interval", "the master's", "", "without an answer", "moved after"
        );
        Self
    }

    pub(crate) fn line(&self, stand: &Stand, interval: Duration, runs: &[Run]) {
        let outage = Spread::of(runs.iter().map(|run| run.outage));
        let moved = Spread::of(runs.iter().map(|run| run.moved));
        let hosts = runs.iter().map(|run| run.hosts);
        let (least, most) = (hosts.clone().min().unwrap_or(0), hosts.max().unwrap_or(0));
        let hosts = if least == most { most.to_string() } else { format!("{least} to {most}") };
        println!(
            "{:>5} ms  {:<24}  {:<10}  {outage:>22}  {moved:>22}  {hosts}",
            interval.as_millis(),
            stand.case.words(),
            stand.product.name(),
        );
    }
}

/// The least, the one in the middle, and the most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread([Duration; 3]);

impl Spread {
    fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.collect();
        times.sort_unstable();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        let last = times.len().saturating_sub(1);
        // Of an even number, the mean of the two in the middle.
        let middle = (at(last / 2) + at(last.div_ceil(2))) / 2;
        Self([at(0), middle, at(last)])
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [least, middle, most] = self.0.map(|time| time.as_millis());
        f.pad(&format!("{least} / {middle} / {most}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let of = |millis: &[u64]| {
            Spread::of(millis.iter().map(|m| Duration::from_millis(*m))).to_string()
        };
        assert_eq!(of(&[30, 10, 20, 100]), "10 / 25 / 100");
        assert_eq!(of(&[30, 10, 20]), "10 / 20 / 30");
        assert_eq!(of(&[7]), "7 / 7 / 7");
    }
}
