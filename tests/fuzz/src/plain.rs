//! The tables of a decision as plain collections, in the middle of a transition window.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use lb_common::{
    abi::{
        Address, Features, FlowKey, Fragment, FragmentKey, Halves, Link, Load, Note, NoteState,
        Pool, Real, Reason, RingRef, Schedule, Service, ServiceKey, Slot, Vip,
    },
    flow_hash::HashKeys,
    ring::{pack, transition},
    verdict::Tables,
};
use lb_userspace::{
    model::{Config, Name},
    plan::{
        Admin, Desired, Inputs, MemberStatus, NextHop, Numbering, Operator, RealEntry,
        Surroundings, desired,
    },
    schedule::Rings,
};

use crate::{
    director::names,
    family::FAMILIES,
    plane::{DIRECTOR, INTERFACE, MTU, mac, parse},
};

const SECOND: u64 = 1_000_000_000;

/// The tables. Notes are kept until [`Plain::forget`].
pub(crate) struct Plain {
    keys: HashKeys,
    pub(crate) services: BTreeMap<ServiceKey, Service>,
    vips: BTreeMap<Address, Vip>,
    pools: HashMap<u32, Pool>,
    arena: Vec<u64>,
    reals: BTreeMap<u32, Real>,
    flows: RefCell<HashMap<FlowKey, Note>>,
    new_flows: RefCell<HashMap<FlowKey, Note>>,
    fragments: RefCell<HashMap<FragmentKey, Fragment>>,
    now: Cell<u64>,
}

impl Plain {
    /// For a configuration; the first real server of the pools `web` has just been drained.
    pub(crate) fn new(text: &str) -> Self {
        let (config, keys, mut rings) =
            (parse(text), HashKeys::from_seed([7; 32]), Rings::default());
        let before = wanted(&config, &Operator::default(), &keys, &mut rings);
        let mut operator = Operator::default();
        for (pool, server) in FAMILIES.map(|family| names(family, 1)) {
            operator.set_state(&config, &pool, &server, Admin::Drain).expect("it is there");
        }
        let after = wanted(&config, &operator, &keys, &mut rings);
        let mut plain = Self {
            keys,
            services: after.services,
            vips: after.vips,
            pools: HashMap::new(),
            arena: Vec::new(),
            reals: after.reals.iter().map(|(number, entry)| (*number, real(entry))).collect(),
            flows: RefCell::default(),
            new_flows: RefCell::default(),
            fragments: RefCell::default(),
            now: Cell::new(1_000 * SECOND),
        };
        for (base, current) in before.pools.iter().zip(&after.pools) {
            let slots = transition(&base.ring, &[], &current.ring);
            let steady: Vec<_> = base.ring.iter().map(|&real| Slot::new(real, false)).collect();
            let pool = Pool {
                current: plain.put(&slots),
                base: plain.put(&steady),
                reals: current.reals,
                window: 1,
                changed: 999 * SECOND,
            };
            plain.pools.insert(current.number, pool);
        }
        plain
    }

    fn put(&mut self, slots: &[Slot]) -> RingRef {
        let number = |length: usize| u32::try_from(length).expect("a small ring");
        let (width, words) = pack(slots);
        let first = number(self.arena.len());
        self.arena.extend(words);
        RingRef::new(first, number(slots.len()), width)
    }

    /// Forgets every note: what the next frame meets does not depend on those before.
    pub(crate) fn forget(&self) {
        self.flows.borrow_mut().clear();
        self.new_flows.borrow_mut().clear();
        self.fragments.borrow_mut().clear();
        self.now.set(1_000 * SECOND);
    }

    /// Lets seconds pass.
    pub(crate) fn wait(&self, seconds: u64) {
        self.now.set(self.now.get() + seconds * SECOND);
    }
}

/// All real servers are behind the same link.
const LINK: (u16, Link) =
    (1, Link { source_mac: DIRECTOR, mtu: MTU, interface: INTERFACE, vlan: 0, zero: 0 });

fn real(entry: &RealEntry) -> Real {
    let mac = entry.hop.map_or([0; 6], |hop| hop.destination_mac);
    Real::new(mac, entry.state, entry.hop.map_or(0, |_| LINK.0))
}

/// What the maps would hold; real servers are all reached.
fn wanted(config: &Config, operator: &Operator, keys: &HashKeys, rings: &mut Rings) -> Desired {
    let effective = operator.apply(config);
    let numbering = Numbering::default().assign(&effective.config, 1_024).expect("room");
    let status = |_: &Name, address: IpAddr| MemberStatus {
        next_hop: Some(NextHop {
            interface: INTERFACE,
            vlan: 0,
            source_mac: DIRECTOR,
            destination_mac: mac(address),
            mtu: MTU,
        }),
        ..MemberStatus::default()
    };
    let surroundings = Surroundings::default();
    let inputs = Inputs {
        effective: &effective,
        numbering: &numbering,
        keys,
        surroundings: &surroundings,
        status: &status,
        closed: &BTreeSet::new(),
    };
    desired(&inputs, rings)
}

impl Tables for Plain {
    type Service = Service;

    fn keys(&self) -> HashKeys {
        self.keys
    }

    fn service(&self, key: &ServiceKey) -> Option<Service> {
        self.services.get(key).copied()
    }

    fn vip(&self, address: &Address) -> Option<Vip> {
        self.vips.get(address).copied()
    }

    fn pool(&self, number: u32) -> Option<Pool> {
        self.pools.get(&number).copied()
    }

    fn ring_word(&self, index: u32) -> Option<u64> {
        self.arena.get(index as usize).copied()
    }

    fn real(&self, number: u32) -> Option<Real> {
        self.reals.get(&number).copied()
    }

    fn link(&self, number: u16) -> Option<Link> {
        Some(if number == LINK.0 { LINK.1 } else { Link::default() })
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
        self.new_flows.borrow_mut().insert(*key, *note);
        true
    }

    fn forget_flow(&self, key: &FlowKey) {
        self.flows.borrow_mut().remove(key);
    }

    fn forget_new_flow(&self, key: &FlowKey) {
        self.new_flows.borrow_mut().remove(key);
    }

    fn features(&self) -> Features {
        Features(u32::MAX)
    }

    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        self.fragments.borrow().get(key).copied()
    }

    fn note_fragment(&self, key: &FragmentKey, ports: u32) {
        let fragment = Fragment { seen: self.now(), ports, zero: 0 };
        self.fragments.borrow_mut().insert(*key, fragment);
    }

    // No service of the configuration has a guard, and no pool a scheduler that counts.

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
