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
//! means base for everything, and so does a note that the SYN would replace; the schedulers that count go by the
//! ring. A SYN that nobody takes is dropped, and what was noted stays.

mod tracked;

pub use tracked::{Known, Room, Tracked, Way};
use tracked::{UNPICKED, WANTED, real};

use crate::{
    abi::{FlowKey, NO_REAL, Note, NoteState, RealState, Service},
    flow::Segment,
    ring,
    verdict::{Origin, Tables},
};

/// How long a flow is kept after its last packet, once a FIN was seen (nanoseconds).
pub const CLOSING: u64 = 120 * SECOND;
/// The same after a RST.
pub const RESET: u64 = 10 * SECOND;
/// A note is written again at most this often, unless its state changes.
const REFRESH: u64 = SECOND;
const SECOND: u64 = 1_000_000_000;

/// Decides for one packet, with the scheduler where that counts.
pub fn follow<T: Tables>(tables: &T, tracked: &Tracked) -> Way {
    let known = Known::default();
    let way = track(tables, tracked, &known);
    let Some(number) = tracked.wants() else { return way };
    let pool = tables.pool(number);
    tracked.give(pool.and_then(|pool| tables.pick(number, &pool)));
    track(tables, tracked, &known)
}

/// Decides for one packet, as far as that goes without the scheduler ([`Tracked::wants`]): both together would
/// need more stack than BPF programs have.
#[inline(always)]
pub fn track<T: Tables>(tables: &T, tracked: &Tracked, known: &Known) -> Way {
    let Some(pool) = tables.pool(tracked.number.get()) else { return Way::LOST };
    let base = match ring::look(tables, pool.base, tracked.hash.get()) {
        Ok((_, base)) => base.real(),
        Err(_) => real(&tracked.current),
    };
    known.pool.set(pool);
    known.base.set(u32::from(base));
    known.now.set(tables.now());
    Way::new(Packet { tables, at: tracked, known }.decide())
}

/// A packet, and the tables.
struct Packet<'a, T> {
    tables: &'a T,
    at: &'a Tracked,
    known: &'a Known,
}

