//! Requests of one thread to one pool: whom they go to, who waits, and whose turn it is.
//!
//! Nobody who waits is forgotten: whoever gives a slot back puts one thread that waits on its
//! [`WakeList`](super::WakeList); whoever is woken and has nobody for the slot hands the wake on; and whoever begins to
//! wait looks once more whether there is room, after it has said that it waits. Who has just come never goes before
//! somebody who waits.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::{
    cell::{Cell, Thread, Threads},
    pick::{Balancer, Load, Loads, Pick, Request},
    queue::{Queue, Target, Ticket},
    server::Place,
    slot::{Slot, WakeList},
    snapshot::Snapshot,
};

/// What a thread's part of a pool is made with.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The cells of all servers.
    pub cells: &'a [Cell],
    /// The cell of the pool itself.
    pub pool: &'a Cell,
    /// This thread's list.
    pub wakes: &'a WakeList,
    /// This thread.
    pub thread: Thread,
    /// Requests of this thread that wait, at most.
    pub most_waiting: usize,
    /// How long they wait, at most (`timeout queue`).
    pub queue_timeout: Duration,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Arrival<'a> {
    /// It goes to the server of this slot.
    Go(Slot<'a>),
    /// It waits: [`Dispatcher::woken`] or [`Dispatcher::expire`] will name it.
    Wait(Ticket),
    /// Too many wait already.
    Full,
    /// There is no server.
    Nobody,
}

/// A thread's part of a pool.
#[derive(Debug)]
pub struct Dispatcher<'a> {
    settings: Settings<'a>,
    balancer: Balancer,
    queue: Queue,
}

impl Loads for Settings<'_> {
    fn load(&self, place: Place) -> Load {
        // Without a cell it cannot be counted, so it is full for ever.
        let full = Load { held: u32::MAX, waiting: u32::MAX };
        let load = |cell: &Cell| Load { held: cell.held(), waiting: cell.waiting() };
        self.cells.get(usize::from(place.0)).map_or(full, load)
    }
}

impl<'a> Dispatcher<'a> {
    /// Nobody waits yet.
    #[must_use]
    pub const fn new(settings: Settings<'a>, balancer: Balancer) -> Self {
        Self { settings, balancer, queue: Queue::new(settings.most_waiting) }
    }

