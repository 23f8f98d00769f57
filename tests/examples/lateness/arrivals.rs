//! When advertisements pass an interface.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use lb_tests::lab::{Namespace, PacketSocket};

/// Every EtherType: only those who ask for all see what goes out.
const ALL: u16 = 3;
/// In an Ethernet frame, without VLANs: the IP protocol, and the source.
const PROTOCOL_AT: usize = 23;
const SOURCE_AT: std::ops::Range<usize> = 26..30;
const VRRP: u8 = 112;
/// How long the listener may take to see that it is to end.
const PATIENCE: Duration = Duration::from_millis(100);

/// Listens until it is stopped.
pub(crate) struct Arrivals {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Heard>>,
}

/// The times, in order.
#[derive(Debug, Default)]
pub(crate) struct Heard(Vec<Duration>);

/// How late they came, the least first.
#[derive(Debug)]
pub(crate) struct Late(Vec<Duration>);

impl Arrivals {
    /// In this namespace, to the advertisements of this master: in its own, they are on their way out.
    pub(crate) fn listen(namespace: &Namespace, master: Ipv4Addr) -> Result<Self> {
        let socket = PacketSocket::open(namespace, ALL)?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut heard = Heard::default();
            while !seen.load(Ordering::Relaxed) {
                let Some(frame) = socket.next(Instant::now() + PATIENCE)? else { continue };
                let from = frame.bytes.get(SOURCE_AT);
                if frame.bytes.get(PROTOCOL_AT) == Some(&VRRP) && from == Some(&master.octets()[..])
                {
                    heard.0.push(frame.at);
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
    /// By how much each came later than `interval` after the one before.
    pub(crate) fn late(&self, interval: Duration) -> Late {
        let gaps = self.0.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        Late::of(gaps.map(|gap| gap.saturating_sub(interval)).collect())
    }
}

impl Late {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// This part of them, 0 to 1, was no later.
    pub(crate) fn within(&self, part: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        // A count of seconds' worth of advertisements fits.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to `last`")]
        let place = (part.clamp(0.0, 1.0) * last as f64).ceil() as usize;
        self.0.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_what_is_over_the_interval() {
        let millis = Duration::from_millis;
        let heard = Heard([0, 10, 19, 33, 43].map(millis).to_vec());
        let late = heard.late(millis(10));
        assert_eq!(late.0, [0, 0, 0, 4].map(millis));
        assert_eq!((late.within(0.5), late.within(0.999), late.count()), (millis(0), millis(4), 4));
        assert_eq!(Heard::default().late(millis(10)).within(1.0), Duration::ZERO);
    }
}
