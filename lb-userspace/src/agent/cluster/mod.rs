//! The shell of [`crate::cluster`]: this director asks the others every few seconds what they have, answers when it
//! is asked, and carries changes to them.
//!
//! Tasks talk to the network, the agent's loop decides: it gets an [`Event`] and answers by a channel.

mod compare;
mod operate;
mod tasks;
mod wire;

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use self::compare::Heard;
pub(super) use self::wire::WireError;
use crate::{
    cluster::{Answer, Question, SealKey, Summary},
    model::Node,
};

/// Events that wait for the loop.
const QUEUE: usize = 16;

/// What the tasks have to tell.
#[derive(Debug)]
pub(super) enum Event {
    /// Another director asks.
    Asked(Question, oneshot::Sender<Answer>),
    /// This is what it has, or why that is not known.
    Heard(IpAddr, Result<Summary, WireError>),
}

/// The other directors.
#[derive(Debug)]
pub(super) struct Cluster {
    key: Arc<SealKey>,
    /// This agent among all that ever run.
    run: u64,
    peers: Vec<SocketAddr>,
    heard: BTreeMap<IpAddr, Heard>,
    /// Why nobody can ask this director.
    deaf: Option<io::Error>,
    events: mpsc::Receiver<Event>,
    /// Ended when this is dropped.
    tasks: JoinSet<()>,
}

impl Cluster {
    /// Begins to ask and to answer. `None` where the node has no peers.
    pub(super) fn start(node: &Node, key: SealKey) -> Option<Self> {
        if node.peers.is_empty() {
            return None;
        }
        let key = Arc::new(key);
        let run = RandomState::new().build_hasher().finish();
        let (sender, events) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        let answering =
            tasks::answer(&mut tasks, node.peer_port, node.peers.clone(), &key, &sender);
        let peers = addresses(node);
        for peer in &peers {
            tasks.spawn(tasks::watch(*peer, Arc::clone(&key), sender.clone()));
        }
        let (heard, deaf) = (BTreeMap::new(), answering.err());
        Some(Self { key, run, peers, heard, deaf, events, tasks })
    }

    /// Ends it; its port is free then.
    async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// The next event.
    pub(super) async fn next(cluster: &mut Option<Self>) -> Event {
        if let Some(cluster) = cluster
            && let Some(event) = cluster.events.recv().await
        {
            return event;
        }
        std::future::pending().await
    }

    /// True where it asks those that `node` names.
    fn asks(&self, node: &Node) -> bool {
        self.peers == addresses(node)
    }

    /// Asks every other director for a change, all at once, when it is awaited. Returns what each says, by its address; those that are
    /// this host are left out.
    pub(super) fn carry(
        &self,
        question: Question,
    ) -> impl Future<Output = Vec<(IpAddr, Result<Answer, WireError>)>> + use<> {
        let peers: Vec<_> =
            self.peers.iter().copied().filter(|peer| !self.is_this_host(peer.ip())).collect();
        let key = Arc::clone(&self.key);
        async move {
            let ask =
                async |peer: &SocketAddr| (peer.ip(), wire::ask(*peer, &key, &question).await);
            join_all(peers.iter().map(ask)).await
        }
    }
}

fn addresses(node: &Node) -> Vec<SocketAddr> {
    node.peers.iter().map(|peer| SocketAddr::new(*peer, node.peer_port.get())).collect()
}
