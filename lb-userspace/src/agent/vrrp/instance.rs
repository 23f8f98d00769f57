//! One instance at work: what it sends and holds, and what there is to tell of it.

use std::{collections::VecDeque, io, time::Duration};

use tracing::{info, warn};

use super::{
    announce::Announcer,
    handover::{self, Parting},
    holder::{Holder, Place},
    judge::Judged,
    segment::Segment,
};
use crate::{
    agent::{clock::since_boot, dataplane::LeaseHandle, netlink::Netlink, notify::Notices},
    model::{Name, Tracked, VirtualAddress, VirtualRouting},
    vrrp::{
        machine::{Action, Settings, Transition},
        packet::{Endpoint, Reject},
        types::{Claim, Family, Priority, VirtualRouterId},
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
    /// What its priority depends on.
    pub(in crate::agent) track: Vec<Tracked>,
    /// What it holds as master.
    pub(in crate::agent) addresses: Vec<VirtualAddress>,
    /// And beside them.
    pub(in crate::agent) routing: VirtualRouting,
    /// Its interface is up, with a carrier.
    pub(in crate::agent) running: bool,
    /// What says that it is alive to XDP, and after a restart to itself; `None` where XDP does not see its VIPs.
    pub(in crate::agent) lease: Option<LeaseHandle>,
}

impl Wanted {
    /// True where nothing but the priority, and what that depends on, would have to change.
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
    /// Transitions that nobody was told of.
    pub(in crate::agent) untold: u64,
    /// Packets that were not, in the order of [`Reject::ALL`]: with its VRID, or with none that is known on its
    /// interface.
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
    /// It is no master any more, and keeps the addresses for its successor until then at most.
    pub(super) successor: Option<Duration>,
    /// What is wrong with its interface.
    pub(super) link_problem: Option<String>,
    /// The interface that had its VIPs is gone.
    pub(super) homeless: bool,
    /// Its trackers, as they were when its machine was told of them last.
    pub(super) trackers: Vec<Judged>,
    /// The priority that its machine was told.
    pub(super) told: Priority,
    /// Of the next advertisement.
    sequence: u32,
    /// What advertisements leave by that bear the virtual MAC address (RFC 9568, section 7.2).
    frames: Option<Announcer>,
}

impl Instance {
    /// Takes its addresses off the interface, should they be there, and waits to be told what to do. `sequence`
    /// must be higher than that of any run before.
    ///
    /// # Errors
    /// No packet socket on its interface.
    pub(super) fn start(wanted: Wanted, netlink: Netlink, sequence: u32) -> io::Result<Self> {
        let holder = Holder::start(netlink, &wanted)?;
        let virtual_mac = wanted.place.virtual_mac.is_some();
        let frames = virtual_mac.then(|| Announcer::open(wanted.place.index)).transpose()?;
        Ok(Self {
            link_problem: (!wanted.running).then(|| format!("{} is down", wanted.place.name)),
            told: wanted.settings.priority,
            wanted,
            holder,
            counters: Counters::default(),
            history: VecDeque::new(),
            successor: None,
            homeless: false,
            trackers: Vec::new(),
            sequence,
            frames,
        })
    }

    /// It was master until just now, and nobody has claimed its VIPs since.
    pub(super) fn may_resume(&self) -> bool {
        let held = |lease: &LeaseHandle| lease.is_held(since_boot());
        self.wanted.running && self.wanted.lease.as_ref().is_some_and(held)
    }

    /// It was silent for too long, and another director has claimed its VIPs since.
    pub(super) fn is_fenced(&self) -> bool {
        self.wanted.lease.as_ref().is_some_and(|lease| lease.is_fenced(since_boot()))
    }

    /// Its interface and family.
    pub(super) fn segment(&self) -> (u32, Family) {
        (self.wanted.place.index, self.wanted.endpoint.addresses().family())
    }

    pub(super) const fn virtual_router(&self) -> VirtualRouterId {
        self.wanted.endpoint.virtual_router()
    }

    /// Does what the machine has decided. Returns why the operator's wish cannot be, if that is so.
    /// `priority` is the machine's.
    pub(super) fn perform(
        &mut self,
        action: Action,
        priority: Priority,
        parting: Parting,
        segment: &Segment,
        notices: &Notices,
    ) -> Option<&'static str> {
        let name = self.wanted.name.as_str();
        match action {
            Action::Advertise(claim) => self.advertise(claim, segment),
            Action::AddAddresses => {
                self.successor = None;
                self.holder.hold();
            }
            Action::Announce => self.holder.announce(),
            Action::RemoveAddresses => match parting {
                Parting::AtOnce => self.let_go(),
                Parting::HandedOver { since } => {
                    let interval = self.wanted.settings.interval.duration();
                    self.successor = Some(since + handover::longest(interval));
                }
            },
            Action::Notify(state) => {
                let told = notices.tell(&self.wanted.name, state, priority.get());
                self.counters.untold += u64::from(!told);
            }
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

    /// Another director is master now: nothing is to be handed over any more.
    pub(super) fn succeeded(&mut self) {
        if self.successor.is_some() {
            self.let_go();
        }
    }

    /// Takes its addresses away, waiting for nobody any more.
    pub(super) fn let_go(&mut self) {
        self.successor = None;
        self.holder.release();
    }

    fn advertise(&mut self, claim: Claim, segment: &Segment) {
        self.sequence = self.sequence.wrapping_add(1);
        let source = self.wanted.endpoint.source();
        // Before, not after: the others count from when they hear it.
        let (now, mut sent) = (since_boot(), false);
        for packet in self.wanted.endpoint.emit(claim, self.sequence) {
            let outcome = match &self.frames {
                None => segment.send(source, &packet),
                // The configuration has no unicast with it: there is a frame.
                Some(frames) => {
                    let frame = packet.frame(self.wanted.place.mac, source);
                    frame.map_or(Ok(()), |frame| frames.send(&frame))
                }
            };
            match outcome {
                Ok(()) => {
                    self.counters.sent += 1;
                    sent = true;
                }
                Err(error) => {
                    if self.counters.not_sent == 0 {
                        let name = self.wanted.name.as_str();
                        warn!(%error, instance = name, "an advertisement was not sent");
                    }
                    self.counters.not_sent += 1;
                }
            }
        }
        if sent && matches!(claim, Claim::Master(_)) {
            self.renew(now);
        }
    }

    fn renew(&self, now: Duration) {
        if let Some(lease) = &self.wanted.lease {
            lease.renew(now, self.wanted.settings.lease());
        }
    }
}
