//! What the agent says, and what the data threads are told then.

use std::{
    collections::BTreeMap, future::pending, io, net::TcpListener, os::fd::OwnedFd, sync::Arc,
};

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tracing::{error, info, warn};

use super::{
    census::Census,
    message::{Configuration, FromWorker, Members, SIGN_OF_LIFE, ToWorker},
    team::Hand,
    tls::Kept,
    translate::{self, Algorithms},
};
use crate::{
    ipc::{LARGEST, Packets, Post, split},
    proxy::{Listening, News},
};

/// What the data threads serve, and who tells them.
pub(super) struct Worker {
    hands: Vec<Hand>,
    census: Census,
    /// Sockets that no thread has yet.
    sockets: BTreeMap<u32, OwnedFd>,
    /// How each pool in force makes use of its members.
    pools: Algorithms,
    /// TLS that goes on through a reload.
    tls: Kept,
    /// What the data threads have to say.
    news: mpsc::Receiver<News>,
}

impl Worker {
    pub(super) fn new(census: Census, hands: Vec<Hand>, news: mpsc::Receiver<News>) -> Self {
        let (sockets, pools) = (BTreeMap::new(), Algorithms::default());
        Self { hands, census, sockets, pools, tls: Kept::default(), news }
    }

    /// Hears one agent after the other, until the supervisor is gone.
    ///
    /// # Errors
    /// The way to the supervisor is broken, or a data thread stands still.
    pub(super) async fn serve(mut self, link: Packets) -> io::Result<()> {
        let link = Post::new(link)?;
        let (mut news, mut letter) = ([0; 64], vec![0; LARGEST]);
        let mut agent = None;
        let mut tick = interval(SIGN_OF_LIFE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = link.receive(&mut news) => {
                    let Some((_, sockets)) = heard? else { return Ok(()) };
                    if let Some(socket) = sockets.into_iter().next() {
                        agent = Some(Post::new(Packets::from_descriptor(socket))?);
                        self.sockets.clear();
                    }
                }
                heard = hear(agent.as_ref(), &mut letter) => match heard {
                    Ok(Some((message, beside))) => {
                        if let Some(answer) = self.follow(message, beside) {
                            say(agent.as_ref(), answer);
                        }
                    }
                    Ok(None) => agent = None,
                    Err(error) => {
                        warn!("the conversation with the agent has ended: {error}");
                        agent = None;
                    }
                },
                Some(news) = self.news.recv() => match news {
                    News::Suspect(suspect) => say(agent.as_ref(), FromWorker::Suspect(suspect)),
                    News::NoTls { pool, server, reason } => {
                        warn!(pool, server, reason, "no TLS with a server");
                    }
                },
                _ = tick.tick() => {
                    if let Some(index) = self.hands.iter_mut().position(|hand| !hand.is_alive()) {
                        return Err(io::Error::other(format!("data thread {index} stands still")));
                    }
                    say(agent.as_ref(), FromWorker::Alive);
                }
            }
        }
    }

    fn follow(&mut self, message: ToWorker, beside: Vec<OwnedFd>) -> Option<FromWorker> {
        match message {
            ToWorker::Sockets(numbers) => {
                self.sockets.extend(numbers.into_iter().zip(beside));
                None
            }
            ToWorker::Configure(configuration) => {
                let serial = configuration.serial;
                Some(match self.configure(&configuration) {
                    Ok(()) => FromWorker::InForce(serial),
                    Err(reason) => {
                        error!(reason, "the configuration is not put into force");
                        FromWorker::Refused(serial, reason)
                    }
                })
            }
            ToWorker::Members(changed) => {
                if let Err(reason) = self.change(&changed) {
                    error!(reason, "the servers stay as they were");
                }
                None
            }
        }
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<(), String> {
        self.census.take(configuration).map_err(|error| error.to_string())?;
        let threads = self.hands.len();
        let (mut settings, algorithms) = translate::settings(configuration, &self.census, threads)?;
        self.tls = self.tls.follow(configuration, &mut settings)?;
        self.pools = algorithms;
        let settings = Arc::new(settings);
        for (index, hand) in self.hands.iter().enumerate() {
            let own =
                configuration.listeners.iter().filter(|seat| usize::from(seat.thread) == index);
            let listening = own.map(|seat| {
                let socket = self.sockets.remove(&seat.number).map(TcpListener::from);
                Listening { number: seat.number, service: seat.service, socket }
            });
            hand.control.configure(Arc::clone(&settings), listening.collect());
        }
        // What is left over is somebody's who had it already.
        self.sockets.clear();
        let Configuration { serial, services, listeners, .. } = configuration;
        info!(serial, services = services.len(), sockets = listeners.len(), "serving");
        Ok(())
    }

    fn change(&mut self, changed: &[Members]) -> Result<(), String> {
        self.census.change(changed).map_err(|error| error.to_string())?;
        let pools: Vec<_> = changed
            .iter()
            .filter_map(|members| self.pools.members(members, &self.census))
            .collect();
        for hand in &self.hands {
            hand.control.change(pools.clone());
        }
        Ok(())
    }
}

async fn hear(
    agent: Option<&Post>,
    buffer: &mut [u8],
) -> io::Result<Option<(ToWorker, Vec<OwnedFd>)>> {
    match agent {
        Some(agent) => agent.letter(buffer).await,
        None => pending().await,
    }
}

/// Says it if there is room: an agent that stands still must not keep anything from going on.
fn say(agent: Option<&Post>, message: FromWorker) {
    let Some(agent) = agent else { return };
    for packet in split([message]) {
        // That it has gone is heard elsewhere.
        _ = agent.try_send(&packet);
    }
}
