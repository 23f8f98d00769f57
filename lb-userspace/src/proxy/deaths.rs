//! The end of what goes on at servers that are found to be down, where their pool says so: HAProxy's
//! `on-marked-down shutdown-sessions`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::select;
use tokio::sync::Notify;

use crate::balance::Place;

/// Who is told of the death of each server.
#[derive(Debug, Default)]
pub(super) struct Deaths(RefCell<BTreeMap<Place, Rc<Notify>>>);

impl Deaths {
    /// Goes on with this until it is over. `None`: its server has died before.
    pub(super) async fn unless<T>(&self, place: Place, work: impl Future<Output = T>) -> Option<T> {
        let death = Rc::clone(self.0.borrow_mut().entry(place).or_default());
        select! {
            biased;
            done = work => Some(done),
            () = death.notified() => None,
        }
    }

    /// These servers are down.
    pub(super) fn strike(&self, down: &[Place]) {
        let mut all = self.0.borrow_mut();
        for death in down.iter().filter_map(|place| all.remove(place)) {
            death.notify_waiters();
        }
    }
}
