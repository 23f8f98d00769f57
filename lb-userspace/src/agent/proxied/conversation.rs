//! Tells a worker what it is to serve, all of it at first and later what has changed.

use std::{
    io,
    os::fd::AsFd as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::{Listener, Outcome, Proxied};
use crate::{
    config::Certificates,
    ipc::{DESCRIPTORS, LARGEST, Post},
    model::Service,
    proxy::worker::message::{
        Configuration, FromWorker, Listener as Seat, Pool, SIGN_OF_LIFE, ToWorker,
    },
};

/// Signs of life that may be missing.
const SILENCES: u32 = 6;
/// Sockets beside one packet; a letter that is long needs one of them for itself.
const BESIDE: usize = DESCRIPTORS / 2;

/// What a worker is to serve.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    pub(super) serial: u64,
    pub(super) seed: u64,
    pub(super) services: Arc<[Service]>,
    pub(super) certificates: Certificates,
    pub(super) pools: Vec<Arc<Pool>>,
    pub(super) seats: Arc<[Seat]>,
    pub(super) sockets: Vec<Listener>,
}

impl Proxied {
    /// Speaks with a worker until it is gone. True where it is there and says nothing.
    pub(in crate::agent) async fn converse(&self, post: &Post) -> bool {
        let silences = AtomicU32::new(0);
        let result = tokio::select! {
            result = self.hear(post, &silences) => result,
            result = self.tell(post) => result,
            () = silence(&silences) => {
                self.0.serving.send_replace(false);
                return true;
            }
        };
        self.0.serving.send_replace(false);
        if let Err(error) = result {
            warn!("the conversation with the worker has ended: {error}");
        }
        false
    }

    async fn hear(&self, post: &Post, silences: &AtomicU32) -> io::Result<()> {
        let mut buffer = vec![0; LARGEST];
        while let Some((messages, _)) = post.messages(&mut buffer).await? {
            silences.store(0, Relaxed);
            for message in messages {
                let outcome = match message {
                    FromWorker::Alive => continue,
                    FromWorker::Suspect(suspect) => {
                        // Where the loop does not keep up, it has enough to do with those before.
                        _ = self.0.suspects.try_send(suspect);
                        continue;
                    }
                    FromWorker::InForce(serial) => Outcome { serial, refused: None },
                    FromWorker::Refused(serial, reason) => {
                        Outcome { serial, refused: Some(reason) }
                    }
                };
                self.0.serving.send_if_modified(|serving| {
                    !std::mem::replace(serving, outcome.refused.is_none())
                });
                self.0.outcome.send_replace(outcome);
            }
        }
        Ok(())
    }

    async fn tell(&self, post: &Post) -> io::Result<()> {
        let mut orders = self.0.orders.subscribe();
        let mut told: Option<Arc<Orders>> = None;
        loop {
            let now = orders.borrow_and_update().clone();
            if let Some(now) = now {
                match &told {
                    Some(before) if before.serial == now.serial => {
                        tell_changes(post, before, &now).await?;
                    }
                    before => tell_all(post, before.as_deref(), &now).await?,
                }
                told = Some(now);
            }
            if orders.changed().await.is_err() {
                return Ok(());
            }
        }
    }
}

/// The configuration, after the sockets that this worker was not given yet.
async fn tell_all(post: &Post, before: Option<&Orders>, now: &Orders) -> io::Result<()> {
    let known = |listener: &&Listener| {
        before.is_some_and(|before| before.sockets.iter().any(|one| one.number == listener.number))
    };
    let new: Vec<_> = now.sockets.iter().filter(|listener| !known(listener)).collect();
    for some in new.chunks(BESIDE) {
        let numbers = some.iter().map(|listener| listener.number).collect();
        let sockets: Vec<_> = some.iter().map(|listener| listener.socket.as_fd()).collect();
        post.send_letter(&ToWorker::Sockets(numbers), &sockets).await?;
    }
    let configuration = Configuration {
        serial: now.serial,
        seed: now.seed,
        services: now.services.to_vec(),
        certificates: now.certificates.clone(),
        pools: now.pools.iter().map(|pool| Pool::clone(pool)).collect(),
        listeners: now.seats.to_vec(),
    };
    post.send_letter(&ToWorker::Configure(Box::new(configuration)), &[]).await
}

/// Pools with other members.
async fn tell_changes(post: &Post, before: &Orders, now: &Orders) -> io::Result<()> {
    let pairs = now.pools.iter().zip(&before.pools);
    let changed = pairs.filter(|(now, before)| !Arc::ptr_eq(now, before));
    let members: Vec<_> = changed.map(|(now, _)| now.members.clone()).collect();
    if members.is_empty() {
        return Ok(());
    }
    post.send_letter(&ToWorker::Members(members), &[]).await
}

/// Waits until it has been silent for too long. A host that stood still has not listened either: its time counts once.
async fn silence(silences: &AtomicU32) {
    let mut tick = interval(SIGN_OF_LIFE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while silences.fetch_add(1, Relaxed) <= SILENCES {
        tick.tick().await;
    }
}
