//! Just enough tracking: where a flow of a moved slot goes, and what is noted of it.
//!
//! Only slots that a change has moved come here, and only while its window is open. The rules:
//!
//! | note | packet | goes to | then |
//! | --- | --- | --- | --- |
//! | confirmed, real server usable | SYN | the note's | nothing is rewritten (a spoofed SYN moves nobody) |
//! | | anything else | the note's | refreshed; FIN and RST shorten its life |
//! | confirmed, closing or its real server gone | SYN | current | a new unconfirmed note |
//! | confirmed, its real server gone | anything else | current | not noted: it gets its survivors back |
//! | unconfirmed | SYN | the note's | kept: a retransmission |
//! | | RST | the note's | kept |
//! | | anything else | the note's | confirmed |
//! | unconfirmed, its real server gone | SYN | current | a new unconfirmed note |
//! | | anything else | current | |
//! | none | SYN | current (base, where the table takes no note) | an unconfirmed note |
//! | | anything else: an older flow | base | confirmed when seen again a second later (RST: not noted) |
//! | | the same, base's real server gone | current | not noted |
//!
//! At a service with persistence a *client* stays: for it, "current" above is what follows here. Flows of
//! tracked UDP go by it too, each for itself.
//!
//! | note of the client | it goes to | then |
//! | --- | --- | --- |
//! | not older than the timeout, real server takes new clients | the note's | refreshed and confirmed |
//! | none such, the last change not longer ago than the timeout, base takes new clients | base | unconfirmed |
//! | otherwise | current | unconfirmed |
//!
//! A note of a client is confirmed with its first connection, one of a UDP flow when it is seen again a second
//! later: single spoofed packets fill the small table of unconfirmed notes alone.
//!
//! Draining a real server therefore sends its clients away at once, while their connections stay, unless the
//! service says that clients cling to it. (UDP flows have no beginning that could be told: those of a drained
//! real server stay until they have been silent.)
//!
//! At a service whose scheduler counts, every flow is noted, at all times: "current" is what the scheduler
//! picks, and both rings are the one in force. While a flood is on, nothing new is noted: "none" above then
//! means base for everything, and the schedulers that count go by the ring.

use crate::{
    abi::{FlowKey, NO_REAL, Note, NoteState, Pool, RealState, Service},
    flow::{Flow, Segment},
    verdict::{Origin, Tables},
};

/// How long a flow is kept after its last packet, once a FIN was seen (nanoseconds).
pub const CLOSING: u64 = 120 * SECOND;
/// The same after a RST.
pub const RESET: u64 = 10 * SECOND;
/// A note is written again at most this often, unless its state changes.
const REFRESH: u64 = SECOND;
const SECOND: u64 = 1_000_000_000;

/// A slot that a change has moved: what both rings say of it.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// The real server of new flows.
    pub current: u16,
    /// The real server of flows that are older than the change.
    pub base: u16,
    /// New flows are not for `current`, but for whom the scheduler picks.
    pub counting: bool,
}

/// Decides for one packet. `learn` is false for packets that must not change anything (ICMP errors, traces).
#[inline(always)]
pub fn track<T: Tables>(
    tables: &T,
    pool: &Pool,
    service: &Service,
    flow: &Flow,
    moved: Moved,
    learn: bool,
) -> (u16, Origin) {
    let segment = flow.segment.at(service);
    Packet { tables, pool, service, flow, segment, moved, learn, now: tables.now() }.decide()
}

/// A packet of a moved slot, and all that its way depends on.
struct Packet<'a, T> {
    tables: &'a T,
    pool: &'a Pool,
    service: &'a Service,
    flow: &'a Flow,
    segment: Segment,
    moved: Moved,
    learn: bool,
    now: u64,
}

