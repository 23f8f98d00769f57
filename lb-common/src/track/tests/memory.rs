//! The tables of a director, in memory.

use core::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::{super::*, BASE, CURRENT, NOW, WINDOW, flow};
use crate::{
    abi::{
        Address, Features, Fragment, FragmentKey, Halves, Link, Load, Pool, Real, RealState,
        Reason, RingRef, Schedule, Service, ServiceKey, Slot, Vip,
    },
    flow_hash::HashKeys,
};

/// The tables of a director with one pool, in the middle of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memory {
    pub(super) usable: HashSet<u16>,
    pub(super) flows: RefCell<HashMap<FlowKey, Note>>,
    pub(super) new_flows: RefCell<HashMap<FlowKey, Note>>,
    pub(super) now: Cell<u64>,
    /// When the ring was last replaced.
    pub(super) changed: u64,
    /// The table of new flows takes nothing.
    pub(super) full: bool,
    /// What is known without a note, where anything is: the flow is alone in its set.
    pub(super) lately: Option<FlowSet>,
}

impl Memory {
    pub(super) fn new(usable: &[u16]) -> Self {
        let usable = usable.iter().copied().collect();
        Self { usable, now: Cell::new(NOW), ..Self::default() }
    }

    /// Where a segment goes.
    pub(super) fn sees(&self, segment: Segment, learn: bool) -> (u16, Origin) {
        let flags = Service::flags(Service::PORTS | Service::TRACKED, 0);
        self.goes(&Service { flags, ..Service::default() }, segment, learn)
    }

    pub(super) fn goes(&self, service: &Service, segment: Segment, learn: bool) -> (u16, Origin) {
        follow(self, &Tracked::new(&flow(segment), service, 0, CURRENT, learn, false)).get()
    }
}

impl Tables for Memory {
    type Service = Service;

    fn keys(&self) -> HashKeys {
        HashKeys::from_seed([0; 32])
    }
    fn service(&self, _: &ServiceKey) -> Option<Service> {
        None
    }
    fn vip(&self, _: &Address) -> Option<Vip> {
        None
    }
    fn pool(&self, _: u32) -> Option<Pool> {
        let base = RingRef { offset: 0, slots: 1 };
        Some(Pool { base, window: WINDOW, changed: self.changed, ..Pool::default() })
    }
    fn ring_word(&self, _: u32) -> Option<u64> {
        Some(u64::from(Slot::new(BASE, false).bits))
    }
    fn real(&self, number: u32) -> Option<Real> {
        let usable = self.usable.iter().any(|known| u32::from(*known) == number);
        let open = RealState::USABLE.with(RealState::OPEN);
        Some(Real::new([0; 6], if usable { open } else { RealState::default() }, 0))
    }
    fn link(&self, _: u16) -> Option<Link> {
        None
    }
    fn now(&self) -> u64 {
        self.now.get()
    }
    fn flow(&self, key: &FlowKey) -> Option<Note> {
        self.flows.borrow().get(key).copied()
    }
    fn new_flow(&self, key: &FlowKey) -> Option<Note> {
        self.new_flows.borrow().get(key).copied()
    }
    fn note_flow(&self, key: &FlowKey, note: &Note) {
        self.flows.borrow_mut().insert(*key, *note);
    }
    fn note_new_flow(&self, key: &FlowKey, note: &Note) -> bool {
        if !self.full {
            self.new_flows.borrow_mut().insert(*key, *note);
        }
        !self.full
    }
    fn forget_flow(&self, key: &FlowKey) {
        self.flows.borrow_mut().remove(key);
    }
    fn forget_new_flow(&self, key: &FlowKey) {
        self.new_flows.borrow_mut().remove(key);
    }
    fn lately(&self, hash: u64) -> Option<Lately> {
        self.lately.as_ref()?.get(hash)
    }
    fn put_lately(&self, hash: u64, lately: Lately) {
        if let Some(set) = &self.lately {
            set.put(hash, lately, self.ticks());
        }
    }
    fn forget_lately(&self, hash: u64) {
        if let Some(set) = &self.lately {
            set.remove(hash);
        }
    }
    fn ticks(&self) -> u64 {
        self.now.get() / self.tick()
    }
    fn tick(&self) -> u64 {
        SECOND / 250
    }
    fn features(&self) -> Features {
        Features::default()
    }
    fn fragment(&self, _: &FragmentKey) -> Option<Fragment> {
        None
    }
    fn note_fragment(&self, _: &FragmentKey, _: u32) {}
    fn admit(&self, _: &Service, _: &Halves, _: bool) -> Result<(), Reason> {
        Ok(())
    }
    fn schedule(&self, _: u32) -> Option<Schedule> {
        None
    }
    fn turn(&self, _: u32) -> u64 {
        0
    }
    fn load(&self, _: u32) -> Option<Load> {
        None
    }
    fn count(&self, _: u32, _: Option<NoteState>, _: Option<NoteState>) {}
    fn pick(&self, _: u32, _: &Pool) -> Option<u16> {
        None
    }
}
