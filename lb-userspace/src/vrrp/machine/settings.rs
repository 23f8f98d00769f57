//! What the operator has decided about an instance.

use std::{net::IpAddr, time::Duration};

use crate::vrrp::types::{Addresses, AdvertInterval, Priority};

/// Of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// With what the trackers add or take away.
    pub priority: Priority,
    /// Of the own advertisements.
    pub interval: AdvertInterval,
    /// What it sends from: the higher one wins between equal priorities.
    pub source: IpAddr,
    /// What it advertises.
    pub addresses: Addresses,
    /// Does it take the VIPs from a lower master?
    pub preempt: Preempt,
    /// From the start to the first advertisement that is heard. Zero: at once.
    pub start_delay: Duration,
    /// From becoming master to the second announcement of the addresses; keepalived: 5 s.
    pub announce_again: Duration,
    /// Announce the addresses ever so often.
    pub refresh: Option<Duration>,
}

/// What a backup does about a master of lower priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    /// Stops accepting it this long after its first advertisement. Zero: at once, as in the RFC.
    After(Duration),
    /// Leaves it alone, for as long as it is there.
    Never,
}

impl Settings {
    /// The pause before addresses are announced again, unless told otherwise.
    pub const ANNOUNCE_AGAIN: Duration = Duration::from_secs(5);

    /// How long one of its advertisements shows that it is alive, counted from before it is sent. The others wait for
    /// three intervals and their skew, from when they have heard it (RFC 9568, section 6.1). A hundredth less than
    /// three intervals, whatever the skew (4 ms where an interval of version 2 is 255 s): two clocks part by less. So this
    /// director's word is void before another one speaks.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.interval.duration() * 297 / 100
    }
}
