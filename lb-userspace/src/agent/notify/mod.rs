//! The one place for scripts, FIFOs, mail and webhooks.
//!
//! Whoever has something to tell sends a [`Message`]; a task does the rest, so that nobody waits: VRRP's thread
//! least of all. Scripts run one after the other, in the order of what has happened; lines and letters do not wait
//! for them.

mod dispatcher;
mod fifo;
mod mailer;
mod settings;
mod webhook;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tracing::warn;

use self::dispatcher::Dispatcher;
pub(super) use self::settings::{Settings, settings};
use crate::{
    api::{Notifications, PoolStatus, VrrpStatus},
    model::Name,
    notify::{Change, Stance, Subject},
    vrrp::machine::State,
};

/// Messages on their way. The task takes them at once; what does not fit is counted by its sender.
const MESSAGES: usize = 1_024;
/// What is left to tell at the end has so long.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What became of what was to be told, by whom it was about.
type Report = BTreeMap<Subject, Notifications>;

#[derive(Debug)]
enum Message {
    Changed(Change),
    Configure(Box<Settings>),
    Report(oneshot::Sender<Report>),
    /// Do what is left, then answer.
    Finish(oneshot::Sender<()>),
}

/// The task.
#[derive(Clone, Debug)]
pub(super) struct Notifier {
    messages: mpsc::Sender<Message>,
    /// Instances that are master.
    masters: watch::Sender<BTreeSet<Name>>,
}

/// The way to it for VRRP's thread.
#[derive(Clone, Debug)]
pub(super) struct Notices {
    messages: mpsc::Sender<Message>,
    masters: watch::Sender<BTreeSet<Name>>,
}

impl Notices {
    /// Tells of an instance. `false` where that is lost: the task is behind by [`MESSAGES`], or has ended.
    pub(super) fn tell(&self, instance: &Name, state: State, priority: u8) -> bool {
        self.masters.send_if_modified(|masters| match state {
            State::Master => masters.insert(instance.clone()),
            _ => masters.remove(instance),
        });
        let subject = Subject::Instance(instance.clone());
        let change = Change::vrrp(subject, Stance::from(state), priority);
        self.messages.try_send(Message::Changed(change)).is_ok()
    }
}

impl Notifier {
    /// Starts the task.
    pub(super) fn start(settings: Settings) -> Self {
        let (messages, received) = mpsc::channel(MESSAGES);
        tokio::spawn(Dispatcher::new(settings).run(received));
        Self { messages, masters: watch::Sender::default() }
    }

    /// For VRRP's thread.
    pub(super) fn notices(&self) -> Notices {
        Notices { messages: self.messages.clone(), masters: self.masters.clone() }
    }

    /// Instances that are master, as VRRP's thread says it.
    pub(super) fn masters(&self) -> watch::Receiver<BTreeSet<Name>> {
        self.masters.subscribe()
    }

    /// Tells of a real server or a pool. What does not fit is lost, as the latest says how things are.
    pub(super) fn tell(&self, change: Change) {
        if let Err(error) = self.messages.try_send(Message::Changed(change)) {
            warn!(%error, "a change of a real server or a pool is told to nobody");
        }
    }

    /// Tells others from now on. Of instances that are gone, those that it told until now hear the end.
    pub(super) async fn configure(&self, settings: Settings) {
        // The task ends with the agent.
        let _ = self.messages.send(Message::Configure(Box::new(settings))).await;
    }

    /// Adds to each instance what became of what was to be told about it.
    pub(super) async fn annotate(&self, instances: &mut [VrrpStatus]) {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Report(reply)).await;
        let mut report = answer.await.unwrap_or_default();
        for instance in instances {
            let subject = Subject::Instance(instance.name.clone());
            instance.notifications = report.remove(&subject).unwrap_or_default();
            let group = instance.group.clone().map(Subject::Group);
            let group = group.and_then(|group| report.get(&group).cloned());
            instance.group_notifications = group.unwrap_or_default();
        }
    }

    /// Adds to each pool what became of what was to be told about it and its real servers.
    pub(super) async fn annotate_pools(&self, pools: &mut [PoolStatus]) {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Report(reply)).await;
        let report = answer.await.unwrap_or_default();
        for (subject, told) in &report {
            let (Subject::Pool(name) | Subject::Server { pool: name, .. }) = subject else {
                continue;
            };
            if let Some(pool) = pools.iter_mut().find(|pool| pool.name == *name) {
                pool.notifications.add(told);
            }
        }
    }

    /// Lets it say what is left to say, for a while.
    pub(super) async fn finish(self) {
        let (reply, done) = oneshot::channel();
        let _ = self.messages.send(Message::Finish(reply)).await;
        if timeout(LAST_WORDS, done).await.is_err() {
            warn!(limit = ?LAST_WORDS, "not everybody was told of the end: it took too long");
        }
    }
}