impl<T: Tables> Packet<'_, T> {
    #[inline(always)]
    fn decide(&self) -> (u16, Origin) {
        if matches!(self.segment, Segment::Datagram) { self.stay() } else { self.connection() }
    }

    /// A packet of a connection, by the first table above.
    #[inline(always)]
    fn connection(&self) -> (u16, Origin) {
        let key = self.flow.key();
        let syn = matches!(self.segment, Segment::Syn);
        match self.noted(&key, syn) {
            Some((note, Table::New)) if note.state == NoteState::Unconfirmed as u8 => {
                self.unconfirmed(&key, &note, syn)
            }
            Some((note, table)) => self.confirmed(&key, &note, table, syn),
            None => self.unknown(&key, syn),
        }
    }

    /// What is known of a flow, and where that stands.
    #[inline(always)]
    fn noted(&self, key: &FlowKey, syn: bool) -> Option<(Note, Table)> {
        if let Some(note) = self.valid(self.tables.flow(key)) {
            return Some((note, Table::Flows));
        }
        if let Some(note) = self.valid(self.tables.new_flow(key)) {
            return Some((note, Table::New));
        }
        // Another CPU may have moved the note from one table to the other between the two looks.
        let note = if syn { None } else { self.valid(self.tables.flow(key)) };
        note.map(|note| (note, Table::Flows))
    }

    #[inline(always)]
    fn confirmed(&self, key: &FlowKey, note: &Note, table: Table, syn: bool) -> (u16, Origin) {
        let usable = self.tables.usable(self.pool, note.real);
        if syn && (!usable || note.state >= NoteState::Closing as u8) {
            let fresh = self.fresh();
            if self.learn {
                self.tables.forget_flow(key);
                self.count(note.real, state_of(note), None);
                self.note_new(key, fresh.0);
            }
            return fresh;
        }
        if !usable {
            return self.ring();
        }
        let state = after(note.state, self.segment);
        let late = self.late(note);
        if self.learn && !syn && (state as u8 != note.state || late) {
            let next = Note { again: u8::from(late) | note.again, ..self.note(note.real, state) };
            self.write(key, &next, table);
            self.count(note.real, state_of(note), Some(state));
        }
        (note.real, Origin::Note)
    }

    /// Writes a note again. Who was seen again a second later moves to the table of confirmed flows.
    #[inline(always)]
    fn write(&self, key: &FlowKey, note: &Note, table: Table) {
        if matches!(table, Table::New) {
            if note.again == 0 {
                // Where it stands already: there is room for it.
                let _ = self.tables.note_new_flow(key, note);
                return;
            }
            self.tables.forget_new_flow(key);
        }
        self.tables.note_flow(key, note);
    }

    #[inline(always)]
    fn unconfirmed(&self, key: &FlowKey, note: &Note, syn: bool) -> (u16, Origin) {
        if !self.tables.usable(self.pool, note.real) {
            if !syn {
                return self.ring();
            }
            let fresh = self.fresh();
            if self.learn {
                self.count(note.real, Some(NoteState::Unconfirmed), None);
                self.note_new(key, fresh.0);
            }
            return fresh;
        }
        if self.learn && !syn && !matches!(self.segment, Segment::Rst) {
            let state = after(NoteState::Confirmed as u8, self.segment);
            self.tables.note_flow(key, &self.note(note.real, state));
            self.tables.forget_new_flow(key);
            self.count(note.real, Some(NoteState::Unconfirmed), Some(state));
            if self.service.sticky() {
                let client = self.flow.sticky_key(self.service);
                self.tables.note_flow(&client, &self.note(note.real, NoteState::Confirmed));
            }
        }
        (note.real, Origin::Note)
    }

    #[inline(always)]
    fn unknown(&self, key: &FlowKey, syn: bool) -> (u16, Origin) {
        let base = self.moved.base;
        let kept = self.tables.usable(self.pool, base);
        if syn {
            // What is not noted would be split: its SYN to the new real server, its ACK to the old one.
            if self.service.has(Service::FLOOD) && kept {
                return (base, Origin::Base);
            }
            let fresh = self.fresh();
            let noted = !self.learn || self.note_new(key, fresh.0);
            return if noted || !kept { fresh } else { (base, Origin::Base) };
        }
        if !kept {
            return self.ring();
        }
        if self.learn && !matches!(self.segment, Segment::Rst) {
            // Without the note it would go the same way: a flood of such packets fills the small table alone.
            let state = after(NoteState::Confirmed as u8, self.segment);
            if self.note_in_small(key, base, state) {
                self.count(base, None, Some(state));
            }
        }
        (base, Origin::Base)
    }

    /// Where a new connection goes.
    #[inline(always)]
    fn fresh(&self) -> (u16, Origin) {
        if self.service.sticky() { self.stay() } else { self.scheduled() }
    }

    /// Whom the scheduler gives a new connection, or a new client.
    #[inline(always)]
    fn scheduled(&self) -> (u16, Origin) {
        if self.moved.counting && self.learn && !self.service.has(Service::FLOOD) {
            let pool = u32::from(self.service.pool);
            return (self.tables.pick(pool, self.pool).unwrap_or(NO_REAL), Origin::Scheduler);
        }
        self.ring()
    }

    /// What the ring in force says.
    #[inline(always)]
    const fn ring(&self) -> (u16, Origin) {
        (self.moved.current, Origin::Current)
    }

    /// A client of a service with persistence, or a flow of tracked UDP, by the second table above.
    #[inline(always)]
    fn stay(&self) -> (u16, Origin) {
        let key = self.flow.sticky_key(self.service);
        // A drained real server keeps its flows, but not its clients, unless they are to cling to it.
        let clients = self.service.port_mask() == 0;
        let clinging = !clients || self.service.has(Service::CLINGING);
        let needed = if clinging { RealState::USABLE } else { RealState::OPEN };
        let idle = self.service.idle();
        let known = self
            .current(self.tables.flow(&key))
            .or_else(|| self.current(self.tables.new_flow(&key)));
        if let Some(note) = known
            && self.now.wrapping_sub(note.seen) <= idle
            && self.tables.is(self.pool, note.real, needed)
        {
            if self.learn && self.late(&note) {
                self.tables.note_flow(&key, &self.note(note.real, NoteState::Confirmed).again());
                self.count_flow(note.real, state_of(&note), Some(NoteState::Confirmed));
            }
            return (note.real, Origin::Note);
        }
        let recent = !self.moved.counting && self.now.wrapping_sub(self.pool.changed) <= idle;
        let (real, origin) = if recent && self.tables.is(self.pool, self.moved.base, needed) {
            (self.moved.base, Origin::Base)
        } else {
            self.scheduled()
        };
        if self.learn {
            if let Some(note) = known {
                // It does not hold any more, and would be found first.
                self.tables.forget_flow(&key);
                self.count_flow(note.real, state_of(&note), None);
            }
            if self.note_in_small(&key, real, NoteState::Unconfirmed) {
                self.count_flow(real, None, Some(NoteState::Unconfirmed));
            }
        }
        (real, origin)
    }

    /// A note of a connection, if it is of this window and still holds.
    #[inline(always)]
    fn valid(&self, note: Option<Note>) -> Option<Note> {
        self.current(note).filter(|note| !ended(note, self.now))
    }

    /// A note, if it is of this window.
    #[inline(always)]
    fn current(&self, note: Option<Note>) -> Option<Note> {
        note.filter(|note| note.window == self.pool.window)
    }

    /// True where the note is to be written again.
    #[inline(always)]
    const fn late(&self, note: &Note) -> bool {
        self.now.wrapping_sub(note.seen) > REFRESH
    }

    #[inline(always)]
    const fn note(&self, real: u16, state: NoteState) -> Note {
        Note::new(real, self.pool.window, state, self.now)
    }

    /// Notes a new connection; false where that cannot be.
    #[inline(always)]
    fn note_new(&self, key: &FlowKey, real: u16) -> bool {
        let noted = self.note_in_small(key, real, NoteState::Unconfirmed);
        if noted {
            self.count(real, None, Some(NoteState::Unconfirmed));
        }
        noted
    }

    /// Notes what was not noted before, in the table that floods may fill; false where that cannot be.
    #[inline(always)]
    fn note_in_small(&self, key: &FlowKey, real: u16, state: NoteState) -> bool {
        real != NO_REAL
            && !self.service.has(Service::FLOOD)
            && self.tables.note_new_flow(key, &self.note(real, state))
    }

    /// Counts a connection of a scheduler that counts.
    #[inline(always)]
    fn count(&self, real: u16, from: Option<NoteState>, to: Option<NoteState>) {
        if self.moved.counting && real != NO_REAL {
            self.tables.count(self.pool.reals.wrapping_add(u32::from(real)), from, to);
        }
    }

    /// The same for what [`Packet::stay`] notes: flows count, clients do not (their connections do).
    #[inline(always)]
    fn count_flow(&self, real: u16, from: Option<NoteState>, to: Option<NoteState>) {
        if self.service.port_mask() != 0 {
            self.count(real, from, to);
        }
    }
}

