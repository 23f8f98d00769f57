//! From rounds to a table's figures: medians, and ratios of what stood side by side in a round.

use std::time::Duration;

use lb_tests::contest::Round;

/// A director under a load.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) load: String,
    pub(super) director: String,
    /// Packets that came through in a second of CPU time of generator, director and real servers.
    pub(super) rate: f64,
    /// The director's part of that CPU, 0 to 1.
    pub(super) share: f64,
    /// CPU time a packet, in nanoseconds.
    pub(super) cost: f64,
    /// The cheapest and the dearest round.
    pub(super) range: (f64, f64),
    /// How many times cheaper than the yardstick in the same round.
    pub(super) ratio: f64,
    /// The part of the packets that did not come through.
    pub(super) lost: f64,
}

impl Row {
    /// Packets a second that a whole CPU would forward.
    pub(super) fn whole_cpu(&self) -> f64 {
        1e9 / self.cost
    }
}

/// One row for each load and director, in the order in which they came first. `yardstick` is a director.
pub(super) fn rows(rounds: &[Round], yardstick: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for Round { load, director, .. } in rounds {
        if rows.iter().any(|row| row.load == *load && row.director == *director) {
            continue;
        }
        let of = |name: &str| -> Vec<&Round> {
            rounds.iter().filter(|round| round.load == *load && round.director == name).collect()
        };
        if let Some(row) = row(&of(director), &of(yardstick)) {
            rows.push(row);
        }
    }
    rows
}

/// The medians of a director's rounds; nothing if there are none.
fn row(own: &[&Round], yardstick: &[&Round]) -> Option<Row> {
    let first = own.first()?;
    let costs: Vec<f64> = own.iter().copied().map(cost).collect();
    let ratios = own.iter().zip(yardstick).map(|(own, yardstick)| cost(yardstick) / cost(own));
    let (sent, arrived) = own.iter().fold((0, 0), |(s, a), r| (s + r.sent, a + r.arrived));
    Some(Row {
        load: first.load.clone(),
        director: first.director.clone(),
        rate: median(own.iter().map(|round| round.arrived as f64 / round.all.as_secs_f64()))?,
        share: median(own.iter().map(|round| round.cpu.as_secs_f64() / round.all.as_secs_f64()))?,
        cost: median(costs.iter().copied())?,
        range: (
            costs.iter().copied().min_by(f64::total_cmp)?,
            costs.iter().copied().max_by(f64::total_cmp)?,
        ),
        ratio: median(ratios)?,
        lost: 1.0 - arrived as f64 / sent as f64,
    })
}

/// Nanoseconds of CPU a packet that came through.
fn cost(round: &Round) -> f64 {
    nanoseconds(round.cpu) / round.arrived as f64
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// The middle value; of an even number, the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,000 packets in a millisecond, of which the director took `cpu` microseconds.
    fn round(director: &str, cpu: u64, arrived: u64) -> Round {
        Round {
            load: "UDP".into(),
            director: director.into(),
            sent: 1_000,
            arrived,
            all: Duration::from_millis(1),
            cpu: Duration::from_micros(cpu),
        }
    }

    #[test]
    fn the_middle_of_odd_and_even_numbers_of_values() {
        let middle = |values: &[f64]| median(values.iter().copied());
        assert_eq!(middle(&[]), None);
        assert_eq!(middle(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(middle(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }

    #[test]
    fn figures_are_medians_and_the_ratio_is_taken_round_by_round() {
        // The machine was slower in the second round: the ratio does not mind.
        let rounds = [
            round("ipvs", 400, 1_000),
            round("lb", 100, 1_000),
            round("ipvs", 800, 1_000),
            round("lb", 200, 1_000),
            round("ipvs", 500, 1_000),
            round("lb", 100, 1_000),
        ];
        let rows = rows(&rounds, "ipvs");
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].director.as_str(), rows[0].ratio), ("ipvs", 1.0));
        let lb = &rows[1];
        assert_eq!((lb.cost, lb.range), (100.0, (100.0, 200.0)));
        assert_eq!(lb.ratio, 4.0);
        assert_eq!(lb.whole_cpu(), 1e7);
        assert!((lb.rate - 1e6).abs() < 1e-3 && (lb.share - 0.1).abs() < 1e-9, "{lb:?}");
        assert_eq!(lb.lost, 0.0);
    }

    #[test]
    fn lost_packets_make_the_others_dearer_and_are_told() {
        let rounds = [round("ipvs", 500, 1_000), round("lb", 100, 500)];
        let lb = &rows(&rounds, "ipvs")[1];
        assert_eq!((lb.cost, lb.lost, lb.ratio), (200.0, 0.5, 2.5));
    }

    #[test]
    fn loads_are_kept_apart() {
        let tcp = Round { load: "TCP".into(), ..round("lb", 300, 1_000) };
        let rounds = [round("lb", 100, 1_000), tcp];
        let costs: Vec<_> = rows(&rounds, "lb").iter().map(|row| row.cost).collect();
        assert_eq!(costs, [100.0, 300.0]);
    }
}
