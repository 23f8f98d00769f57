//! A configuration, as one thread serves by it.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use super::engine::{Engine, Phase};
use super::pool::Pool;
use super::settings::Settings;

/// One of a thread, which it lends everything else.
#[derive(Debug)]
pub(super) struct Context {
    engine: Rc<Engine>,
    pub(super) pools: Vec<Rc<Pool>>,
    /// Connections of clients that go by it.
    pub(super) connections: Cell<u32>,
    /// There is a newer one.
    pub(super) is_retired: Cell<bool>,
}

impl Deref for Context {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Context {
    /// Pools that are as they were before, but for their servers, go on: with their connections and those who wait.
    pub(super) fn new(engine: &Rc<Engine>, settings: &Settings, before: Option<&Self>) -> Rc<Self> {
        let pools = settings.pools.iter().map(|pool| {
            let known = before
                .and_then(|before| before.pools.iter().find(|known| known.settings.is_like(pool)));
            match known {
                Some(known) => {
                    known.change(&pool.members);
                    Rc::clone(known)
                }
                None => Rc::new(Pool::new(pool, engine)),
            }
        });
        Rc::new(Self {
            engine: Rc::clone(engine),
            pools: pools.collect(),
            connections: Cell::new(0),
            is_retired: Cell::new(false),
        })
    }

    /// Connections stay for the next request.
    pub(super) fn goes_on(&self) -> bool {
        !self.is_retired.get() && self.phase.get() == Phase::Running
    }

    /// One client more.
    pub(super) fn enter(&self) {
        for count in [&self.connections, &self.engine.connections] {
            count.set(count.get() + 1);
        }
    }

    /// One client less.
    pub(super) fn leave(&self) {
        for count in [&self.connections, &self.engine.connections] {
            count.set(count.get().saturating_sub(1));
        }
    }
}
