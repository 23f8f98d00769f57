//! The rules, as plainly as they can be said: where a packet goes, and what is remembered of it.
//!
//! Written from the words of the design, not from the program's code: real servers by name, time as a number that
//! somebody else moves.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    time::Duration,
};

use lb_userspace::model::Window;

use super::{
    notes::{Note, Notes, Stage, Table, Whom},
    rings::{Brought, Place, Real, Ring, Rings},
    scheduling::{Counts, Scheduling},
    services::{Flow, Service, Stays},
    tally::{Rule, Tally},
    window::{Closing, patience},
};
use crate::event::Standing;

/// A flow in which a FIN was seen is over when it has been silent for so long.
const CLOSING: Duration = Duration::from_secs(120);
/// The same for a RST.
const RESET: Duration = Duration::from_secs(10);
/// For so long a connection counts that was silent since its SYN, or since it was established.
const OPENING: Duration = Duration::from_secs(60);
const ESTABLISHED: Duration = Duration::from_secs(15 * 60);
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
    /// Who gets the next connection, where that is counted.
    pub(super) scheduling: Scheduling,
    /// When windows close.
    pub(super) policy: Window,
    /// What is remembered.
    pub(super) notes: Notes,
    reals: BTreeMap<Real, Standing>,
    rings: Rings,
    /// When the ring was last replaced.
    changed: Duration,
    /// The window that is open.
    closing: Option<Closing>,
    /// Nothing is learnt from the packet at hand.
    heedless: bool,
}

/// What is remembered.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:?}, changed at {:?}, ", self.now, self.changed)?;
        write!(f, "{:?}, floods {:?}, {:?}, ", self.reals, self.floods, self.scheduling)?;
        write!(f, "{:?}", self.notes)
    }
}

impl Model {
    /// What was said and found of the real servers, the ring that follows from it, and who counts from now on. A
    /// real server that has left the pool keeps the standing that it had, and what it has, until the window closes.
    pub(super) fn change(&mut self, reals: BTreeMap<Real, Standing>, ring: Ring, next: Scheduling) {
        self.reals.extend(reals);
        let (counted, counts) = (self.scheduling.counts(), next.counts());
        let (turns, loads) = (self.scheduling.turns, std::mem::take(&mut self.scheduling.loads));
        self.scheduling = Scheduling { turns, loads, ..next };
        // Notes are of one window; those of a scheduler that counts hold at all times.
        let kept = counted || self.rings.open();
        let brought = self.rings.install(ring, counted, counts);
        match brought {
            Brought::Nothing => return,
            Brought::Ring | Brought::Counted => {}
            Brought::Window | Brought::Overlap | Brought::Uncounted => {
                let (now, policy) = (self.now, self.policy);
                let closing = self.closing.get_or_insert_with(|| Closing::open(now, policy));
                closing.overlap(now, policy);
            }
        }
        if !kept {
            self.notes.clear();
        }
        self.tally.met(Rule::Changed(brought));
        self.changed = self.now;
    }

    /// Closes the window, if one is open.
    pub(super) fn close(&mut self) {
        self.rings.close();
        self.closing = None;
    }

    /// True while a window is open.
    pub(super) const fn in_transition(&self) -> bool {
        self.rings.open()
    }

    /// When the window closes, or is looked at again.
    pub(super) fn due(&self) -> Option<Duration> {
        self.closing.map(|closing| closing.due)
    }

    /// Closes the window, where it is time: flows that the end would move hold it open, but not for ever. Where
    /// every flow is noted, the end moves nobody.
    pub(super) fn tick(&mut self) {
        let (now, policy) = (self.now, self.policy);
        let Some(mut closing) = self.closing.filter(|closing| closing.due <= now) else { return };
        let active = !self.scheduling.counts() && self.any_active(patience(policy));
        if active && closing.may_be_held(now) {
            self.tally.met(Rule::Held);
            closing.hold(now, policy);
            self.closing = Some(closing);
            return;
        }
        self.tally.met(if active { Rule::ClosedAtLast } else { Rule::Closed });
        self.close();
    }

