//! Schedulers that count, with the meaning that ipvsadm(8) gives them: whom a new connection goes to.
//!
//! Nothing but new connections comes here. `rr` and `wrr` take a slot of the ring, which the agent has filled
//! in turns; the others look at every real server of the pool, at most [`Schedule::MOST_REALS`] of them.

use crate::{
    abi::{Load, Pool, RealState, Rule, Schedule},
    ring,
    verdict::Tables,
};

/// Picks the real server of a new connection; `None` where none takes any, and where the pool has no
/// schedule.
#[inline(always)]
pub fn pick<T: Tables>(tables: &T, number: u32, pool: &Pool) -> Option<u16> {
    let schedule = tables.schedule(number)?;
    if schedule.rule == Rule::Turn as u32 {
        turn(tables, number, pool)
    } else {
        least(tables, pool, &schedule)
    }
}

/// The next slot of the ring.
#[inline(always)]
fn turn<T: Tables>(tables: &T, number: u32, pool: &Pool) -> Option<u16> {
    let slots = pool.current.slots;
    if slots == 0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "smaller than the number of slots")]
    let slot = (tables.turn(number) % u64::from(slots)) as u32;
    Some(ring::at(tables, pool.current, slot)?.real())
}

/// The open real server whose connections cost least; the first of several such.
#[inline(always)]
fn least<T: Tables>(tables: &T, pool: &Pool, schedule: &Schedule) -> Option<u16> {
    let mut search =
        Search { best: NONE, reals: pool.reals, rule: schedule.rule, zero: 0, cost: Cost::NONE };
    let reals =
        if schedule.reals > Schedule::MOST_REALS { Schedule::MOST_REALS } else { schedule.reals };
    tables.search(&mut search, reals);
    let [a, b, ..] = search.best.to_le_bytes();
    (search.best != NONE).then_some(u16::from_le_bytes([a, b]))
}

/// No real server.
const NONE: u32 = u32::MAX;

/// A walk over the real servers of a pool.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The best one so far.
    best: u32,
    /// The first one's entry.
    reals: u32,
    rule: u32,
    zero: u32,
    /// What the best one costs.
    cost: Cost,
}

impl Search {
    /// Looks at one more real server of the pool.
    #[inline(always)]
    pub fn consider<T: Tables>(&mut self, tables: &T, number: u32) {
        let cost = cost(tables, self.reals.wrapping_add(number), self.rule);
        if cost.less_than(self.cost) {
            (self.best, self.cost) = (number, cost);
        }
    }
}

/// What one more connection costs at the real server `number`, where it takes any.
#[inline(always)]
fn cost<T: Tables>(tables: &T, number: u32, rule: u32) -> Cost {
    let open = tables.real(number).is_some_and(|real| real.state().has(RealState::OPEN));
    match tables.load(number).filter(|load| open && load.weight > 0) {
        Some(load) => Cost::of(&load, rule),
        None => Cost::NONE,
    }
}

/// What one more connection costs at a real server: an overhead (upper 48 bits) for each unit of a weight (lower
/// 16).
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
struct Cost(u64);

impl Cost {
    /// It takes none: more than everything.
    const NONE: Self = Self(1 << 16);

    /// An established connection counts as much as 256 that open or close, as in LVS.
    #[inline(always)]
    fn of(load: &Load, rule: u32) -> Self {
        let (active, inactive) = (u64::from(load.active), u64::from(load.inactive));
        let weight = u64::from(load.weight) & 0xffff;
        let all = (active << 8) + inactive;
        let (overhead, weight) = if rule == Rule::Least as u32 {
            (all, 1)
        } else if rule == Rule::WeightedLeast as u32 {
            (all, weight)
        } else if rule == Rule::NeverQueue as u32 && active == 0 {
            (0, weight)
        } else {
            (active + 1, weight)
        };
        Self(overhead << 16 | weight)
    }

    /// Compares without dividing; by halves that cannot overflow when multiplied.
    #[inline(always)]
    const fn less_than(self, other: Self) -> bool {
        (self.0 >> 16) * (other.0 & 0xffff) < (other.0 >> 16) * (self.0 & 0xffff)
    }
}
