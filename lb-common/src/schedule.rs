//! Schedulers that count, with the meaning that ipvsadm(8) gives them: whom a new connection goes to.
//!
//! Nothing but new connections comes here. `rr` and `wrr` take a slot of the ring, which the agent has filled
//! in turns; the others look at every real server of the pool, at most [`Schedule::MOST_REALS`] of them.

use crate::{
    abi::{Load, Pool, RealState, Rule, SLOTS_PER_WORD, Schedule, Slot},
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
    let word = tables.ring_word(pool.current.offset.wrapping_add(slot / SLOTS_PER_WORD))?;
    Some(Slot::in_word(word, slot).real())
}

/// The open real server whose connections cost least; the first of several such.
#[inline(always)]
fn least<T: Tables>(tables: &T, pool: &Pool, schedule: &Schedule) -> Option<u16> {
    let mut best: Option<(u16, Cost)> = None;
    for number in 0..Schedule::MOST_REALS {
        if number >= schedule.reals {
            break;
        }
        let entry = pool.reals.wrapping_add(number);
        let open = tables.real(entry).is_some_and(|r| RealState(r.state).has(RealState::OPEN));
        let Some(load) = tables.load(entry).filter(|load| open && load.weight > 0) else {
            continue;
        };
        let cost = Cost::of(&load, schedule.rule);
        if best.as_ref().is_none_or(|(_, least)| cost.less_than(least)) {
            #[expect(clippy::cast_possible_truncation, reason = "smaller than `MOST_REALS`")]
            let number = number as u16;
            best = Some((number, cost));
        }
    }
    best.map(|(number, _)| number)
}

/// What one more connection costs at a real server: `overhead` for each unit of `weight`.
#[derive(Clone, Copy, Debug)]
struct Cost {
    overhead: u64,
    weight: u64,
}

impl Cost {
    /// An established connection counts as much as 256 that open or close, as in LVS.
    #[inline(always)]
    fn of(load: &Load, rule: u32) -> Self {
        let (active, inactive) = (u64::from(load.active), u64::from(load.inactive));
        let weight = u64::from(load.weight);
        let all = (active << 8) + inactive;
        if rule == Rule::Least as u32 {
            Self { overhead: all, weight: 1 }
        } else if rule == Rule::WeightedLeast as u32 {
            Self { overhead: all, weight }
        } else if rule == Rule::NeverQueue as u32 && active == 0 {
            Self { overhead: 0, weight }
        } else {
            Self { overhead: active + 1, weight }
        }
    }

    /// Compares without dividing.
    #[inline(always)]
    const fn less_than(&self, other: &Self) -> bool {
        self.overhead * other.weight < other.overhead * self.weight
    }
}
