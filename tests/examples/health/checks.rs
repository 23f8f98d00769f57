//! Checks as they come to a real server, and whether it answers.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use lb_tests::lab::{Namespace, PacketSocket};

/// Every EtherType: only those who ask for all see what goes out.
const ALL: u16 = 3;
/// In an Ethernet frame with an IPv4 header without options.
const PROTOCOL_AT: usize = 23;
const SOURCE_AT: Range<usize> = 26..30;
const DESTINATION_AT: Range<usize> = 30..34;
const SOURCE_PORT_AT: Range<usize> = 34..36;
const DESTINATION_PORT_AT: Range<usize> = 36..38;
const FLAGS_AT: usize = 47;
const TCP: u8 = 6;
const SYN: u8 = 2;
const SYN_ACK: u8 = 0x12;
/// How long the listener may take to see that it is to end.
const PATIENCE: Duration = Duration::from_millis(20);

/// Listens until it is stopped.
pub(crate) struct Checks {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Heard>>,
}

/// By the director's port: when a check came (since 1970), and whether it was answered.
#[derive(Debug, Default)]
pub(crate) struct Heard(BTreeMap<[u8; 2], (Duration, bool)>);

impl Checks {
    /// At a real server, to the checks of this director.
    pub(crate) fn listen(namespace: &Namespace, director: Ipv4Addr) -> Result<Self> {
        let socket = PacketSocket::open(namespace, ALL)?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut heard = Heard::default();
            while !seen.load(Ordering::Relaxed) {
                if let Some(frame) = socket.next(Instant::now() + PATIENCE)? {
                    heard.note(frame.at, &frame.bytes, director.octets());
                }
            }
            Ok(heard)
        });
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) -> Result<Heard> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the listener has panicked"))?
    }
}

impl Heard {
    fn note(&mut self, at: Duration, frame: &[u8], director: [u8; 4]) {
        let port = |range| frame.get(range).and_then(|port| <[u8; 2]>::try_from(port).ok());
        let is = |range, address: [u8; 4]| frame.get(range) == Some(&address[..]);
        if frame.get(PROTOCOL_AT) != Some(&TCP) {
            return;
        }
        match frame.get(FLAGS_AT) {
            Some(&SYN) if is(SOURCE_AT, director) => {
                if let Some(port) = port(SOURCE_PORT_AT) {
                    self.0.insert(port, (at, false));
                }
            }
            Some(&SYN_ACK) if is(DESTINATION_AT, director) => {
                let check = port(DESTINATION_PORT_AT).and_then(|port| self.0.get_mut(&port));
                if let Some((_, answered)) = check {
                    *answered = true;
                }
            }
            _ => {}
        }
    }

    /// When the first check came that was not answered.
    pub(crate) fn first_without_answer(&self) -> Option<Duration> {
        self.0.values().filter(|(_, answered)| !answered).map(|(at, _)| *at).min()
    }
}
