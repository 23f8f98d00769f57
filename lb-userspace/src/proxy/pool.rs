//! A pool as one thread sees it: whom requests go to, who waits, and connections that are kept.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::deaths::Deaths;
use super::engine::Engine;
use super::idle::Idle;
use super::settings::{self, Members};
use super::shared::Shared;
use crate::balance::{Balancer, Dispatcher, Place, Settings, Situation, Slot, Snapshot, Ticket};

/// One of a thread.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) settings: settings::Pool,
    /// Where it is counted; `None` where the memory has no cell for it: then nobody can be counted, and nobody answers.
    pub(super) dispatcher: Option<RefCell<Dispatcher<'static>>>,
    pub(super) idle: Idle,
    pub(super) waiters: RefCell<BTreeMap<Ticket, Waiter>>,
    /// When the queue was looked at for another generation's sake.
    looked: Cell<Duration>,
    members: RefCell<Members>,
    deaths: Deaths,
    /// When it last spoke of handshakes that fail.
    pub(super) complained: Cell<Option<Duration>>,
    pub(super) shared: Shared,
}

/// A request that waits.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    pub(super) waker: Option<Waker>,
    pub(super) granted: Granted,
}

#[derive(Debug, Default)]
pub(super) enum Granted {
    #[default]
    NotYet,
    Slot(Slot<'static>),
    TooLate,
}

impl Pool {
    pub(super) fn new(pool: &settings::Pool, engine: &Engine) -> Self {
        let shared = engine.shared.clone();
        let dispatcher = shared.memory.pools.get(usize::from(pool.cell)).map(|cell| {
            let settings = Settings {
                cells: shared.memory.servers,
                pool: cell,
                wakes: engine.wakes,
                thread: shared.thread,
                most_waiting: pool.most_waiting,
                queue_timeout: pool.queue_timeout,
            };
            let balancer = Balancer::new(Arc::clone(&pool.members.snapshot), engine.random());
            RefCell::new(Dispatcher::new(settings, balancer))
        });
        Self {
            settings: pool.clone(),
            dispatcher,
            idle: Idle::new(pool.most_idle, pool.idle_timeout),
            waiters: RefCell::default(),
            looked: Cell::default(),
            members: RefCell::new(pool.members.clone()),
            deaths: Deaths::default(),
            complained: Cell::default(),
            shared,
        }
    }

    /// It has other servers now.
    pub(super) fn change(&self, members: &Members) {
        self.members.replace(members.clone());
        self.idle.retain(|place| members.snapshot.is_open(place));
        if let Some(dispatcher) = &self.dispatcher {
            dispatcher.borrow_mut().change(Arc::clone(&members.snapshot));
        }
        self.deaths.strike(&members.down);
        self.wake();
    }

    /// Goes on with this until it is over, or `None` where its server is found to be down before, and the pool says that
    /// this is the end.
    pub(super) async fn unless_down<T>(
        &self,
        place: Place,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        if self.settings.kills { self.deaths.unless(place, work).await } else { Some(work.await) }
    }

    /// The pool as it is.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.members.borrow().snapshot)
    }

    /// What logs call a server.
    pub(super) fn name(&self, place: Place) -> Option<Arc<str>> {
        self.members.borrow().names.get(&place).cloned()
    }

    /// Where a server is reached, if it still gets requests.
    pub(super) fn address(&self, place: Place) -> Option<SocketAddr> {
        self.snapshot().open().find(|server| server.place == place).map(|server| server.address)
    }

    /// How things are for a request that has failed at this server.
    pub(super) fn situation(&self, place: Place) -> Situation {
        let snapshot = self.snapshot();
        Situation {
            server_is_open: snapshot.is_open(place),
            others_are_open: snapshot.open().any(|server| server.place != place),
            bound: false,
        }
    }

    /// A slot may be free: whose turn is it?
    pub(super) fn wake(&self) {
        let Some(dispatcher) = &self.dispatcher else { return };
        if self.waiters.borrow().is_empty() {
            // The wake was somebody else's, who may wait.
            drop(dispatcher.borrow_mut().woken());
            return;
        }
        let granted = dispatcher.borrow_mut().woken();
        for (ticket, slot) in granted {
            self.grant(ticket, Granted::Slot(slot));
        }
    }

    fn grant(&self, ticket: Ticket, granted: Granted) {
        let mut waiters = self.waiters.borrow_mut();
        if let Some(waiter) = waiters.get_mut(&ticket) {
            waiter.granted = granted;
            if let Some(waker) = waiter.waker.take() {
                waker.wake();
            }
        }
    }

    /// With each tick: who has waited for too long, and which connections are kept for too long.
    pub(super) fn tick(&self, now: Duration) {
        self.idle.tick(now);
        let Some(dispatcher) = &self.dispatcher else { return };
        if self.waiters.borrow().is_empty() {
            return;
        }
        // Another generation cannot wake this one.
        if now.saturating_sub(self.looked.get()) >= Duration::from_millis(100) {
            self.looked.set(now);
            self.wake();
        }
        let late = dispatcher.borrow_mut().expire(now);
        for ticket in late {
            self.grant(ticket, Granted::TooLate);
        }
    }

    /// Requests of all threads that wait.
    pub(super) fn waiting(&self) -> u32 {
        self.shared
            .memory
            .pools
            .get(usize::from(self.settings.cell))
            .map_or(0, crate::balance::Cell::waiting)
    }

    /// Requests at the pool's servers, and at this one, of all threads.
    pub(super) fn held(&self, place: Option<Place>) -> [u32; 2] {
        let memory = self.shared.memory;
        let pool =
            memory.pools.get(usize::from(self.settings.cell)).map_or(0, crate::balance::Cell::held);
        let server = place.and_then(|place| memory.servers.get(usize::from(place.0)));
        [pool, server.map_or(0, crate::balance::Cell::held)]
    }
}