    /// A request has arrived, or has given its slot back and wants another server.
    pub fn arrive(&mut self, request: &Request, now: Duration) -> Arrival<'a> {
        // Another thread may take the last slot between the look and the grasp: then one more look, and at last a place
        // in the queue.
        let looks = self.balancer.snapshot().open().len();
        let mut target = Target::Pool;
        for _ in 0..=looks {
            match self.balancer.pick(request, &self.settings) {
                Pick::Nobody => return Arrival::Nobody,
                Pick::WaitFor(place) => {
                    target = Target::Server(place);
                    break;
                }
                Pick::WaitForAny => break,
                // Others have waited for any server.
                Pick::Go(_) if self.settings.pool.waiting() > 0 => break,
                Pick::Go(place) => {
                    if let Some(slot) = self.take(place) {
                        return Arrival::Go(slot);
                    }
                }
            }
        }
        self.wait(target, now)
    }

    fn wait(&mut self, target: Target, now: Duration) -> Arrival<'a> {
        let deadline = now + self.settings.queue_timeout;
        let Some(ticket) = self.queue.push(target, deadline) else { return Arrival::Full };
        if let Some(cell) = self.cell(target) {
            cell.begin_to_wait(self.settings.thread);
        }
        // A slot that was given back between the look and the line above has woken nobody.
        let me = self.settings.thread;
        let snapshot = Arc::clone(self.balancer.snapshot());
        for server in snapshot.open() {
            let Some(cell) = self.cell(Target::Server(server.place)) else { continue };
            let concerned = target == Target::Pool || target == Target::Server(server.place);
            if !concerned || !cell.has_room(server.max_connections) {
                continue;
            }
            // In the order of the queues: others first, if there are any.
            match self.sleepers(cell).without(me).after(me) {
                Some(other) => self.settings.wakes.add(Threads::of(other)),
                None if self.queue.first(server.place) == Some(ticket) => {
                    if let Some(slot) = self.take(server.place) {
                        self.leave(ticket);
                        return Arrival::Go(slot);
                    }
                }
                None => self.settings.wakes.add(Threads::of(me)),
            }
        }
        Arrival::Wait(ticket)
    }

    /// This thread was woken: who goes on now.
    pub fn woken(&mut self) -> Vec<(Ticket, Slot<'a>)> {
        let mut granted = Vec::new();
        let snapshot = Arc::clone(self.balancer.snapshot());
        for server in snapshot.open() {
            while let Some(ticket) = self.queue.first(server.place) {
                let Some(slot) = self.take(server.place) else { break };
                self.leave(ticket);
                granted.push((ticket, slot));
            }
            self.hand_on(server.place, server.max_connections);
        }
        granted
    }

    /// There is room, and nobody here for it: the wake was somebody else's.
    fn hand_on(&self, place: Place, limit: Option<NonZeroU32>) {
        let Some(cell) = self.cell(Target::Server(place)) else { return };
        if self.queue.first(place).is_some() || !cell.has_room(limit) {
            return;
        }
        let me = self.settings.thread;
        if let Some(other) = self.sleepers(cell).without(me).after(me) {
            self.settings.wakes.add(Threads::of(other));
        }
    }

    /// A request that waits is given up: its client has gone.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.leave(ticket);
    }

    /// Those that have waited for too long. They wait no more.
    pub fn expire(&mut self, now: Duration) -> Vec<Ticket> {
        let late = self.queue.late(now);
        for ticket in &late {
            self.leave(*ticket);
        }
        late
    }

    /// When [`Self::expire`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.queue.next_deadline()
    }

    /// The pool from now on. Who waited for a server that is out waits for any; [`Self::woken`] is to be called next, as
    /// there may be room.
    pub fn change(&mut self, snapshot: Arc<Snapshot>) {
        for ticket in self.queue.stranded(|place| snapshot.is_open(place)) {
            let left = self.queue.move_to_pool(ticket);
            self.left(left);
            self.settings.pool.begin_to_wait(self.settings.thread);
        }
        self.balancer.change(snapshot);
    }

    /// The pool as it is.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        self.balancer.snapshot()
    }

    fn take(&self, place: Place) -> Option<Slot<'a>> {
        let Settings { pool, thread, wakes, .. } = self.settings;
        let limit = self.balancer.snapshot().find(place)?.max_connections;
        let server = self.cell(Target::Server(place))?;
        if !server.take(thread.lane, limit) {
            return None;
        }
        if !pool.take(thread.lane, None) {
            server.give_back(thread.lane);
            return None;
        }
        Some(Slot::new(place, [server, pool], thread, wakes))
    }

    fn leave(&mut self, ticket: Ticket) {
        let left = self.queue.remove(ticket);
        self.left(left);
    }

    fn left(&self, left: Option<(Target, bool)>) {
        let Some((target, last)) = left else { return };
        if let Some(cell) = self.cell(target) {
            cell.end_to_wait(self.settings.thread, last);
        }
    }

    fn cell(&self, target: Target) -> Option<&'a Cell> {
        match target {
            Target::Pool => Some(self.settings.pool),
            Target::Server(place) => self.settings.cells.get(usize::from(place.0)),
        }
    }

    fn sleepers(&self, server: &Cell) -> Threads {
        server.sleepers().and(self.settings.pool.sleepers())
    }
}

impl Drop for Dispatcher<'_> {
    /// Whoever still waits does so no more, for the others.
    fn drop(&mut self) {
        for ticket in self.queue.late(Duration::MAX) {
            self.leave(ticket);
        }
    }
}
