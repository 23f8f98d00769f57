//! One data thread, from its start to its end.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::clock;
use super::hall::Hall;
use super::orders::{Control, Orders};
use super::shared::Shared;

/// A thread that has not begun. It has what it needs of the kernel for itself: the process can be shut in before it runs.
#[derive(Debug)]
pub struct DataThread {
    runtime: Runtime,
    shared: Shared,
    orders: Orders,
}

impl DataThread {
    /// One, and who tells it what to do.
    ///
    /// # Errors
    /// The runtime cannot be made.
    pub fn new(shared: Shared) -> io::Result<(Self, Control)> {
        let runtime =
            Builder::new_current_thread().on_thread_unpark(clock::forget).enable_all().build()?;
        let (control, orders) = Control::new();
        Ok((Self { runtime, shared, orders }, control))
    }

    /// Does as it is told, on the thread that calls it, until it is told to end.
    pub fn run(self) {
        let Self { runtime, shared, orders } = self;
        LocalSet::new().block_on(&runtime, Hall::new(shared).serve(orders));
    }
}
