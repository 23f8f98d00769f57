//! Turns by weight, spread evenly: with weights 5, 1 and 1 it is `a a b a c a a`, not five times `a` in a row.
//!
//! Each turn every server gains its weight, and who has most goes and pays what all have gained together. So the sum
//! stays zero, and in a cycle of that many turns each goes as often as its weight says.

use std::collections::BTreeMap;

use crate::balance::{
    server::{Place, Server},
    snapshot::Snapshot,
};

/// Turns that a thread is ahead by, at most.
const HEAD_START: u64 = 256;

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    seed: u64,
    /// What each has gained and not paid, of those that get requests.
    credits: Vec<(Place, i64)>,
    /// What each gains: its share, with all of them divided by what divides them all.
    gains: Vec<i64>,
}

impl Turns {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, credits: Vec::new(), gains: Vec::new() }
    }

    /// Takes the servers of a pool. Who was there before has what it had; so a change gives nobody a turn twice.
    pub(super) fn change(&mut self, snapshot: &Snapshot) {
        let divisor = snapshot.open().fold(0, |divisor, server| gcd(divisor, server.share()));
        let gains: Vec<_> =
            snapshot.open().map(|server| i64::from(server.share() / divisor.max(1))).collect();
        let places = snapshot.open().map(|server| server.place);
        if gains == self.gains && places.clone().eq(self.credits.iter().map(|(place, _)| *place)) {
            return;
        }
        let first = self.credits.is_empty();
        let [before, total] = [self.gains.iter().sum::<i64>().max(1), gains.iter().sum()];
        let known: BTreeMap<_, _> = self.credits.drain(..).collect();
        let scaled = |place| known.get(&place).map_or(0, |credit| credit * total / before);
        self.credits = places.map(|place| (place, scaled(place))).collect();
        self.gains = gains;
        self.even_out();
        if first && total > 0 {
            for _ in 0..self.seed % HEAD_START.min(total.unsigned_abs()) {
                self.next(snapshot, |_| true);
            }
        }
    }

    /// Makes the sum zero again: credits of those that have gone are shared by those that are left.
    fn even_out(&mut self) {
        let count = i64::try_from(self.credits.len()).unwrap_or(i64::MAX);
        let sum: i64 = self.credits.iter().map(|(_, credit)| credit).sum();
        if count == 0 {
            return;
        }
        let (each, mut rest) = (sum.div_euclid(count), sum.rem_euclid(count));
        for (_, credit) in &mut self.credits {
            *credit -= each + i64::from(rest > 0);
            rest -= i64::from(rest > 0);
        }
    }

    /// Whose turn it is of those that this allows. The others gain nothing meanwhile: who was full does not get all
    /// requests when it has room again.
    pub(super) fn next(
        &mut self,
        snapshot: &Snapshot,
        allowed: impl Fn(&Server) -> bool,
    ) -> Option<Place> {
        let mut gained = 0;
        let mut best: Option<usize> = None;
        for (index, server) in snapshot.open().enumerate() {
            if !allowed(server) {
                continue;
            }
            gained += self.gains[index];
            self.credits[index].1 += self.gains[index];
            if best.is_none_or(|best| self.credits[index].1 > self.credits[best].1) {
                best = Some(index);
            }
        }
        let (place, credit) = &mut self.credits[best?];
        *credit -= gained;
        Some(*place)
    }
}

const fn gcd(mut a: u16, mut b: u16) -> u16 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
