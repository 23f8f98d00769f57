//! Deadlines of all connections of a thread. They are coarse, and never early.

mod wheel;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wheel::{Key, Wheel};

/// How coarse they are.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// Those of a thread.
#[derive(Debug)]
pub(super) struct Timers {
    wheel: RefCell<Wheel>,
    /// Ticks since the thread has begun.
    now: Cell<u64>,
}

impl Timers {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self { wheel: RefCell::new(Wheel::new()), now: Cell::new(0) })
    }

    /// So much time has passed since the thread has begun.
    pub(super) fn turn(&self, elapsed: Duration) {
        let now = ticks(elapsed);
        self.now.set(now);
        let mut wake: Vec<Waker> = Vec::new();
        self.wheel.borrow_mut().turn(now, &mut wake);
        wake.into_iter().for_each(Waker::wake);
    }

    pub(super) fn timer(self: &Rc<Self>) -> Timer {
        Timer { key: self.wheel.borrow_mut().add(), timers: Rc::clone(self) }
    }
}

fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX)
}

/// One deadline.
#[derive(Debug)]
pub(super) struct Timer {
    timers: Rc<Timers>,
    key: Key,
}

impl Timer {
    /// It expires after this time, or up to two ticks later: this one has begun already.
    pub(super) fn set(&self, after: Duration) {
        let deadline = self.timers.now.get().saturating_add(ticks(after)).saturating_add(2);
        self.timers.wheel.borrow_mut().set(self.key, deadline);
    }

    pub(super) fn clear(&self) {
        self.timers.wheel.borrow_mut().clear(self.key);
    }

    /// Ready when it has expired.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if self.timers.wheel.borrow_mut().is_expired(self.key, cx.waker()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Waits for it.
    pub(super) async fn expired(&self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.timers.wheel.borrow_mut().remove(self.key);
    }
}
