//! The rules, as plainly as they can be said: where a packet goes, and what is remembered of it.
//!
//! Written from the words of the design, not from the program's code: one memory of notes without tables and
//! limits, real servers by name, time as a number that somebody else moves.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    time::Duration,
};

use super::{
    rings::{Brought, Place, Real, Ring, Rings},
    services::{Flow, Service, Stays},
    tally::{Rule, Tally},
};
use crate::event::Standing;

/// A flow in which a FIN was seen is over when it has been silent for so long.
const CLOSING: Duration = Duration::from_secs(120);
/// The same for a RST.
const RESET: Duration = Duration::from_secs(10);
/// A note is written again at most this often, unless the flow gets further.
const REFRESH: Duration = Duration::from_secs(1);

/// What a packet says of its connection. Datagrams that are no QUIC say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// SYN; the Initial of QUIC.
    Begin,
    /// FIN.
    End,
    /// RST.
    Reset,
    /// Anything else.
    More,
}

/// How far a flow has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Only its beginning was seen.
    Unconfirmed,
    /// The client has answered, or it is older than the change.
    Confirmed,
    /// A FIN was seen.
    Closing,
    /// A RST was seen.
    Reset,
}

/// What is remembered of a flow, or of a client.
#[derive(Clone, Copy, Debug)]
struct Note {
    real: Real,
    stage: Stage,
    seen: Duration,
}

/// Whom a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whom {
    Flow(Flow),
    /// Clients of one network at a service with persistence, all their ports together.
    Clients(Service, u16),
}

impl Whom {
    /// What of a flow's service stays.
    fn stays(flow: Flow, stays: Stays) -> Self {
        if stays.clients {
            Self::Clients(flow.port.service(), flow.client / stays.network)
        } else {
            Self::Flow(flow)
        }
    }
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) flow: Flow,
    pub(super) place: Place,
    pub(super) says: Says,
}

/// A pool of real servers and all that is remembered of its flows.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// What time it is.
    pub(super) now: Duration,
    /// Services with a flood on: nothing new is noted.
    pub(super) floods: HashSet<Service>,
    /// How often each rule was met.
    pub(super) tally: Tally,
    reals: BTreeMap<Real, Standing>,
    rings: Rings,
    /// When the ring was last replaced.
    changed: Duration,
    notes: HashMap<Whom, Note>,
}

/// What is remembered.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:?}, changed at {:?}, ", self.now, self.changed)?;
        write!(f, "{:?}, floods {:?}, {:?}", self.reals, self.floods, self.notes)
    }
}

impl Model {
    /// What was said and found of the real servers, and the ring that follows from it. A real server that has left
    /// the pool keeps the standing that it had, and what it has, until the window closes.
    pub(super) fn change(&mut self, reals: BTreeMap<Real, Standing>, ring: Ring) {
        self.reals.extend(reals);
        let brought = self.rings.install(ring);
        match brought {
            Brought::Nothing => return,
            // Notes are of one window.
            Brought::Ring | Brought::Window => self.notes.clear(),
            Brought::Overlap => {}
        }
        self.tally.met(Rule::Changed(brought));
        self.changed = self.now;
    }

    /// Closes the window, if one is open.
    pub(super) fn close(&mut self) {
        self.rings.close();
    }

    /// Where a packet goes; `None`: nobody takes it.
    pub(super) fn packet(&mut self, packet: &Packet) -> Option<Real> {
        let service = packet.flow.port.service();
        if !self.rings.moved(packet.place) {
            self.tally.met(Rule::NotMoved);
            return self.rings.current(packet.place);
        }
        self.tally.moved(service);
        match (packet.flow.port.has_connections(), service.stays()) {
            (true, _) => self.connection(packet),
            (false, Some(stays)) => self.stay(packet, stays),
            (false, None) => self.current(packet, Rule::Stateless),
        }
    }

    /// Where a packet goes that nothing is learnt from: a router's error about what the real server has sent to
    /// the client, and a fragment that shows no ports. As the client's next packet would.
    pub(super) fn unlearnt(&mut self, flow: Flow, place: Place) -> Option<Real> {
        if self.rings.moved(place) {
            self.tally.met(Rule::NothingLearnt);
        }
        let mut dream = self.clone();
        dream.packet(&Packet { flow, place, says: Says::More })
    }

    /// A packet of a connection.
    fn connection(&mut self, packet: &Packet) -> Option<Real> {
        let whom = Whom::Flow(packet.flow);
        let note = self.notes.get(&whom).copied().filter(|note| !self.over(note));
        let begins = packet.says == Says::Begin;
        match note {
            None if begins => self.begin(packet),
            None => self.older(packet),
            Some(Note { real, stage, .. }) if !self.usable(real) => {
                let unconfirmed = stage == Stage::Unconfirmed;
                if begins {
                    self.tally.met(Rule::LostBegins(unconfirmed));
                    return self.begin(packet);
                }
                // The note stays: a real server that comes back gets its survivors back.
                self.current(packet, Rule::LostGoesOn(unconfirmed))
            }
            Some(Note { stage: Stage::Closing | Stage::Reset, .. }) if begins => {
                self.tally.met(Rule::PortsUsedAgain);
                self.begin(packet)
            }
            Some(Note { real, stage: Stage::Unconfirmed, .. }) => {
                Some(self.unconfirmed(packet, real))
            }
            Some(note) => Some(self.confirmed(packet, note)),
        }
    }

