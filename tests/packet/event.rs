//! What happens to the pool `web`: what operators say, what checks find, what the clock closes.

use std::{collections::BTreeMap, net::IpAddr};

use lb_userspace::{
    model::{RealServer, Weight},
    plan::Admin,
};
use proptest::{prelude::*, sample::select};

use crate::{
    director::{Director, names},
    family::Family,
};

/// Real servers that there can be; the first three are in the configuration.
pub(crate) const SERVERS: std::ops::RangeInclusive<u16> = 1..=6;

/// Something that happens to the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Add(u16),
    Remove(u16),
    Say(u16, Admin),
    Weigh(u16, u16),
    Fail(u16),
    Recover(u16),
    Resize(u32),
    Close,
}

/// All of these.
pub(crate) fn events() -> impl Strategy<Value = Event> {
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

/// What a real server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Packets of what it has.
    pub(crate) usable: bool,
    /// New clients and connections.
    pub(crate) open: bool,
}

impl Director {
    /// Does what an operator, the checks or the clock do. What is refused changes nothing.
    pub(crate) fn happen(&mut self, family: Family, event: Event) {
        if let Event::Close = event {
            self.close_window(family);
            return;
        }
        self.change(|plane| {
            let (config, operator) = (&mut plane.config, &mut plane.operator);
            match event {
                Event::Add(server) => {
                    let (pool, name) = names(family, server);
                    let (address, weight) = (family.real(server), Weight::new(1).expect("one"));
                    let server = RealServer {
                        name,
                        address,
                        port: None,
                        weight,
                        backup: false,
                        max_connections: None,
                    };
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
    }

    /// The real servers of the pool, by what was said and found of them.
    pub(crate) fn standings(&self, family: Family) -> BTreeMap<IpAddr, Standing> {
        let plane = &self.plane;
        let effective = plane.operator.apply(&plane.config);
        let (name, _) = names(family, 0);
        let pool = effective.config.pool(name.as_str()).expect("the pool");
        let standing = |server: &RealServer| {
            let (up, said) =
                (!plane.down.contains(&server.address), effective.admin(&name, &server.name));
            let open = up && said == Admin::Ready && !server.weight.is_zero();
            (server.address, Standing { usable: up && said != Admin::Maintenance, open })
        };
        pool.servers.iter().map(standing).collect()
    }
}
