//! Putting a pool's ring into force, and closing the window that this opens.

use std::time::{Duration, Instant};

use lb_common::{
    abi::{FlowKey, NoteState, RingRef, Schedule, Slot},
    flow::Flow,
    ring::{look, pack, pack_in, transition},
    verdict::{Tables as _, find},
};

use super::{
    DataPlane, DataPlaneError,
    arena::{Arena, Region},
    object,
    tables::Maps,
};

/// The region of a ring, where it has slots.
fn region(ring: RingRef) -> Option<Region> {
    (ring.slots > 0).then(|| Region { offset: ring.first_word(), words: ring.words() })
}

/// Finds out which regions the pools use, and the first window number that none has used.
pub(super) fn survey(maps: &Maps) -> (Arena, u32) {
    let pools: Vec<_> = (0..object::POOLS).map_while(|number| maps.pool(number)).collect();
    let taken = pools.iter().flat_map(|pool| [region(pool.current), region(pool.base)]);
    let words = u32::try_from(maps.arena()).unwrap_or(u32::MAX);
    let next = pools.iter().map(|pool| pool.window).max().unwrap_or(0) + 1;
    (Arena::new(words, taken.flatten().collect()), next)
}

impl DataPlane {
    /// Real servers of the slots of the pool's ring in force; empty before its first one.
    #[must_use]
    pub fn ring(&self, pool: u32) -> Vec<u16> {
        self.slots(pool).iter().map(|slot| slot.real()).collect()
    }

    /// The slots of the pool's ring in force.
    fn slots(&self, pool: u32) -> Vec<Slot> {
        self.maps.pool(pool).map(|pool| self.maps.ring(pool.current)).unwrap_or_default()
    }

    /// True while flows of the pool are tracked.
    #[must_use]
    pub fn in_transition(&self, pool: u32) -> bool {
        self.maps.pool(pool).is_some_and(|pool| pool.current != pool.base)
    }

    /// Puts `next` into force for `pool`, whose real servers begin at `reals`. What moves is tracked until
    /// [`DataPlane::close_window`]. Returns true where something moved.
    ///
    /// # Errors
    /// [`DataPlaneError::Arena`]: nothing has changed then.
    pub fn install_ring(
        &mut self,
        pool: u32,
        reals: u32,
        next: &[u16],
        counting: bool,
        now: Instant,
    ) -> Result<bool, DataPlaneError> {
        let Some(before) = self.maps.pool(pool) else {
            return Err(DataPlaneError::Missing("pool"));
        };
        let present = self.maps.ring(before.current);
        let counted = self.maps.schedule(pool).is_some_and(|schedule| schedule.reals > 0);
        let same = present.iter().map(|slot| slot.real()).eq(next.iter().copied());
        if same && counted == counting {
            self.maps.put_pool_reals(pool, reals, before.window);
            return Ok(false);
        }
        let open = before.current != before.base;
        let base: Vec<_> = if open { self.maps.ring(before.base) } else { present.clone() }
            .iter()
            .map(|slot| slot.real())
            .collect();
        let mut slots = transition(&base, &present, next);
        if counted && counting && !open {
            // Every flow is noted already: nothing has to be told apart.
            slots = next.iter().map(|&real| Slot::new(real, false)).collect();
        } else if counted && !counting {
            // Until now connections went where they were counted, whatever the ring said.
            for slot in &mut slots {
                *slot = Slot::new(slot.real(), true);
            }
        }
        let ring = self.write(&slots, now)?;
        // The notes of a scheduler that counts hold at all times.
        let kept = before.window > 0 && (open || counted);
        let window = if kept { before.window } else { self.new_window() };
        // Nothing is tracked by the new number before the new ring is in force.
        self.maps.put_pool_reals(pool, reals, window);
        self.maps.put_pool_changed(pool);
        let moved = slots.iter().any(|slot| slot.tracked());
        if !moved {
            // No flow can be anywhere else than where this ring says (a first ring, or nobody served
            // before): it is the one that a later change starts from.
            self.maps.publish_base(pool, ring);
        }
        self.maps.publish_current(pool, ring);
        let left = [open.then_some(before.current), (!moved).then_some(before.base)];
        for region in left.into_iter().flatten().filter_map(region) {
            self.arena.give(region, now);
        }
        Ok(moved)
    }

