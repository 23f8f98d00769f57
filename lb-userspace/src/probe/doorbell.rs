//! Asks the agent for the sockets that the probe may not open by itself.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{
    message::{DoorId, FromProbe},
    opener::{Door, Opened, Opener},
};

type Answer = Result<OwnedFd, String>;

/// The way to the agent.
#[derive(Debug)]
pub(super) struct Doorbell {
    rings: mpsc::UnboundedSender<FromProbe>,
    last: AtomicU64,
    waiting: Mutex<HashMap<DoorId, oneshot::Sender<Answer>>>,
}

/// The agent keeps the way of a socket open until it is told that nobody goes it any more.
#[derive(Debug)]
struct Way {
    number: DoorId,
    rings: mpsc::UnboundedSender<FromProbe>,
}

impl Doorbell {
    pub(super) fn new(rings: mpsc::UnboundedSender<FromProbe>) -> Self {
        Self { rings, last: AtomicU64::new(0), waiting: Mutex::default() }
    }

    /// The agent has opened one.
    pub(super) fn answer(&self, number: DoorId, socket: Option<OwnedFd>) {
        let nothing = || "the agent has sent no socket".to_owned();
        self.tell(number, socket.ok_or_else(nothing));
    }

    /// The agent has not.
    pub(super) fn refuse(&self, number: DoorId, words: String) {
        self.tell(number, Err(words));
    }

    fn tell(&self, number: DoorId, answer: Answer) {
        if let Some(waiting) = self.waiting().remove(&number) {
            // The check may be over; the way is then closed already.
            _ = waiting.send(answer);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<DoorId, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opener for Doorbell {
    fn open(&self, door: Door) -> BoxFuture<'_, Result<Opened, String>> {
        Box::pin(async move {
            let number = DoorId(self.last.fetch_add(1, Ordering::Relaxed));
            let (answer, answered) = oneshot::channel();
            self.waiting().insert(number, answer);
            let gone = || "the agent does not answer".to_owned();
            let asked = self.rings.send(FromProbe::Open(number, door));
            // From now on it is closed in the end, even if the check is given up before there is an answer.
            let way = Way { number, rings: self.rings.clone() };
            asked.map_err(|_| gone())?;
            let socket = answered.await.map_err(|_| gone())??;
            Ok(Opened { socket: socket.into(), passage: Box::new(way) })
        })
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        // Without an agent nothing is open.
        _ = self.rings.send(FromProbe::Close(self.number));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

    use super::*;
    use crate::probe::{Lead, Transport};

    fn door() -> Door {
        let real = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        Door { transport: Transport::Tcp, real, path: None, lead: Lead::default() }
    }

    #[tokio::test]
    async fn a_socket_comes_and_its_way_is_closed_with_it() {
        let (rings, mut heard) = mpsc::unbounded_channel();
        let doorbell = Doorbell::new(rings);
        let agent = async {
            let Some(FromProbe::Open(number, asked)) = heard.recv().await else {
                panic!("silence")
            };
            assert_eq!(asked, door());
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            doorbell.answer(number, Some(socket.into()));
            number
        };
        let (opened, number) = tokio::join!(doorbell.open(door()), agent);
        drop(opened.expect("it is open"));
        assert_eq!(heard.recv().await, Some(FromProbe::Close(number)));
    }

    #[tokio::test]
    async fn a_refusal_and_an_agent_that_forgets_the_socket() {
        let (rings, mut heard) = mpsc::unbounded_channel();
        let doorbell = Doorbell::new(rings);
        for (socket, expected) in [(Some(()), "no"), (None, "the agent has sent no socket")] {
            let agent = async {
                let Some(FromProbe::Open(number, _)) = heard.recv().await else {
                    panic!("silence")
                };
                match socket {
                    Some(()) => doorbell.refuse(number, "no".to_owned()),
                    None => doorbell.answer(number, None),
                }
                number
            };
            let (refused, number) = tokio::join!(doorbell.open(door()), agent);
            assert_eq!(refused.expect_err("it is not open"), expected);
            assert_eq!(heard.recv().await, Some(FromProbe::Close(number)));
        }
    }

    #[tokio::test]
    async fn a_check_that_is_given_up() {
        let (rings, mut heard) = mpsc::unbounded_channel();
        let doorbell = Doorbell::new(rings);
        let mut opening = doorbell.open(door());
        assert!(futures_util::poll!(&mut opening).is_pending());
        drop(opening);
        let Some(FromProbe::Open(number, _)) = heard.recv().await else { panic!("silence") };
        assert_eq!(heard.recv().await, Some(FromProbe::Close(number)));
        doorbell.refuse(number, "too late".to_owned());
    }
}
