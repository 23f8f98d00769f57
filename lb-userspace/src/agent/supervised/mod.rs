//! The agent as one of several processes: what the supervisor tells it, and the probe that it is given.

mod bridge;
mod desk;
mod user;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::task::JoinHandle;
use tracing::{error, warn};

use self::user::unprivileged;
use super::{passages::Passages, prober::Prober};
use crate::{
    api::ProbeStatus,
    ipc::{Ending, Identity, LARGEST, News, Packets, Post, Word},
};

/// The way to the supervisor, and what is known of the probe.
#[derive(Clone, Debug)]
pub(super) struct Supervised {
    link: Arc<Post>,
    probe: Arc<Mutex<Probe>>,
}

#[derive(Debug, Default)]
struct Probe {
    identity: Option<Identity>,
    process: Option<Process>,
    /// It says nothing, and will not be asked again.
    is_gone: bool,
}

#[derive(Clone, Copy, Debug)]
struct Process {
    pid: u32,
    since: Instant,
    before: u32,
    ended: Option<Ending>,
}

impl Supervised {
    /// By this socket.
    ///
    /// # Errors
    /// The runtime does not take it.
    pub(super) fn new(link: Packets) -> io::Result<Self> {
        Ok(Self { link: Arc::new(Post::new(link)?), probe: Arc::default() })
    }

    /// Connects every probe that comes with the checks, until the end.
    pub(super) fn serve(&self, prober: Prober, passages: Passages) -> JoinHandle<()> {
        let own = self.clone();
        tokio::spawn(async move {
            if let Err(error) = own.hear(&prober, &passages).await {
                error!("cannot hear the supervisor: {error}");
            }
        })
    }

    async fn hear(&self, prober: &Prober, passages: &Passages) -> io::Result<()> {
        let mut buffer = vec![0; LARGEST];
        let mut conversation: Option<JoinHandle<()>> = None;
        while let Some((bytes, descriptors)) = self.link.receive(&mut buffer).await? {
            let News::Probe { pid, before, ended } =
                News::try_from(bytes).map_err(io::Error::other)?
            else {
                continue;
            };
            let Some(socket) = descriptors.into_iter().next() else { continue };
            if let Some(former) = conversation.take() {
                former.abort();
            }
            let post = Post::new(Packets::from_descriptor(socket))?;
            let process = Process { pid, since: Instant::now(), before, ended };
            {
                let mut probe = self.probe();
                (probe.process, probe.is_gone) = (Some(process), false);
            }
            let (own, prober, passages) = (self.clone(), prober.clone(), passages.clone());
            conversation = Some(tokio::spawn(async move {
                let hung = bridge::converse(&post, &prober, &passages).await;
                own.probe().is_gone = true;
                if hung {
                    warn!(pid, "the probe says nothing any more: it is ended and started again");
                    own.say(Word::Hung).await;
                }
            }));
        }
        Ok(())
    }

    /// Tells the supervisor that all is at work.
    pub(super) async fn ready(&self) {
        self.say(Word::Ready).await;
    }

    /// Asks for a probe that is this user, or goes on with the one that there is.
    ///
    /// # Errors
    /// There is no such user, or it is root.
    pub(super) async fn want_probe(&self, user: Option<&str>) -> anyhow::Result<()> {
        let identity = unprivileged(user)?;
        if self.probe().identity.replace(identity) != Some(identity) {
            self.say(Word::Probe(identity)).await;
        }
        Ok(())
    }

    async fn say(&self, word: Word) {
        if let Err(error) = self.link.send(&word.bytes(), &[]).await {
            error!("cannot speak to the supervisor: {error}");
        }
    }

    fn probe(&self) -> MutexGuard<'_, Probe> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The probe, once there is one.
    pub(super) fn status(&self) -> Option<ProbeStatus> {
        let probe = self.probe();
        let Process { pid, since, before, ended } = probe.process?;
        Some(ProbeStatus {
            pid,
            running: !probe.is_gone,
            uptime_seconds: since.elapsed().as_secs(),
            restarts: before,
            last_end: ended.map(|ended| ended.to_string()),
        })
    }

    /// What an operator should know of it.
    pub(super) fn warning(&self) -> Option<String> {
        let probe = self.probe();
        probe.is_gone.then(|| {
            "the probe is gone: checks stand still, and what they have found stays as it is, until it is back"
                .to_owned()
        })
    }
}