    /// A packet of a connection that has shown nothing but its beginning.
    fn unconfirmed(&mut self, packet: &Packet, real: Real) -> Real {
        let stage = match packet.says {
            Says::Begin => return self.noted(real, Rule::Retransmission),
            Says::Reset => return self.noted(real, Rule::RefusedAtOnce),
            Says::End => Stage::Closing,
            Says::More => Stage::Confirmed,
        };
        self.note(Whom::Flow(packet.flow), real, stage);
        if let Some(stays) = packet.flow.port.service().stays() {
            self.note(Whom::stays(packet.flow, stays), real, Stage::Confirmed);
        }
        self.noted(real, Rule::Answer)
    }

    /// A packet of a connection that both ends know of.
    fn confirmed(&mut self, packet: &Packet, note: Note) -> Real {
        let (stage, rule) = match (packet.says, note.stage) {
            // Anybody can send one: it moves and changes nothing.
            (Says::Begin, _) => return self.noted(note.real, Rule::SpoofedBegin),
            (Says::End, _) => (Stage::Closing, Rule::Ends),
            (Says::Reset, _) => (Stage::Reset, Rule::IsReset),
            (Says::More, Stage::Closing) => (Stage::Closing, Rule::HalfClosed),
            (Says::More, Stage::Reset) => (Stage::Confirmed, Rule::BlindReset),
            (Says::More, _) => (Stage::Confirmed, Rule::GoesOn),
        };
        if stage != note.stage || self.now - note.seen > REFRESH {
            self.note(Whom::Flow(packet.flow), note.real, stage);
        }
        self.noted(note.real, rule)
    }

    /// A connection begins: nothing is noted of it, or only what is void now. Where nobody takes it, it has not
    /// begun.
    fn begin(&mut self, packet: &Packet) -> Option<Real> {
        let (service, whom) = (packet.flow.port.service(), Whom::Flow(packet.flow));
        let fresh = match service.stays() {
            Some(stays) => self.stay(packet, stays)?,
            None => self.current(packet, Rule::NewConnection)?,
        };
        self.notes.remove(&whom);
        if let (true, Some(base)) = (self.floods.contains(&service), self.usable_base(packet)) {
            // Its answer will go there, for want of a note.
            return Some(self.noted(base, Rule::NewInFlood));
        }
        self.note_new(service, whom, fresh, Stage::Unconfirmed);
        Some(fresh)
    }

    /// A packet in the midst of a connection that nothing is noted of: it is older than the window.
    fn older(&mut self, packet: &Packet) -> Option<Real> {
        let Some(base) = self.usable_base(packet) else {
            return self.current(packet, Rule::OlderLost);
        };
        let stage = match packet.says {
            Says::Reset => return Some(self.noted(base, Rule::OlderReset)),
            Says::End => Stage::Closing,
            Says::Begin | Says::More => Stage::Confirmed,
        };
        let service = packet.flow.port.service();
        self.note_new(service, Whom::Flow(packet.flow), base, stage);
        let flood = self.floods.contains(&service);
        Some(self.noted(base, if flood { Rule::OlderInFlood } else { Rule::Older }))
    }

    /// Whose it was when the window opened, if that real server is there.
    fn usable_base(&self, packet: &Packet) -> Option<Real> {
        self.rings.base(packet.place).filter(|base| self.usable(*base))
    }

    /// A client of a service with persistence, or a flow of datagrams: it stays for so long after a change.
    fn stay(&mut self, packet: &Packet, stays: Stays) -> Option<Real> {
        let (clients, whom) = (stays.clients, Whom::stays(packet.flow, stays));
        // A drained real server keeps its flows, but not its clients unless they cling to it.
        let takes = |model: &Self, real: Real| {
            let standing = model.reals[&real];
            if stays.cling { standing.usable } else { standing.open }
        };
        if let Some(note) = self.notes.get(&whom).copied() {
            if self.now - note.seen > stays.idle {
                self.tally.met(Rule::SilentTooLong(clients));
            } else if !takes(self, note.real) {
                self.tally.met(Rule::NotedTakesNone(clients));
            } else {
                if self.now - note.seen > REFRESH {
                    self.note(whom, note.real, Stage::Confirmed);
                }
                return Some(self.noted(note.real, Rule::Stays(clients)));
            }
        }
        let recent = self.now - self.changed <= stays.idle;
        let base = self.rings.base(packet.place).filter(|base| recent && takes(self, *base));
        let real = match base {
            Some(base) => self.noted(base, Rule::StaysAtBase(clients)),
            None => self.current(packet, Rule::MovesToCurrent(clients))?,
        };
        self.note_new(packet.flow.port.service(), whom, real, Stage::Unconfirmed);
        Some(real)
    }

    fn note(&mut self, whom: Whom, real: Real, stage: Stage) {
        self.notes.insert(whom, Note { real, stage, seen: self.now });
    }

    /// Notes what was not noted before.
    fn note_new(&mut self, service: Service, whom: Whom, real: Real, stage: Stage) {
        if !self.floods.contains(&service) {
            self.note(whom, real, stage);
        }
    }

    /// True where a flow has ended and been silent since.
    fn over(&mut self, note: &Note) -> bool {
        let silent = self.now - note.seen;
        let over = match note.stage {
            Stage::Closing => silent > CLOSING,
            Stage::Reset => silent > RESET,
            Stage::Unconfirmed | Stage::Confirmed => false,
        };
        if over {
            self.tally.met(Rule::Over);
        }
        over
    }

    fn usable(&self, real: Real) -> bool {
        self.reals[&real].usable
    }

    /// To where the ring in force says, by a rule.
    fn current(&mut self, packet: &Packet, rule: Rule) -> Option<Real> {
        self.tally.met(rule);
        self.rings.current(packet.place)
    }

    /// To a real server, by a rule.
    fn noted(&mut self, real: Real, rule: Rule) -> Real {
        self.tally.met(rule);
        real
    }
}
