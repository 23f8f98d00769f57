//! What a machine is told, and what it wants done.

use std::net::IpAddr;

use super::{State, Transition};
use crate::vrrp::{
    packet::Advertisement,
    types::{Addresses, Claim, Priority},
};

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The agent is ready.
    Start {
        /// It was master until just now, and nobody claimed the VIPs since: go on without listening first.
        resume: bool,
    },
    /// Heard, and found to be valid.
    Advertisement(&'a Advertisement),
    /// [`super::Machine::deadline`] has come.
    Timer,
    /// Trackers or the operator say so: from now on it has this priority.
    PriorityChanged(Priority),
    /// It cannot serve, for the reason given.
    Fault(&'a str),
    /// It can serve again.
    Recovered,
    /// The operator wants another director to be master.
    Release,
    /// The operator wants this one to be master.
    Take,
    /// The interface has another address to send from.
    SourceChanged(IpAddr),
    /// Other VIPs are to be advertised.
    AddressesChanged(&'a Addresses),
    /// The sync group moves.
    Together(Together),
    /// It was silent for too long, and another director has claimed the VIPs since: this host does not answer for
    /// them any more.
    Lapsed,
    /// The agent stops, or the instance is removed.
    Stop,
}

/// Where a sync group moves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// Nobody is.
    Backup,
    /// One of them cannot serve.
    Fault,
    /// All can serve again.
    Recovered,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this advertisement now.
    Advertise(Claim),
    /// Add the VIPs to the interface.
    AddAddresses,
    /// Tell the segment where the VIPs are: gratuitous ARP, unsolicited neighbour advertisements.
    Announce,
    /// Take the VIPs from the interface.
    RemoveAddresses,
    /// Tell scripts and people. [`State::Initialize`]: it has stopped.
    Notify(State),
    /// Keep for `lb vrrp`.
    Record(Transition),
    /// The master with this address has other VIPs than we do: worth a warning. Said once.
    AddressesDiffer(IpAddr),
    /// What the operator wanted cannot be; why.
    Refused(&'static str),
}
