//! Maglev (Eisenbud et al., NSDI 2016, section 3.4) with exact shares.
//!
//! Every real server has a permutation of the slots, made from its address; they take turns in picking the
//! next free slot of their permutation until each has its quota. Quotas are the weights scaled to the ring
//! by largest remainder, so a share is off by less than one slot.

use crate::{
    abi::{Address, NO_REAL},
    flow_hash::split_mix,
};

/// A configured real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number within the pool: what the slots will say.
    pub number: u16,
    /// Its address: decides where its slots are, whatever its number is.
    pub address: Address,
    /// Its weight; 0 gets no slot.
    pub weight: u16,
}

/// A real server while the ring is being filled.
struct Turn {
    number: u16,
    quota: u32,
    taken: u32,
    credit: u64,
    next: u32,
    skip: u32,
}

/// Fills a ring of `slots` (a prime) from the configured set. Slots hold [`NO_REAL`] only where no member
/// has a weight. The order of `members` and their numbers do not change whose slots are whose.
#[must_use]
pub fn build(members: &[Member], slots: u32) -> Vec<u16> {
    let mut ring = vec![NO_REAL; slots as usize];
    let mut turns = turns(members, slots);
    let most = turns.iter().map(|turn| u64::from(turn.quota)).max().unwrap_or(0);
    let mut free = turns.iter().map(|turn| turn.quota).sum::<u32>();
    while free > 0 {
        for turn in &mut turns {
            // The heaviest picks in every round, the others in proportion to it.
            turn.credit += u64::from(turn.quota);
            if turn.credit < most || turn.taken == turn.quota {
                continue;
            }
            turn.credit -= most;
            while ring[turn.next as usize] != NO_REAL {
                turn.step(slots);
            }
            ring[turn.next as usize] = turn.number;
            turn.taken += 1;
            free -= 1;
        }
    }
    ring
}

impl Turn {
    const fn step(&mut self, slots: u32) {
        self.next += self.skip;
        if self.next >= slots {
            self.next -= slots;
        }
    }
}

/// Members with a weight, in the canonical order of their addresses, with their quotas and permutations.
fn turns(members: &[Member], slots: u32) -> Vec<Turn> {
    let mut members: Vec<_> = members.iter().filter(|member| member.weight > 0).collect();
    members.sort_by_key(|member| member.address);
    let total: u64 = members.iter().map(|member| u64::from(member.weight)).sum();
    let mut left = slots;
    let mut remainders = Vec::with_capacity(members.len());
    let mut turns: Vec<_> = members
        .iter()
        .enumerate()
        .map(|(position, member)| {
            let share = u64::from(slots) * u64::from(member.weight);
            #[expect(clippy::cast_possible_truncation, reason = "at most `slots`")]
            let quota = (share / total) as u32;
            left -= quota;
            remainders.push((core::cmp::Reverse(share % total), position));
            let [high, low] = member.address.halves().lanes();
            let hash = split_mix(split_mix(high) ^ low);
            Turn {
                number: member.number,
                quota,
                taken: 0,
                credit: 0,
                next: scale(hash, slots),
                skip: 1 + scale(split_mix(hash), slots - 1),
            }
        })
        .collect();
    remainders.sort_unstable();
    for &(_, position) in remainders.iter().take(left as usize) {
        turns[position].quota += 1;
    }
    turns
}

/// `hash` scaled to `0..range`.
fn scale(hash: u64, range: u32) -> u32 {
    super::slot_of(hash, range)
}
