//! Handing the VIPs over: a master that leaves of its own will keeps them until somebody else has them.
//!
//! Backups that hear priority 0 still wait for their skew time (RFC 9568, section 6.4.2), 0.6 s at an interval of a
//! second: so long nobody would answer for the VIPs. The leaving one goes on answering and forwarding instead, until
//! it hears its successor, or nobody has come for longer than any backup waits.

use std::time::Duration;

use super::{router::Router, waiting::due};
use crate::vrrp::machine::Event;

/// A skew time is shorter than an interval; a busy backup may be late.
const LATE: Duration = Duration::from_millis(100);
/// At intervals of many seconds nobody wants to wait so long for an agent to end.
const MOST: Duration = Duration::from_secs(2);

/// How addresses go that an instance is to give up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parting {
    /// Another one has them, or this host cannot serve them.
    AtOnce,
    /// When a successor has them.
    HandedOver {
        /// When the others were told.
        since: Duration,
    },
}

impl Parting {
    /// As what has happened allows it.
    pub(super) fn after(event: Event<'_>, now: Duration) -> Self {
        match event {
            Event::Stop | Event::Release => Self::HandedOver { since: now },
            _ => Self::AtOnce,
        }
    }
}

/// How long a successor is waited for.
pub(super) fn longest(interval: Duration) -> Duration {
    (interval + LATE).min(MOST)
}

impl Router {
    /// Until when successors are waited for.
    pub(super) fn successors(&self) -> impl Iterator<Item = Duration> {
        self.groups.iter().flat_map(|(_, all)| all).filter_map(|instance| instance.successor)
    }

    /// Nobody has come: there is no other director.
    pub(super) fn give_up_waiting(&mut self, now: Duration) {
        for instance in self.groups.iter_mut().flat_map(|(_, all)| all) {
            if instance.successor.is_some_and(|until| now >= until) {
                instance.let_go();
            }
        }
    }

    /// Goes on until nothing is to be handed over any more.
    pub(super) async fn hand_over(&mut self) {
        while self.successors().next().is_some() {
            due(&self.segments, self.deadline()).await;
            self.turn();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_waited_for_longer_than_any_skew_and_not_for_ever() {
        let second = Duration::from_secs(1);
        assert!(longest(second) > second.mul_f64(255.0 / 256.0));
        assert_eq!(longest(Duration::from_millis(10)), Duration::from_millis(110));
        assert_eq!(longest(second * 40), MOST);
        assert!(matches!(Parting::after(Event::Fault("eth0 is down"), second), Parting::AtOnce));
        assert!(
            matches!(Parting::after(Event::Stop, second), Parting::HandedOver { since } if since == second)
        );
    }
}
