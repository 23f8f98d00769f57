//! The worker's part of the configuration: sockets that listen, and what is served there.

mod conversation;
mod follow;
mod listeners;

use std::{
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};

pub(super) use self::listeners::Listeners;
use self::{conversation::Orders, listeners::Listener};
use crate::{
    model::Name,
    proxy::{
        Suspect,
        worker::message::{Members, Pool},
    },
};

/// How long a worker has to put a configuration into force; also one that has to be started for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the worker is to serve. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Proxied(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Nothing, until there is a service of the proxy.
    orders: watch::Sender<Option<Arc<Orders>>>,
    /// What has become of the configuration that was heard of last.
    outcome: watch::Sender<Outcome>,
    /// The worker is there, and has taken up what it is to serve.
    serving: watch::Sender<bool>,
    /// Sockets that an earlier agent has left.
    left: Mutex<Option<Vec<(u32, OwnedFd)>>>,
    all_left: Notify,
    /// Servers that requests fail at.
    suspects: mpsc::Sender<Suspect>,
}

/// What has become of a configuration, by its number.
#[derive(Clone, Debug, Default)]
struct Outcome {
    serial: u64,
    refused: Option<String>,
}

impl Proxied {
    /// Who listens to `suspects` hears of servers that requests fail at.
    pub(super) fn new(suspects: mpsc::Sender<Suspect>) -> Self {
        Self(Arc::new(Shared {
            orders: watch::Sender::new(None),
            outcome: watch::Sender::default(),
            serving: watch::Sender::default(),
            left: Mutex::default(),
            all_left: Notify::new(),
            suspects,
        }))
    }

    /// These are all the sockets that an earlier agent has left.
    pub(super) fn inherit(&self, sockets: Vec<(u32, OwnedFd)>) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(sockets);
        self.0.all_left.notify_one();
    }

    /// The sockets that listen already.
    pub(super) async fn listeners(&self) -> Listeners {
        loop {
            let left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(left) = left {
                return Listeners::adopt(left);
            }
            self.0.all_left.notified().await;
        }
    }

    /// Has these orders carried out, and waits until they are.
    ///
    /// # Errors
    /// The worker's reason not to, or its silence.
    async fn order(&self, orders: Orders) -> Result<(), String> {
        let serial = orders.serial;
        let mut outcome = self.0.outcome.subscribe();
        self.0.orders.send_replace(Some(Arc::new(orders)));
        let heard = timeout(PATIENCE, outcome.wait_for(|outcome| outcome.serial >= serial)).await;
        match heard {
            Ok(Ok(outcome)) => outcome.refused.clone().map_or(Ok(()), Err),
            Ok(Err(_)) | Err(_) => {
                Err("the worker does not answer; it is told again when it does".to_owned())
            }
        }
    }

    /// Tells when the worker is there, and when it is not.
    pub(super) fn serving(&self) -> watch::Receiver<bool> {
        self.0.serving.subscribe()
    }

    /// Is this service served?
    pub(super) fn serves(&self, service: &Name) -> bool {
        let orders = self.0.orders.borrow();
        *self.0.serving.borrow()
            && orders.iter().any(|orders| orders.services.iter().any(|one| one.name == *service))
    }

    /// The number of the last orders; 0 before the first.
    fn serial(&self) -> u64 {
        self.0.orders.borrow().as_ref().map_or(0, |orders| orders.serial)
    }

    /// These are the members of its pools now.
    fn change(&self, members: impl Fn(&Members) -> Option<Members>) {
        self.0.orders.send_if_modified(|orders| {
            let Some(current) = orders else { return false };
            let next: Vec<_> = current
                .pools
                .iter()
                .map(|pool| match members(&pool.members) {
                    Some(members) if members != pool.members => {
                        Arc::new(Pool { members, proxy: pool.proxy.clone(), kills: pool.kills })
                    }
                    Some(_) | None => Arc::clone(pool),
                })
                .collect();
            let is_same = next.iter().zip(&current.pools).all(|(next, now)| Arc::ptr_eq(next, now));
            if !is_same {
                *orders = Some(Arc::new(Orders { pools: next, ..Orders::clone(current) }));
            }
            !is_same
        });
    }
}
