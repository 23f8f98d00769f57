//! Connections to servers that are kept for the next request.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::transport::Transport;
use super::upstream::Upstream;
use crate::balance::Place;

/// How often those that a server has closed are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// Those of one pool.
#[derive(Debug)]
pub(super) struct Idle {
    most: usize,
    longest: Duration,
    kept: RefCell<BTreeMap<Place, Vec<Kept>>>,
    swept: Cell<Duration>,
}

#[derive(Debug)]
struct Kept {
    server: Upstream,
    since: Duration,
}

impl Idle {
    pub(super) fn new(most: usize, longest: Duration) -> Self {
        Self { most, longest, kept: RefCell::default(), swept: Cell::default() }
    }

    /// The one that was used last, if it has waited for less than `longest`: it is the least likely to be closed by the
    /// server just now.
    pub(super) fn take(
        &self,
        place: Place,
        address: SocketAddr,
        now: Duration,
        longest: Duration,
    ) -> Option<Upstream> {
        let longest = longest.min(self.longest);
        let mut all = self.kept.borrow_mut();
        let kept = all.get_mut(&place)?;
        let waited = now.saturating_sub(kept.last()?.since);
        if waited >= longest {
            return None;
        }
        while let Some(Kept { server, since }) = kept.pop() {
            let is_young = now.saturating_sub(since) < longest;
            // The server may have moved.
            if is_young && server.address == address && !server.stream.has_input() {
                return Some(server);
            }
        }
        None
    }

    /// For later. The oldest one goes where there are too many.
    pub(super) fn keep(&self, place: Place, server: Upstream, now: Duration) {
        if self.most == 0 || server.stream.has_input() {
            return;
        }
        let mut all = self.kept.borrow_mut();
        let kept = all.entry(place).or_default();
        if kept.len() >= self.most {
            kept.remove(0);
        }
        kept.push(Kept { server, since: now });
    }

    /// Closes those to other servers than these.
    pub(super) fn retain(&self, is_open: impl Fn(Place) -> bool) {
        self.kept.borrow_mut().retain(|place, _| is_open(*place));
    }

    /// Closes what is too old, and what the server has closed.
    pub(super) fn tick(&self, now: Duration) {
        if now.saturating_sub(self.swept.get()) < SWEEP {
            return;
        }
        self.swept.set(now);
        let mut all = self.kept.borrow_mut();
        for kept in all.values_mut() {
            kept.retain(|kept| {
                now.saturating_sub(kept.since) < self.longest && !kept.server.stream.has_input()
            });
        }
        all.retain(|_, kept| !kept.is_empty());
    }
}