    /// True where a flow or client was seen twice and lately, and is elsewhere than where the ring says. Clients
    /// always count as such.
    fn any_active(&self, patience: Duration) -> bool {
        self.notes.all.iter().any(|(whom, note)| {
            let elsewhere = match whom {
                Whom::Flow(_) => self.rings.current(note.place) != Some(note.real),
                Whom::Clients(..) => true,
            };
            let goes_on = !matches!(note.stage, Stage::Closing | Stage::Reset);
            elsewhere && goes_on && note.again && self.now - note.seen <= patience
        })
    }

    /// Counts all connections anew: nobody tells of the end of a silent one.
    pub(super) fn count_anew(&mut self) {
        let before = std::mem::take(&mut self.scheduling.loads);
        for (whom, note) in &self.notes.all {
            let Whom::Flow(flow) = whom else { continue };
            // A flow of datagrams is active for as long as it stays.
            let (life, counts) = match (flow.port.service().stays(), note.stage) {
                (Some(stays), _) if !stays.clients => (stays.idle, Counts::Active),
                (_, Stage::Unconfirmed) => (OPENING, Counts::Inactive),
                (_, Stage::Confirmed) => (ESTABLISHED, Counts::Active),
                (_, Stage::Closing) => (CLOSING, Counts::Inactive),
                (_, Stage::Reset) => (RESET, Counts::Inactive),
            };
            if self.now - note.seen <= life {
                self.scheduling.loads.entry(note.real).or_default().add(counts);
            }
        }
        let changed = before != self.scheduling.loads;
        self.tally.met(Rule::CountedAnew(changed));
    }

    /// Counts a connection that was in one stage, and is in another.
    fn count(&mut self, real: Real, was: Option<Stage>, is: Option<Stage>) {
        if self.scheduling.counts() {
            let (was, is) = (was.map(Stage::counts), is.map(Stage::counts));
            let load = self.scheduling.loads.entry(real).or_default();
            if was != is {
                was.into_iter().for_each(|was| load.take(was));
                is.into_iter().for_each(|is| load.add(is));
            }
        }
    }

    /// A full table has forgotten a note.
    pub(super) fn forget(&mut self, whom: Whom, first: Option<Duration>) -> Result<(), String> {
        let table = self.notes.forget(whom, first)?;
        self.tally.met(Rule::Forgotten(table));
        Ok(())
    }

