//! Whatever is done to a pool in whatever order: a connection stays at its real server for as long as the
//! window is open and the server can be used.

use std::{collections::BTreeMap, net::IpAddr};

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    client::{Client, Connection},
    director::{Director, Outcome},
    event::{Event, events},
    family::{FAMILIES, Family, web},
    frames::{ACK, SYN},
};

/// The director, and what its clients expect.
struct World {
    director: Director,
    family: Family,
    connections: Vec<Connection>,
    /// Real servers that take packets of their connections; those that were removed, as they were then.
    usable: BTreeMap<IpAddr, bool>,
    next_client: u16,
}

impl World {
    fn new(family: Family) -> Self {
        let director = Director::with(&web(&[(1, 1), (2, 2), (3, 1)], ""));
        let usable = BTreeMap::new();
        let mut world = Self { director, family, connections: Vec::new(), usable, next_client: 0 };
        world.look();
        world.connect(20);
        world
    }

    /// Lets something happen.
    fn happen(&mut self, event: Event) {
        self.director.happen(self.family, event);
        if let Event::Close = event {
            self.forget();
        }
        self.look();
    }

    /// What the servers of the pool are now, and whether they take new connections.
    fn look(&mut self) -> BTreeMap<IpAddr, bool> {
        let standings = self.director.standings(self.family);
        self.usable.extend(standings.iter().map(|(real, standing)| (*real, standing.usable)));
        standings.into_iter().map(|(real, standing)| (real, standing.open)).collect()
    }

    /// New connections: only to servers that take some.
    fn connect(&mut self, count: u16) {
        let open = self.look();
        for _ in 0..count {
            let client = Client::new(self.family, self.next_client);
            self.next_client += 1;
            match self.director.send(&client.segment(SYN)) {
                Outcome::To(_, real) => {
                    assert_eq!(open.get(&real), Some(&true), "a SYN at {real}");
                    assert_eq!(self.director.takes(client, ACK), real, "the ACK of {client:?}");
                    self.connections.push((client, real));
                }
                _ => assert!(open.values().all(|open| !open), "somebody takes new connections"),
            }
        }
    }

    /// Every `nth` connection sends a packet.
    fn talk(&mut self, nth: usize) {
        for &(client, real) in self.connections.iter().step_by(nth) {
            match self.director.send(&client.segment(ACK)) {
                Outcome::To(_, now) if self.usable[&real] => assert_eq!(now, real, "{client:?}"),
                Outcome::To(_, now) => assert_ne!(now, real, "{client:?}: it cannot be used"),
                other => assert!(!self.usable[&real], "{client:?} at {real}: {other:?}"),
            }
        }
    }

    /// The window is closed: connections are where the ring says, or nowhere.
    fn forget(&mut self) {
        let director = &mut self.director;
        self.connections.retain_mut(|(client, real)| match director.send(&client.segment(ACK)) {
            Outcome::To(_, now) => {
                *real = now;
                true
            }
            _ => false,
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn connections_stay(
        family in select(FAMILIES.to_vec()),
        events in vec((events(), 1_usize..6), 1..16),
    ) {
        let mut world = World::new(family);
        for (event, nth) in events {
            world.happen(event);
            world.connect(4);
            world.talk(nth);
        }
        world.talk(1);
    }
}
