//! What a data thread is told while it runs.

use std::net::TcpListener;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::settings::{Members, Settings};

/// A socket that listens, and what comes in there.
#[derive(Debug)]
pub struct Listening {
    /// Its number, the same for as long as it listens.
    pub number: u32,
    /// The index of its service in [`Settings::services`].
    pub service: usize,
    /// The socket; a thread that has it already does without.
    pub socket: Option<TcpListener>,
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Order {
    /// New connections are served by this; those that there are end with their next response. Sockets that are not
    /// among these are closed.
    Configure(Arc<Settings>, Vec<Listening>),
    /// Other servers for pools, which are named by their cells.
    Members(Vec<(u16, Members)>),
    /// Accept nothing more; end when the last connection has ended.
    Drain,
    /// End now.
    Stop,
}

/// Tells one thread. What it is told after its end goes nowhere.
#[derive(Clone, Debug)]
pub struct Control(mpsc::UnboundedSender<Order>);

/// The other end of a [`Control`].
pub(super) type Orders = mpsc::UnboundedReceiver<Order>;

impl Control {
    pub(super) fn new() -> (Self, Orders) {
        let (orders, heard) = mpsc::unbounded_channel();
        (Self(orders), heard)
    }

    /// Serve new connections by this. Those that there are end with their next response, and sockets that are not among
    /// these are closed.
    pub fn configure(&self, settings: Arc<Settings>, listeners: Vec<Listening>) {
        self.tell(Order::Configure(settings, listeners));
    }

    /// These pools, named by their cells, have other servers now.
    pub fn change(&self, pools: Vec<(u16, Members)>) {
        self.tell(Order::Members(pools));
    }

    /// Accept nothing more; end when the last connection has ended.
    pub fn drain(&self) {
        self.tell(Order::Drain);
    }

    /// End now.
    pub fn stop(&self) {
        self.tell(Order::Stop);
    }

    fn tell(&self, order: Order) {
        // A thread that has ended does nothing more, as it is.
        _ = self.0.send(order);
    }
}