impl<T: Tables> Packet<'_, T> {
    /// False for packets that must not change anything.
    #[inline(always)]
    const fn learns(&self) -> bool {
        self.at.learn.get() != 0
    }

    /// True where the scheduler picks.
    #[inline(always)]
    const fn counts(&self) -> bool {
        self.at.counting.get() != 0
    }

    /// True where a real server takes packets of its flows.
    #[inline(always)]
    fn usable(&self, real: u16) -> bool {
        self.tables.usable(&self.known.pool.get(), real)
    }

    #[inline(always)]
    fn decide(&self) -> (u16, Origin) {
        if matches!(self.at.segment(), Segment::Datagram) { self.stay() } else { self.connection() }
    }

    /// A packet of a connection, by the first table above.
    #[inline(always)]
    fn connection(&self) -> (u16, Origin) {
        let key = self.at.flow().key();
        let syn = matches!(self.at.segment(), Segment::Syn);
        let noted = self.noted(&key, syn);
        let usable = noted.is_some_and(|(note, _)| self.usable(note.real));
        let begins = match noted {
            Some((note, _)) => syn && (!usable || note.state >= NoteState::Closing as u8),
            None => syn,
        };
        match noted {
            noted if begins => self.begin(&key, noted.map(|(note, _)| note)),
            Some(_) if !usable => self.ring(),
            Some((note, Table::New)) if note.state == NoteState::Unconfirmed as u8 => {
                self.unconfirmed(&key, &note, syn)
            }
            Some((note, table)) => self.confirmed(&key, &note, table, syn),
            None => self.older(&key),
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
        let state = after(note.state, self.at.segment());
        let late = self.late(note);
        if self.learns() && !syn && (state as u8 != note.state || late) {
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
        if self.learns() && !syn && !matches!(self.at.segment(), Segment::Rst) {
            let state = after(NoteState::Confirmed as u8, self.at.segment());
            self.tables.note_flow(key, &self.note(note.real, state));
            self.tables.forget_new_flow(key);
            self.count(note.real, Some(NoteState::Unconfirmed), Some(state));
            if self.at.service().sticky() {
                let client = self.at.flow().sticky_key(&self.at.service());
                self.tables.note_flow(&client, &self.note(note.real, NoteState::Confirmed));
            }
        }
        (note.real, Origin::Note)
    }

    /// A connection begins, where nothing is known or over a note that does not hold any more.
    #[inline(always)]
    fn begin(&self, key: &FlowKey, over: Option<Note>) -> (u16, Origin) {
        let fresh = self.fresh();
        if fresh.0 == NO_REAL {
            return fresh;
        }
        if self.learns()
            && let Some(note) = over
        {
            self.tables.forget_flow(key);
            self.tables.forget_new_flow(key);
            self.count(note.real, state_of(&note), None);
        }
        // What is not noted would be split: its SYN to the new real server, its ACK to the old one.
        let flood = self.at.service().has(Service::FLOOD);
        let noted = !flood && (!self.learns() || self.note_new(key, fresh.0));
        let base = real(&self.known.base);
        if noted || !self.usable(base) { fresh } else { (base, Origin::Base) }
    }

    /// Nothing is known, and nothing begins: a flow from before the change.
    #[inline(always)]
    fn older(&self, key: &FlowKey) -> (u16, Origin) {
        let base = real(&self.known.base);
        if !self.usable(base) {
            return self.ring();
        }
        if self.learns() && !matches!(self.at.segment(), Segment::Rst) {
            // Without the note it would go the same way: a flood of such packets fills the small table alone.
            let state = after(NoteState::Confirmed as u8, self.at.segment());
            if self.note_in_small(key, base, state) {
                self.count(base, None, Some(state));
            }
        }
        (base, Origin::Base)
    }

    /// Where a new connection goes.
    #[inline(always)]
    fn fresh(&self) -> (u16, Origin) {
        if self.at.service().sticky() { self.stay() } else { self.scheduled() }
    }

    /// Whom the scheduler gives a new connection, or a new client.
    #[inline(always)]
    fn scheduled(&self) -> (u16, Origin) {
        if self.counts() && self.learns() && !self.at.service().has(Service::FLOOD) {
            if self.at.picked.get() == UNPICKED {
                self.at.picked.set(WANTED);
                self.at.learn.set(0);
                return (NO_REAL, Origin::Scheduler);
            }
            return (real(&self.at.picked), Origin::Scheduler);
        }
        self.ring()
    }

    /// What the ring in force says.
    #[inline(always)]
    const fn ring(&self) -> (u16, Origin) {
        (real(&self.at.current), Origin::Current)
    }

    /// A client of a service with persistence, or a flow of tracked UDP, by the second table above.
    #[inline(always)]
    fn stay(&self) -> (u16, Origin) {
        let key = self.at.flow().sticky_key(&self.at.service());
        // A drained real server keeps its flows, but not its clients, unless they are to cling to it.
        let clients = self.at.service().port_mask() == 0;
        let clinging = !clients || self.at.service().has(Service::CLINGING);
        let needed = if clinging { RealState::USABLE } else { RealState::OPEN };
        let idle = self.at.service().idle();
        let known = self
            .current(self.tables.flow(&key))
            .or_else(|| self.current(self.tables.new_flow(&key)));
        if let Some(note) = known
            && self.known.now.get().wrapping_sub(note.seen) <= idle
            && self.tables.is(&self.known.pool.get(), note.real, needed)
        {
            if self.learns() && self.late(&note) {
                self.tables.note_flow(&key, &self.note(note.real, NoteState::Confirmed).again());
                self.count_flow(note.real, state_of(&note), Some(NoteState::Confirmed));
            }
            return (note.real, Origin::Note);
        }
        let recent = !self.counts()
            && self.known.now.get().wrapping_sub(self.known.pool.get().changed) <= idle;
        let (real, origin) =
            if recent && self.tables.is(&self.known.pool.get(), real(&self.known.base), needed) {
                (real(&self.known.base), Origin::Base)
            } else {
                self.scheduled()
            };
        if self.learns() && self.note_in_small(&key, real, NoteState::Unconfirmed) {
            if let Some(note) = known {
                // It does not hold any more, and would be found first.
                self.tables.forget_flow(&key);
                self.count_flow(note.real, state_of(&note), None);
            }
            self.count_flow(real, None, Some(NoteState::Unconfirmed));
        }
        (real, origin)
    }

    /// A note of a connection, if it is of this window and still holds.
    #[inline(always)]
    fn valid(&self, note: Option<Note>) -> Option<Note> {
        self.current(note).filter(|note| !ended(note, self.known.now.get()))
    }

    /// A note, if it is of this window.
    #[inline(always)]
    fn current(&self, note: Option<Note>) -> Option<Note> {
        note.filter(|note| note.window == self.known.pool.get().window)
    }

    /// True where the note is to be written again.
    #[inline(always)]
    const fn late(&self, note: &Note) -> bool {
        self.known.now.get().wrapping_sub(note.seen) > REFRESH
    }

    #[inline(always)]
    const fn note(&self, real: u16, state: NoteState) -> Note {
        Note::new(real, self.known.pool.get().window, state, self.known.now.get())
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
            && !self.at.service().has(Service::FLOOD)
            && self.tables.note_new_flow(key, &self.note(real, state))
    }

    /// Counts a connection of a scheduler that counts.
    #[inline(always)]
    fn count(&self, real: u16, from: Option<NoteState>, to: Option<NoteState>) {
        if self.counts() && real != NO_REAL {
            self.tables.count(self.known.pool.get().reals.wrapping_add(u32::from(real)), from, to);
        }
    }

    /// The same for what [`Packet::stay`] notes: flows count, clients do not (their connections do).
    #[inline(always)]
    fn count_flow(&self, real: u16, from: Option<NoteState>, to: Option<NoteState>) {
        if self.at.service().port_mask() != 0 {
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

/// The state after a segment other than SYN. Traffic takes back a RST, which may be forged, and keeps the flow as
/// one that runs, even where a FIN came before the RST: that is not remembered, and a note kept for too long
/// breaks no connection. Traffic alone does not take back a FIN.
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
mod tests;