/// Where a note stands.
#[derive(Clone, Copy)]
enum Table {
    /// Among the confirmed flows.
    Flows,
    /// Among those that one packet can make.
    New,
}

/// How far a noted flow has got.
#[inline(always)]
const fn state_of(note: &Note) -> Option<NoteState> {
    Some(match note.state {
        0 => NoteState::Unconfirmed,
        1 => NoteState::Confirmed,
        2 => NoteState::Closing,
        _ => NoteState::Reset,
    })
}

/// True where a closing flow has been silent for long enough that a new one may have its ports.
#[inline(always)]
const fn ended(note: &Note, now: u64) -> bool {
    let age = now.wrapping_sub(note.seen);
    (note.state == NoteState::Closing as u8 && age > CLOSING)
        || (note.state == NoteState::Reset as u8 && age > RESET)
}

/// The state after a segment other than SYN. Traffic takes back a reset, nothing takes back a FIN.
#[inline(always)]
const fn after(state: u8, segment: Segment) -> NoteState {
    match segment {
        Segment::Rst => NoteState::Reset,
        Segment::Fin => NoteState::Closing,
        Segment::Syn | Segment::Other | Segment::Datagram | Segment::Initial => {
            if state == NoteState::Closing as u8 {
                NoteState::Closing
            } else {
                NoteState::Confirmed
            }
        }
    }
}

#[cfg(test)]
#[path = "track_test.rs"]
mod tests;
