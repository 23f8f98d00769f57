//! The agent as one of several processes: what the supervisor tells it, and the probe and the worker that it is given.

mod bridge;
mod desk;
mod helper;
mod user;

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::JoinHandle;
use tracing::{error, warn};

use self::{
    helper::{Helper, Process},
    user::unprivileged,
};
use super::{passages::Passages, prober::Prober, proxied::Proxied};
use crate::{
    api::ProcessStatus,
    ipc::{Crew, Identity, LARGEST, News, Packets, Post, Word},
};

/// The way to the supervisor, and what is known of the other processes.
#[derive(Clone, Debug)]
pub(super) struct Supervised {
    link: Arc<Post>,
    helpers: Arc<Mutex<Helpers>>,
}

#[derive(Debug, Default)]
struct Helpers {
    probe: Helper<Identity>,
    worker: Helper<Crew>,
}

/// What goes on with those that the agent is given.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// Has the probe make the checks.
    pub(super) prober: Prober,
    /// Checks through VIPs.
    pub(super) passages: Passages,
    /// What the worker serves.
    pub(super) proxied: Proxied,
}

impl Supervised {
    /// By this socket.
    ///
    /// # Errors
    /// The runtime does not take it.
    pub(super) fn new(link: Packets) -> io::Result<Self> {
        Ok(Self { link: Arc::new(Post::new(link)?), helpers: Arc::default() })
    }

    /// Brings every probe and every worker that comes together with what they are for, until the end.
    pub(super) fn serve(&self, parts: Parts) -> JoinHandle<()> {
        let own = self.clone();
        tokio::spawn(async move {
            if let Err(error) = own.hear(&parts).await {
                error!("cannot hear the supervisor: {error}");
            }
        })
    }

    async fn hear(&self, parts: &Parts) -> io::Result<()> {
        let mut buffer = vec![0; LARGEST];
        let [mut with_probe, mut with_worker] = [const { None::<JoinHandle<()>> }; 2];
        let mut kept = Vec::new();
        while let Some((bytes, descriptors)) = self.link.receive(&mut buffer).await? {
            let mut descriptors = descriptors.into_iter();
            for news in News::all(bytes) {
                match news.map_err(io::Error::other)? {
                    News::Probe { pid, before, ended } => {
                        self.helpers().probe.meet(Process::new(pid, before, ended));
                        let Some(socket) = descriptors.next() else { continue };
                        let with = self.clone().speak_with_probe(pid, socket, parts.clone());
                        replace(&mut with_probe, with);
                    }
                    News::Worker { pid, before, ended } => {
                        self.helpers().worker.meet(Process::new(pid, before, ended));
                        let Some(socket) = descriptors.next() else { continue };
                        let proxied = parts.proxied.clone();
                        replace(
                            &mut with_worker,
                            self.clone().speak_with_worker(pid, socket, proxied),
                        );
                    }
                    News::Kept(number) => kept.extend(descriptors.next().map(|it| (number, it))),
                    News::Begin => parts.proxied.inherit(std::mem::take(&mut kept)),
                }
            }
        }
        Ok(())
    }

    async fn speak_with_probe(self, pid: u32, socket: OwnedFd, parts: Parts) -> io::Result<()> {
        let post = Post::new(Packets::from_descriptor(socket))?;
        let hung = bridge::converse(&post, &parts.prober, &parts.passages).await;
        self.helpers().probe.is_gone = true;
        if hung {
            warn!(pid, "the probe says nothing any more: it is ended and started again");
            self.say(Word::Hung, &[]).await;
        }
        Ok(())
    }

    async fn speak_with_worker(
        self,
        pid: u32,
        socket: OwnedFd,
        proxied: Proxied,
    ) -> io::Result<()> {
        let post = Post::new(Packets::from_descriptor(socket))?;
        let hung = proxied.converse(&post).await;
        self.helpers().worker.is_gone = true;
        if hung {
            warn!(pid, "the worker says nothing any more: it is ended and started again");
            self.say(Word::WorkerHung, &[]).await;
        }
        Ok(())
    }

    /// Tells the supervisor that all is at work.
    pub(super) async fn ready(&self) {
        self.say(Word::Ready, &[]).await;
    }

    /// Asks for a probe that is this user, or goes on with the one that there is.
    ///
    /// # Errors
    /// There is no such user, or it is root.
    pub(super) async fn want_probe(&self, user: Option<&str>) -> anyhow::Result<()> {
        let identity = unprivileged(user)?;
        if self.helpers().probe.want(identity) {
            self.say(Word::Probe(identity), &[]).await;
        }
        Ok(())
    }

    /// Asks for a worker that is this user and has so many threads, or goes on with the one that there is.
    ///
    /// # Errors
    /// There is no such user, or it is root.
    pub(super) async fn want_worker(&self, user: Option<&str>, threads: u8) -> anyhow::Result<()> {
        let crew = Crew { identity: unprivileged(user)?, threads };
        if self.helpers().worker.want(crew) {
            self.say(Word::Worker(crew), &[]).await;
        }
        Ok(())
    }

    /// Has the supervisor keep a socket, for the next agent too.
    pub(super) async fn keep(&self, number: u32, socket: BorrowedFd<'_>) {
        self.say(Word::Keep(number), &[socket.as_fd()]).await;
    }

    /// Nobody needs it any more.
    pub(super) async fn forget(&self, number: u32) {
        self.say(Word::Forget(number), &[]).await;
    }

    async fn say(&self, word: Word, beside: &[BorrowedFd<'_>]) {
        if let Err(error) = self.link.send(&word.bytes(), beside).await {
            error!("cannot speak to the supervisor: {error}");
        }
    }

    fn helpers(&self) -> MutexGuard<'_, Helpers> {
        self.helpers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The probe, once there is one.
    pub(super) fn probe(&self) -> Option<ProcessStatus> {
        self.helpers().probe.status()
    }

    /// The worker, once there is one.
    pub(super) fn worker(&self) -> Option<ProcessStatus> {
        self.helpers().worker.status()
    }

    /// What an operator should know of them.
    pub(super) fn warnings(&self) -> Vec<String> {
        let helpers = self.helpers();
        let probe = helpers.probe.is_gone.then_some(
            "the probe is gone: checks stand still, and what they have found stays as it is, until it is back",
        );
        let worker = helpers
            .worker
            .is_gone
            .then_some("the worker is gone: clients of the proxy wait until it is back");
        probe.into_iter().chain(worker).map(str::to_owned).collect()
    }
}

/// Another conversation in place of the one that there is.
fn replace(
    conversation: &mut Option<JoinHandle<()>>,
    next: impl Future<Output = io::Result<()>> + Send + 'static,
) {
    let next = tokio::spawn(async {
        if let Err(error) = next.await {
            error!("cannot speak with another process: {error}");
        }
    });
    if let Some(former) = conversation.replace(next) {
        former.abort();
    }
}
