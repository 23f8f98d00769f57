//! A decision over the maps, made here: `lb trace`.

use aya::maps::lpm_trie::Key;
use lb_common::{
    abi::{
        Address, Features, FlowKey, Fragment, FragmentKey, Guard, GuardAction, GuardList, Halves,
        Link, Load, Node, Note, NoteState, Pool, Real, Reason, RingRef, Schedule, Service,
        ServiceKey, Vip,
    },
    flow_hash::HashKeys,
    verdict::Tables,
};

use super::{LOAD_WORDS, Maps, POOL_WORDS, SCHEDULE_WORDS, halves};
use crate::plan::SILENCE;

/// Reading alone: a decision made here (`lb trace`) leaves no note.
impl Tables for Maps {
    type Service = Service;

    fn keys(&self) -> HashKeys {
        self.keys
    }

    fn service(&self, key: &ServiceKey) -> Option<Service> {
        self.services.get(key, 0).ok()
    }

    fn vip(&self, address: &Address) -> Option<Vip> {
        self.vips.get(address, 0).ok()
    }

    fn pool(&self, number: u32) -> Option<Pool> {
        let at = number as usize * POOL_WORDS;
        let word = |index| self.pools.get(at + index).map(halves);
        let ((offset, slots), (base, base_slots), (reals, window)) = (word(0)?, word(1)?, word(2)?);
        Some(Pool {
            current: RingRef { offset, slots },
            base: RingRef { offset: base, slots: base_slots },
            reals,
            window,
            changed: self.pools.get(at + 3)?,
        })
    }

    fn ring_word(&self, index: u32) -> Option<u64> {
        self.rings.get(index as usize)
    }

    fn real(&self, number: u32) -> Option<Real> {
        self.reals.get(number as usize).map(Real::from_word)
    }

    fn link(&self, number: u16) -> Option<Link> {
        Some(self.links.get(number))
    }

    fn now(&self) -> u64 {
        use nix::time::{ClockId, clock_gettime};
        // Tests say what time it is.
        if let Ok(Node { clock: clock @ 1.., .. }) = self.node.get(&0, 0) {
            return clock;
        }
        // CLOCK_MONOTONIC cannot fail on Linux; 0 would only make notes look young.
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
            let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
            seconds * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap_or(0)
        })
    }

    fn flow(&self, key: &FlowKey) -> Option<Note> {
        self.flows.get(key, 0).ok()
    }

    fn new_flow(&self, key: &FlowKey) -> Option<Note> {
        self.new_flows.get(key, 0).ok()
    }

    fn note_flow(&self, _: &FlowKey, _: &Note) {}

    fn note_new_flow(&self, _: &FlowKey, _: &Note) -> bool {
        true
    }

    fn forget_flow(&self, _: &FlowKey) {}

    fn forget_new_flow(&self, _: &FlowKey) {}

    fn features(&self) -> Features {
        // Everything: what is not configured is not found in the tables either.
        Features(u32::MAX)
    }

    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        self.fragments.get(key, 0).ok()
    }

    fn note_fragment(&self, _: &FragmentKey, _: u32) {}

    /// The lists alone: taking a token would change what packets find.
    fn admit(&self, service: &Service, client: &Halves, _: bool) -> Result<(), Reason> {
        let number = u32::from(service.guard);
        let Ok(guard) = self.guards.get(&number, 0) else { return Ok(()) };
        let address = Address::from_halves(*client);
        let look =
            |list| self.guard_lists.get(&Key::new(160, GuardList::new(list, address)), 0).ok();
        let look = |list| look(list).filter(|&said| said != SILENCE);
        let listed = if guard.has(Guard::LISTED) {
            look(number).or_else(|| look(GuardList::EVERY))
        } else {
            None
        };
        let denied = listed == Some(GuardAction::Deny as u32)
            || (listed.is_none() && guard.has(Guard::DENY));
        if denied { Err(Reason::Denied) } else { Ok(()) }
    }

    fn schedule(&self, pool: u32) -> Option<Schedule> {
        let at = pool as usize * SCHEDULE_WORDS;
        let (rule, reals) = halves(self.schedules.get(at + 1)?);
        Some(Schedule { turn: self.schedules.get(at)?, rule, reals })
    }

    fn turn(&self, pool: u32) -> u64 {
        self.schedule(pool).map_or(0, |schedule| schedule.turn)
    }

    fn load(&self, number: u32) -> Option<Load> {
        let at = number as usize * LOAD_WORDS;
        let (active, inactive) = halves(self.loads.get(at)?);
        let (weight, zero) = halves(self.loads.get(at + 1)?);
        Some(Load { active, inactive, weight, zero })
    }

    fn count(&self, _: u32, _: Option<NoteState>, _: Option<NoteState>) {}

    fn pick(&self, number: u32, pool: &Pool) -> Option<u16> {
        lb_common::schedule::pick(self, number, pool)
    }
}