    /// Where a packet goes; `None`: nobody takes it.
    pub(super) fn packet(&mut self, packet: &Packet) -> Option<Real> {
        let service = packet.flow.port.service();
        if !self.rings.moved(packet.place) && !self.scheduling.counts() {
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
        let mut dream = Self { heedless: true, ..self.clone() };
        dream.packet(&Packet { flow, place, says: Says::More })
    }

    /// A packet of a connection.
    fn connection(&mut self, packet: &Packet) -> Option<Real> {
        let whom = Whom::Flow(packet.flow);
        if let (Says::More, Some(note)) = (packet.says, self.notes.at_hand.get(&whom))
            && self.now - note.seen < REFRESH
            && self.usable(note.real)
        {
            let real = note.real;
            return Some(self.noted(real, Rule::AtHand));
        }
        let note = self.notes.get(whom).filter(|note| !self.over(note));
        let begins = packet.says == Says::Begin;
        match note {
            None if begins => self.begin(packet, None),
            None => self.older(packet),
            Some(Note { real, stage, .. }) if !self.usable(real) => {
                let unconfirmed = stage == Stage::Unconfirmed;
                if begins {
                    self.tally.met(Rule::LostBegins(unconfirmed));
                    return self.begin(packet, note);
                }
                // The note stays: a real server that comes back gets its survivors back.
                self.current(packet, Rule::LostGoesOn(unconfirmed))
            }
            Some(Note { stage: Stage::Closing | Stage::Reset, .. }) if begins => {
                self.tally.met(Rule::PortsUsedAgain);
                self.begin(packet, note)
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
        let note = self.written(packet, real, stage, Table::Large);
        self.notes.put(Whom::Flow(packet.flow), Note { at_hand: true, ..note });
        self.count(real, Some(Stage::Unconfirmed), Some(stage));
        if let Some(stays) = packet.flow.port.service().stays() {
            let client = Whom::stays(packet.flow, stays);
            let before = self.notes.get(client).filter(|before| before.real == real);
            let again = before.is_some_and(|before| before.again);
            let note = self.written(packet, real, Stage::Confirmed, Table::Large);
            self.notes.put(client, Note { again, ..note });
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
        let late = self.now - note.seen > REFRESH;
        let seen = if stage != note.stage || late { self.now } else { note.seen };
        // Who is seen again a second later is more than one packet.
        let again = note.again || late;
        let table = if again { Table::Large } else { note.table };
        let at_hand = stage != Stage::Reset;
        let whom = Whom::Flow(packet.flow);
        self.notes.put(whom, Note { stage, seen, again, table, at_hand, ..note });
        self.notes.at_hand.remove(&whom);
        self.count(note.real, Some(note.stage), Some(stage));
        self.noted(note.real, rule)
    }

    /// A connection begins: nothing is noted of it, or only what is void now. Where nobody takes it, it has not
    /// begun.
    fn begin(&mut self, packet: &Packet, over: Option<Note>) -> Option<Real> {
        let (service, whom) = (packet.flow.port.service(), Whom::Flow(packet.flow));
        let fresh = match service.stays() {
            Some(stays) => self.stay(packet, stays)?,
            None => self.scheduled(packet, Rule::NewConnection)?,
        };
        self.notes.remove(whom);
        if let Some(over) = over {
            self.count(over.real, Some(over.stage), None);
        }
        if let (true, Some(base)) = (self.floods.contains(&service), self.usable_base(packet)) {
            // Its answer will go there, for want of a note.
            return Some(self.noted(base, Rule::NewInFlood));
        }
        if self.note_new(packet, whom, fresh, Stage::Unconfirmed) {
            self.count(fresh, None, Some(Stage::Unconfirmed));
        }
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
        if self.note_new(packet, Whom::Flow(packet.flow), base, stage) {
            self.count(base, None, Some(stage));
        }
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
        let note = self.notes.get(whom);
        if let Some(note) = note {
            if self.now - note.seen > stays.idle {
                self.tally.met(Rule::SilentTooLong(clients));
            } else if !takes(self, note.real) {
                self.tally.met(Rule::NotedTakesNone(clients));
            } else {
                if self.now - note.seen > REFRESH {
                    let stage = Stage::Confirmed;
                    let again = self.written(packet, note.real, stage, Table::Large);
                    self.notes.put(whom, Note { again: true, ..again });
                    self.count_datagrams(clients, note.real, Some(note.stage), Some(stage));
                }
                return Some(self.noted(note.real, Rule::Stays(clients)));
            }
        }
        let recent = !self.scheduling.counts() && self.now - self.changed <= stays.idle;
        let base = self.rings.base(packet.place).filter(|base| recent && takes(self, *base));
        let real = match base {
            Some(base) => self.noted(base, Rule::StaysAtBase(clients)),
            None => self.scheduled(packet, Rule::MovesToCurrent(clients))?,
        };
        if self.note_new(packet, whom, real, Stage::Unconfirmed) {
            if let Some(note) = note {
                self.count_datagrams(clients, note.real, Some(note.stage), None);
            }
            self.count_datagrams(clients, real, None, Some(Stage::Unconfirmed));
        }
        Some(real)
    }

    /// Flows of datagrams count; clients do not, but their connections.
    fn count_datagrams(
        &mut self,
        clients: bool,
        real: Real,
        was: Option<Stage>,
        is: Option<Stage>,
    ) {
        if !clients {
            self.count(real, was, is);
        }
    }

    /// What is noted of a packet.
    const fn written(&self, packet: &Packet, real: Real, stage: Stage, table: Table) -> Note {
        let (seen, place) = (self.now, packet.place);
        Note { real, stage, seen, table, again: false, at_hand: false, place }
    }

    /// Notes what was not noted before; false while a flood is on. A full table takes it, too.
    fn note_new(&mut self, packet: &Packet, whom: Whom, real: Real, stage: Stage) -> bool {
        let noted = !self.floods.contains(&packet.flow.port.service());
        if noted {
            self.notes.put(whom, self.written(packet, real, stage, Table::Small));
        }
        noted
    }

    /// To whom the scheduler gives what is new, where one counts; what is not noted goes by the ring.
    fn scheduled(&mut self, packet: &Packet, rule: Rule) -> Option<Real> {
        let noted = !self.heedless && !self.floods.contains(&packet.flow.port.service());
        match self.scheduling.scheduler.filter(|_| noted) {
            Some(scheduler) => {
                self.tally.met(Rule::Picked(scheduler));
                self.scheduling.pick(self.rings.in_force())
            }
            None => self.current(packet, rule),
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
