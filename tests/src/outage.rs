//! What a client sees of a takeover: it asks the VIP every 10 ms, and whoever has the VIP answers.
//!
//! The directors answer themselves, by UDP: nothing but the VIP's way to one of them is looked at.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::lab::Namespace;

/// From one question to the next.
pub const INTERVAL: Duration = Duration::from_millis(10);
const PORT: u16 = 7_007;
/// How long an answerer may take to see that it is to end.
const PATIENCE: Duration = Duration::from_millis(200);
const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// A thread that runs until this is dropped.
#[derive(Debug)]
struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start(work: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        Self { stop, thread: Some(thread::spawn(move || work(&seen))) }
    }

    fn end(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| anyhow!("its thread panicked"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Its panic has been printed.
        let _ = self.end();
    }
}

/// Answers with a director's number to every address of a node. Dropping it ends it.
#[derive(Debug)]
pub struct Answerer {
    _worker: Worker,
}

impl Answerer {
    /// Starts it.
    pub fn start(namespace: &Namespace, number: u8) -> Result<Self> {
        let socket = namespace.enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)))??;
        socket.set_read_timeout(Some(PATIENCE))?;
        let work = move |stop: &AtomicBool| {
            let mut room = [0; 16];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut room) else { continue };
                let Some(place) = room.get_mut(length) else { continue };
                *place = number;
                // Without a link there is no way back: the client sees that.
                let _ = socket.send_to(&room[..=length], from);
            }
        };
        Ok(Self { _worker: Worker::start(work) })
    }
}

/// A question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Asked {
    /// When it was sent.
    pub at: Instant,
    /// Who has answered.
    pub by: Option<u8>,
}

/// A client that asks the VIP all the time. Dropping it ends it.
#[derive(Debug)]
pub struct Client {
    asked: Arc<Mutex<Vec<Asked>>>,
    worker: Worker,
}

impl Client {
    /// Starts it.
    pub fn start(namespace: &Namespace, vip: Ipv4Addr) -> Result<Self> {
        let socket = namespace.enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))??;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked);
        let target = SocketAddrV4::new(vip, PORT).into();
        let worker = Worker::start(move |stop| {
            let begin = Instant::now();
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                ask(&socket, target, number, &shared);
                listen(&socket, begin + INTERVAL * (number + 1), &shared);
            }
        });
        Ok(Self { asked, worker })
    }

    /// Waits until a director has answered questions that were asked after now, without a gap of some of them.
    pub fn await_answers_by(&self, director: u8, limit: Duration) -> Result<()> {
        const IN_A_ROW: usize = 5;
        let begin = Instant::now();
        loop {
            let asked = read(&self.asked).clone();
            let mut answered = asked.rsplit(|one| one.by != Some(director));
            let new = |run: &[Asked]| run.iter().filter(|one| one.at > begin).count() >= IN_A_ROW;
            if answered.any(new) {
                return Ok(());
            }
            if begin.elapsed() > limit {
                bail!("director {director} does not answer for the VIP after {limit:?}");
            }
            thread::sleep(RETRY_PAUSE);
        }
    }

    /// Ends it. What it has asked, in order.
    pub fn stop(mut self) -> Result<Vec<Asked>> {
        self.worker.end().context("the asking client")?;
        Ok(read(&self.asked).clone())
    }
}

fn read(asked: &Mutex<Vec<Asked>>) -> MutexGuard<'_, Vec<Asked>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ask(socket: &UdpSocket, target: SocketAddr, number: u32, asked: &Mutex<Vec<Asked>>) {
    read(asked).push(Asked { at: Instant::now(), by: None });
    // One that finds no way is one without an answer.
    let _ = socket.send_to(&number.to_be_bytes(), target);
}

/// Takes answers until the next question is due.
fn listen(socket: &UdpSocket, due: Instant, asked: &Mutex<Vec<Asked>>) {
    let mut room = [0; 16];
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() || socket.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match socket.recv_from(&mut room) {
            Ok((5, _)) => {
                let number = u32::from_be_bytes([room[0], room[1], room[2], room[3]]);
                if let Some(one) = read(asked).get_mut(number as usize) {
                    one.by = Some(room[4]);
                }
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
            _ => {}
        }
    }
}

/// The longest time without an answer: from the first question that had none to the next that had one. Questions at
/// the end whose answers may be under way do not count.
pub fn longest(asked: &[Asked]) -> Duration {
    let mut longest = Duration::ZERO;
    let mut since = None;
    for one in asked {
        match (one.by, since) {
            (None, None) => since = Some(one.at),
            (Some(_), Some(begin)) => {
                longest = longest.max(one.at.duration_since(begin));
                since = None;
            }
            _ => {}
        }
    }
    longest
}

/// When the first question that a director answered was asked, of those after `event`.
pub fn moved(asked: &[Asked], event: Instant, to: u8) -> Option<Duration> {
    let first = asked.iter().find(|one| one.at >= event && one.by == Some(to))?;
    Some(first.at.duration_since(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_counts_from_question_to_question() {
        let begin = Instant::now();
        let by = [Some(1), None, Some(1), None, None, None, Some(2), None];
        let asked: Vec<_> =
            (0..).zip(by).map(|(number, by)| Asked { at: begin + INTERVAL * number, by }).collect();
        assert_eq!(longest(&asked), INTERVAL * 3);
        assert_eq!(moved(&asked, begin + INTERVAL, 2), Some(INTERVAL * 5));
        assert_eq!(moved(&asked, begin + INTERVAL, 1), Some(INTERVAL));
        assert_eq!(moved(&asked, begin + INTERVAL * 7, 2), None);
        assert_eq!(longest(&asked[..1]), Duration::ZERO);
    }
}
