//! Schedulers that count, as ipvsadm's manual has them: who gets the next connection.

use std::collections::BTreeMap;

use super::rings::{Real, Ring};

/// A scheduler that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scheduler {
    Rr,
    Wrr,
    Lc,
    Wlc,
    Sed,
    Nq,
}

impl Scheduler {
    pub(super) const ALL: [Self; 6] =
        [Self::Rr, Self::Wrr, Self::Lc, Self::Wlc, Self::Sed, Self::Nq];
}

/// The connections of a real server. A director sees one half of each: from its SYN to the client's answer, and
/// from the FIN or RST on, it is inactive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) active: u64,
    pub(super) inactive: u64,
}

/// What a connection counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    Active,
    Inactive,
}

impl Load {
    /// One more of that kind.
    pub(super) const fn add(&mut self, counts: Counts) {
        match counts {
            Counts::Active => self.active += 1,
            Counts::Inactive => self.inactive += 1,
        }
    }

    /// One less, if it was counted.
    pub(super) const fn take(&mut self, counts: Counts) {
        match counts {
            Counts::Active => self.active = self.active.saturating_sub(1),
            Counts::Inactive => self.inactive = self.inactive.saturating_sub(1),
        }
    }

    /// An established connection is as much as 256 that open or close.
    const fn all(self) -> u64 {
        self.active * 256 + self.inactive
    }
}

/// Who takes new connections, and how many they have.
#[derive(Clone, Debug, Default)]
pub(super) struct Scheduling {
    /// The scheduler, if it counts.
    pub(super) scheduler: Option<Scheduler>,
    /// The open real servers with their weights, in the order of their numbers.
    pub(super) takers: Vec<(Real, u64)>,
    /// Connections, by real server.
    pub(super) loads: BTreeMap<Real, Load>,
    /// Turns that were taken.
    pub(super) turns: u64,
}

impl Scheduling {
    /// True where every flow is noted.
    pub(super) const fn counts(&self) -> bool {
        self.scheduler.is_some()
    }

    /// The connections of a real server.
    pub(super) fn load(&self, real: Real) -> Load {
        self.loads.get(&real).copied().unwrap_or_default()
    }

    /// The real server of the next connection.
    pub(super) fn pick(&mut self, ring: &Ring) -> Option<Real> {
        let cost: fn(Load, u64) -> (u64, u64) = match self.scheduler? {
            // The fewest connections.
            Scheduler::Lc => |load, _| (load.all(), 1),
            // The fewest for its weight.
            Scheduler::Wlc => |load, weight| (load.all(), weight),
            // The shortest delay: with the one that comes.
            Scheduler::Sed => |load, weight| (load.active + 1, weight),
            // One that is idle, else as above.
            Scheduler::Nq => |load, weight| match load.active {
                0 => (0, weight),
                active => (active + 1, weight),
            },
            // In turns: the ring names them in that order.
            Scheduler::Rr | Scheduler::Wrr => return self.turn(ring),
        };
        if self.takers.is_empty() {
            // As the ring says: nobody.
            return self.turn(ring);
        }
        let costs = self.takers.iter().map(|&(real, weight)| (real, cost(self.load(real), weight)));
        // The first of several that cost the same.
        let less = |(cost, weight): (u64, u64), (least, of): (u64, u64)| cost * of < least * weight;
        costs.reduce(|best, one| if less(one.1, best.1) { one } else { best }).map(|(real, _)| real)
    }

    fn turn(&mut self, ring: &Ring) -> Option<Real> {
        let turn = self.turns % ring.len() as u64;
        self.turns += 1;
        ring[usize::try_from(turn).expect("a slot")]
    }
}