    /// True where a flow that the end of the transition would move has been active within `silence`: one
    /// that was seen at least twice, and that is noted at another real server than the ring in force names.
    /// Clients of services with persistence count as such.
    #[must_use]
    pub fn has_live_notes(&self, pool: u32, silence: Duration) -> bool {
        let Some(window) = self.maps.pool(pool).map(|pool| pool.window) else { return false };
        let silence = u64::try_from(silence.as_nanos()).unwrap_or(u64::MAX);
        let now = self.maps.now();
        self.maps
            .notes()
            .filter(|(_, note)| note.window == window && note.again == 1)
            .filter(|(_, note)| note.state < NoteState::Closing as u8)
            .filter(|(_, note)| now.saturating_sub(note.seen) <= silence)
            .any(|(key, note)| self.ring_says(&key) != Some(note.real))
    }

    /// The real server that the ring in force names for a flow.
    fn ring_says(&self, key: &FlowKey) -> Option<u16> {
        let flow = Flow::from_key(key);
        let service = find(&flow, &self.maps)?;
        let pool = self.maps.pool(u32::from(service.pool))?;
        let hash = self.maps.keys().flow(&service, flow.client, flow.ports);
        look(&self.maps, pool.current, hash).ok().map(|(_, slot)| slot.real())
    }

    /// Ends the transition: from here on every flow follows the ring in force. What the flow table still
    /// says of it is void, by the number of the window.
    pub fn close_window(&mut self, pool: u32, now: Instant) {
        let Some(before) = self.maps.pool(pool).filter(|pool| pool.current != pool.base) else {
            return;
        };
        let settled: Vec<_> = self
            .maps
            .ring(before.current)
            .iter()
            .map(|slot| Slot::new(slot.real(), false))
            .collect();
        // Without tracked slots it may have narrower ones. Nothing looks at `base` once no slot is tracked.
        let mut left = vec![before.base];
        let ring = if let Ok(ring) = self.write(&settled, now) {
            left.push(before.current);
            ring
        } else {
            // No room: in place. A word that a packet reads is the old one or the new one, and both name the
            // same real servers.
            let words = pack_in(&settled, before.current.width()).unwrap_or_default();
            self.maps.put_ring(before.current.first_word(), &words);
            before.current
        };
        self.maps.publish_current(pool, ring);
        self.maps.publish_base(pool, ring);
        for region in left.into_iter().filter_map(region) {
            self.arena.give(region, now);
        }
    }

    /// Forgets a pool that no service uses any more.
    pub fn remove_pool(&mut self, pool: u32, now: Instant) {
        let Some(before) = self.maps.pool(pool) else { return };
        let none = RingRef::default();
        self.maps.put_schedule(pool, &Schedule::default());
        self.maps.publish_current(pool, none);
        self.maps.publish_base(pool, none);
        for region in [region(before.current), region(before.base)].into_iter().flatten() {
            self.arena.give(region, now);
        }
    }

    /// Writes a ring into a free region.
    fn write(&mut self, slots: &[Slot], now: Instant) -> Result<RingRef, DataPlaneError> {
        let full = || DataPlaneError::Arena { slots: slots.len() };
        let count = u32::try_from(slots.len()).map_err(|_| full())?;
        let (width, words) = pack(slots);
        let length = u32::try_from(words.len()).map_err(|_| full())?;
        let region = self.arena.take(length, now).ok_or_else(full)?;
        self.maps.put_ring(region.offset, &words);
        Ok(RingRef::new(region.offset, count, width))
    }

    const fn new_window(&mut self) -> u32 {
        let window = self.next_window;
        self.next_window = self.next_window.wrapping_add(1);
        window
    }
}
