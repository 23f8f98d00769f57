//! One instance at work: what it sends and holds, and what there is to tell of it.

use std::{collections::VecDeque, io};

use tracing::{info, warn};

use super::{
    holder::{Holder, Place},
    segment::Segment,
};
use crate::{
    agent::netlink::Netlink,
    model::{Name, VirtualAddress, VirtualRouting},
    vrrp::{
        machine::{Action, Settings, Transition},
        packet::{Endpoint, Reject},
        types::{Claim, Family, VirtualRouterId},
    },
};

/// Transitions that are remembered.
const HISTORY: usize = 16;

/// What an instance is to be, with the host's part of it.
#[derive(Clone, Debug)]
pub(in crate::agent) struct Wanted {
    /// Its name in the configuration.
    pub(in crate::agent) name: Name,
    /// Instances of one name move together.
    pub(in crate::agent) group: Option<Name>,
    /// Where it advertises, and where its addresses go.
    pub(in crate::agent) place: Place,
    /// What it says.
    pub(in crate::agent) endpoint: Endpoint,
    /// How it decides.
    pub(in crate::agent) settings: Settings,
    /// What it holds as master.
    pub(in crate::agent) addresses: Vec<VirtualAddress>,
    /// And beside them.
    pub(in crate::agent) routing: VirtualRouting,
    /// Its interface is up, with a carrier.
    pub(in crate::agent) running: bool,
}

impl Wanted {
    /// True where nothing else would have to change.
    pub(super) fn same_but_priority(&self, other: &Self) -> bool {
        let mut settings = self.settings.clone();
        settings.priority = other.settings.priority;
        let other_place = (&other.place, &other.endpoint, &other.addresses, &other.settings);
        (&self.name, &self.group) == (&other.name, &other.group)
            && self.routing == other.routing
            && (&self.place, &self.endpoint, &self.addresses, &settings) == other_place
    }
}

/// Packets of an instance.
#[derive(Clone, Debug, Default)]
pub(in crate::agent) struct Counters {
    /// Advertisements sent.
    pub(in crate::agent) sent: u64,
    /// Advertisements that could not be sent.
    pub(in crate::agent) not_sent: u64,
    /// Advertisements heard and taken.
    pub(in crate::agent) heard: u64,
    /// Packets with its VRID that were not, in the order of [`Reject::ALL`].
    pub(in crate::agent) rejected: [u64; Reject::ALL.len()],
}

/// An instance at work.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) wanted: Wanted,
    pub(super) holder: Holder,
    pub(super) counters: Counters,
    /// The latest last.
    pub(super) history: VecDeque<Transition>,
    /// Of the next advertisement.
    sequence: u32,
}

impl Instance {
    /// Takes its addresses off the interface, should they be there, and waits to be told what to do. `sequence`
    /// must be higher than that of any run before.
    ///
    /// # Errors
    /// No packet socket on its interface.
    pub(super) fn start(wanted: Wanted, netlink: Netlink, sequence: u32) -> io::Result<Self> {
        let holder = Holder::start(netlink, &wanted)?;
        let (counters, history) = (Counters::default(), VecDeque::new());
        Ok(Self { wanted, holder, counters, history, sequence })
    }

    /// Its interface and family.
    pub(super) fn segment(&self) -> (u32, Family) {
        (self.wanted.place.index, self.wanted.endpoint.addresses().family())
    }

    pub(super) const fn virtual_router(&self) -> VirtualRouterId {
        self.wanted.endpoint.virtual_router()
    }

    /// Does what the machine has decided. Returns why the operator's wish cannot be, if that is so.
    pub(super) fn perform(&mut self, action: Action, segment: &Segment) -> Option<&'static str> {
        let name = self.wanted.name.as_str();
        match action {
            Action::Advertise(claim) => self.advertise(claim, segment),
            Action::AddAddresses => self.holder.hold(),
            Action::Announce => self.holder.announce(),
            Action::RemoveAddresses => self.holder.release(),
            Action::Notify(_) => {}
            Action::Record(step) => {
                info!(instance = name, from = %step.from, to = %step.to, reason = %step.reason, "VRRP");
                self.history.push_back(step);
                if self.history.len() > HISTORY {
                    self.history.pop_front();
                }
            }
            Action::AddressesDiffer(source) => {
                warn!(instance = name, master = %source, "the master advertises other VIPs than ours");
            }
            Action::Refused(reason) => return Some(reason),
        }
        None
    }

    fn advertise(&mut self, claim: Claim, segment: &Segment) {
        self.sequence = self.sequence.wrapping_add(1);
        let source = self.wanted.endpoint.source();
        for packet in self.wanted.endpoint.emit(claim, self.sequence) {
            match segment.send(source, &packet) {
                Ok(()) => self.counters.sent += 1,
                Err(error) => {
                    if self.counters.not_sent == 0 {
                        let name = self.wanted.name.as_str();
                        warn!(%error, instance = name, "an advertisement was not sent");
                    }
                    self.counters.not_sent += 1;
                }
            }
        }
    }
}
