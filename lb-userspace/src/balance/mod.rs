//! Which server of a pool a request of the proxy goes to, and when.
//!
//! Pure: the shell says what has arrived and what time it is, and is told who goes on, who waits, and which threads have
//! to be woken.
//!
//! ```text
//! request ─▶ Dispatcher ─▶ Balancer (a Snapshot of the pool, per thread) ─▶ server ─▶ Slot (exact, shared)
//!                │                                                                      │
//!                └ all full: Queue, in order of arrival ◀── wake ◀── a slot is given back ┘
//! ```
//!
//! What must be exact for all threads and processes stands in shared memory ([`Cell`]): connections held and waiting.
//! Everything else (whose turn it is) belongs to one thread.

mod attempt;
mod cell;
mod dispatch;
mod hash;
mod pick;
mod places;
mod queue;
mod server;
mod slot;
mod snapshot;

pub use self::{
    attempt::{Attempts, Failure, Next, Redispatch, Retries, Situation},
    cell::{Cell, Lane, Thread, Threads},
    dispatch::{Arrival, Dispatcher, Settings},
    hash::{header_key, source_key, uri_key},
    pick::{Balancer, Load, Loads, Pick, Request},
    places::{Places, PlacesFull},
    queue::{Target, Ticket},
    server::{Algorithm, LoadFactor, Place, Server, Standing},
    slot::{Slot, WakeList},
    snapshot::Snapshot,
};

#[cfg(test)]
mod tests;
