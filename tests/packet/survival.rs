//! Whatever is done to a pool in whatever order: a connection stays at its real server for as long as the
//! window is open and the server can be used.

use std::{collections::BTreeMap, net::IpAddr};

use lb_userspace::{
    model::{RealServer, Weight},
    plan::Admin,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    client::{Client, Connection},
    director::{Director, Outcome, names},
    family::{FAMILIES, Family, web},
    frames::{ACK, SYN},
};

/// Real servers that there can be; the first three are in the configuration.
const SERVERS: std::ops::RangeInclusive<u16> = 1..=6;

/// Something that happens to the pool.
#[derive(Clone, Copy, Debug)]
enum Event {
    Add(u16),
    Remove(u16),
    Say(u16, Admin),
    Weigh(u16, u16),
    Fail(u16),
    Recover(u16),
    Resize(u32),
    Close,
}

fn events() -> impl Strategy<Value = Event> {
    let admin = select(vec![Admin::Ready, Admin::Drain, Admin::Drain, Admin::Maintenance]);
    prop_oneof![
        2 => SERVERS.prop_map(Event::Add),
        2 => SERVERS.prop_map(Event::Remove),
        3 => (SERVERS, admin).prop_map(|(server, admin)| Event::Say(server, admin)),
        2 => (SERVERS, 0_u16..5).prop_map(|(server, weight)| Event::Weigh(server, weight)),
        2 => SERVERS.prop_map(Event::Fail),
        2 => SERVERS.prop_map(Event::Recover),
        1 => select(vec![1_021_u32, 1_499, 2_503]).prop_map(Event::Resize),
        1 => Just(Event::Close),
    ]
}

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

    /// Does what an operator, the checks or the clock do. What is refused changes nothing.
    fn happen(&mut self, event: Event) {
        let family = self.family;
        if let Event::Close = event {
            self.director.close_window(family);
            self.forget();
            return;
        }
        self.director.change(|plane| {
            let (config, operator) = (&mut plane.config, &mut plane.operator);
            match event {
                Event::Add(server) => {
                    let (pool, name) = names(family, server);
                    let (address, weight) = (family.real(server), Weight::new(1).expect("one"));
                    let server = RealServer { name, address, port: None, weight };
                    let _ = operator.add(config, &pool, server);
                }
                Event::Remove(server) => {
                    let (pool, name) = names(family, server);
                    let _ = operator.remove(config, &pool, &name);
                }
                Event::Say(server, admin) => {
                    let (pool, name) = names(family, server);
                    let _ = operator.set_state(config, &pool, &name, admin);
                }
                Event::Weigh(server, weight) => {
                    let (pool, name) = names(family, server);
                    let weight = Weight::new(weight).expect("small");
                    let _ = operator.set_weight(config, &pool, &name, weight);
                }
                Event::Fail(server) => _ = plane.down.insert(family.real(server)),
                Event::Recover(server) => _ = plane.down.remove(&family.real(server)),
                Event::Resize(slots) => {
                    config.pools.iter_mut().for_each(|pool| pool.ring_size = Some(slots));
                }
                Event::Close => {}
            }
        });
        self.look();
    }

    /// What the servers of the pool are now, and whether they take new connections.
    fn look(&mut self) -> BTreeMap<IpAddr, bool> {
        let plane = &self.director.plane;
        let effective = plane.operator.apply(&plane.config);
        let (name, _) = names(self.family, 0);
        let pool = effective.config.pool(name.as_str()).expect("the pool");
        let mut open = BTreeMap::new();
        for server in &pool.servers {
            let (up, said) =
                (!plane.down.contains(&server.address), effective.admin(&name, &server.name));
            self.usable.insert(server.address, up && said != Admin::Maintenance);
            let takes = up && said == Admin::Ready && !server.weight.is_zero();
            open.insert(server.address, takes);
        }
        open
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
