//! Waiting for a server with room.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::context::Context;
use super::pool::{Granted, Pool, Waiter};
use crate::balance::{Arrival, Place, Request, Slot, Ticket};

/// The right to one request at a server; whoever waits for it is woken when it ends.
#[derive(Debug)]
pub(super) struct Seat {
    slot: Option<Slot<'static>>,
    pub(super) place: Place,
    context: Rc<Context>,
}

impl Seat {
    fn new(slot: Slot<'static>, context: &Rc<Context>) -> Self {
        Self { place: slot.place(), slot: Some(slot), context: Rc::clone(context) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.slot = None;
        self.context.settle();
    }
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSeat {
    /// There is no server.
    Nobody,
    /// Too many wait.
    Full,
    /// It took too long.
    TooLate,
}

/// A seat at one of the pool's servers. `queued`: how many were in front of it, where it had to wait.
pub(super) async fn seat(
    context: &Rc<Context>,
    pool: &Rc<Pool>,
    request: &Request,
    queued: &mut u32,
) -> Result<Seat, NoSeat> {
    let dispatcher = pool.dispatcher.as_ref().ok_or(NoSeat::Nobody)?;
    let arrival = dispatcher.borrow_mut().arrive(request, context.elapsed());
    let ticket = match arrival {
        Arrival::Go(slot) => return Ok(Seat::new(slot, context)),
        Arrival::Full => return Err(NoSeat::Full),
        Arrival::Nobody => return Err(NoSeat::Nobody),
        Arrival::Wait(ticket) => ticket,
    };
    *queued = pool.waiting().saturating_sub(1);
    pool.waiters.borrow_mut().insert(ticket, Waiter::default());
    let waiting = Waiting { context, pool, ticket };
    // Arriving may have put this very thread on its list.
    context.settle();
    waiting.granted().await
}

/// Leaves the queue on whatever way it ends.
struct Waiting<'a> {
    context: &'a Rc<Context>,
    pool: &'a Pool,
    ticket: Ticket,
}

impl Waiting<'_> {
    async fn granted(&self) -> Result<Seat, NoSeat> {
        poll_fn(|cx| {
            let mut waiters = self.pool.waiters.borrow_mut();
            let Some(waiter) = waiters.get_mut(&self.ticket) else {
                return Poll::Ready(Err(NoSeat::TooLate));
            };
            match std::mem::take(&mut waiter.granted) {
                Granted::Slot(slot) => Poll::Ready(Ok(Seat::new(slot, self.context))),
                Granted::TooLate => Poll::Ready(Err(NoSeat::TooLate)),
                Granted::NotYet => {
                    waiter.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waiter = self.pool.waiters.borrow_mut().remove(&self.ticket);
        if let Some(dispatcher) = &self.pool.dispatcher {
            dispatcher.borrow_mut().cancel(self.ticket);
        }
        // A slot that nobody took goes to the next one.
        drop(waiter);
        self.context.settle();
    }
}
