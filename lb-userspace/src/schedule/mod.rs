//! Filling rings: what a pool's ring is for a set of real servers and the part of it that is available.
//!
//! Building takes milliseconds, substituting microseconds: the ring of the configured set is kept, so that
//! a health change costs the second alone.

mod turns;

use std::collections::HashMap;

use lb_common::ring::{Member, build, substitute};

pub use turns::turns;

use crate::model::Name;

/// Rings of configured sets, by pool.
#[derive(Debug, Default)]
pub struct Rings {
    built: HashMap<Name, Built>,
}

#[derive(Debug)]
struct Built {
    members: Vec<Member>,
    slots: u32,
    ring: Vec<u16>,
}

impl Rings {
    /// The ring of `members` with the slots of those that take no new flows lent to the others.
    pub fn ring(
        &mut self,
        pool: &Name,
        members: &[Member],
        slots: u32,
        available: impl Fn(u16) -> bool,
    ) -> Vec<u16> {
        let known = self.built.get(pool).is_some_and(|b| b.members == members && b.slots == slots);
        if !known {
            let ring = build(members, slots);
            let built = Built { members: members.to_vec(), slots, ring };
            self.built.insert(pool.clone(), built);
        }
        self.built.get(pool).map(|built| substitute(&built.ring, available)).unwrap_or_default()
    }

    /// Forgets pools that are not among `pools`.
    pub fn retain(&mut self, pools: &[Name]) {
        self.built.retain(|name, _| pools.contains(name));
    }
}
