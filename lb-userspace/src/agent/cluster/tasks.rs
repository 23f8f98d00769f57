//! The tasks: one that is asked, and one for each director that asks it.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU16,
    sync::Arc,
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::debug;

use super::{Event, wire};
use crate::cluster::{Answer, Question, SealKey};

/// How often the others are asked.
const INTERVAL: Duration = Duration::from_secs(2);
/// Directors that are answered at once.
const AT_ONCE: usize = 8;
/// Connections that wait.
const BACKLOG: i32 = 16;
/// How long it rests when the host is out of descriptors.
const REST: Duration = Duration::from_millis(100);

/// Answers other directors on `port`. Whoever is none of `peers` is hung up on.
///
/// # Errors
/// The port cannot be had.
pub(super) fn answer(
    tasks: &mut JoinSet<()>,
    port: NonZeroU16,
    peers: Vec<IpAddr>,
    key: &Arc<SealKey>,
    events: &mpsc::Sender<Event>,
) -> io::Result<()> {
    let listener = listen(port)?;
    let (key, events) = (Arc::clone(key), events.clone());
    tasks.spawn(async move {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(connection) => connection,
                Err(error) => {
                    debug!(%error, "a director could not be heard");
                    sleep(REST).await;
                    continue;
                }
            };
            let from = from.ip().to_canonical();
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
            if !peers.contains(&from) {
                continue;
            }
            let (key, events) = (Arc::clone(&key), events.clone());
            tokio::spawn(async move {
                if let Err(error) = attend(stream, &key, &events).await {
                    debug!(director = %from, %error, "a question was not answered");
                }
                drop(place);
            });
        }
    });
    Ok(())
}

/// Both families, or IPv4 alone where the host has no other.
fn listen(port: NonZeroU16) -> io::Result<TcpListener> {
    let open = |domain, address: IpAddr| -> io::Result<TcpListener> {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(false)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::new(address, port.get()).into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    let any = std::net::Ipv4Addr::UNSPECIFIED.into();
    match open(Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => open(Domain::IPV4, any),
        opened => opened,
    }
}

async fn attend(
    mut stream: TcpStream,
    key: &SealKey,
    events: &mpsc::Sender<Event>,
) -> Result<(), wire::WireError> {
    let (question, meeting) = wire::hear(&mut stream, key).await?;
    let (reply, answer) = oneshot::channel();
    // The agent stops: the other one sees that nobody is there any more.
    if events.send(Event::Asked(question, reply)).await.is_err() {
        return Ok(());
    }
    match answer.await {
        Ok(answer) => wire::reply(&mut stream, key, &meeting, &answer).await,
        Err(_) => Ok(()),
    }
}

/// Asks a director what it has, again and again.
pub(super) async fn watch(peer: SocketAddr, key: Arc<SealKey>, events: mpsc::Sender<Event>) {
    let mut times = interval(INTERVAL);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let summary = match wire::ask(peer, &key, &Question::Summary).await {
            Ok(Answer::Summary(summary)) => Ok(summary),
            Ok(Answer::Refused(_) | Answer::Done(_)) => Err(wire::WireError::HungUp),
            Err(error) => Err(error),
        };
        if events.send(Event::Heard(peer.ip(), summary)).await.is_err() {
            return;
        }
    }
}
