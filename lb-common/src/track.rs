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
//! | | anything else: an older flow | base | confirmed (RST: not noted) |
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
//! Draining a real server therefore sends its clients away at once, while their connections stay. (UDP flows
//! have no beginning that could be told: those of a drained real server stay until they have been silent.)

use crate::{
    abi::{FlowKey, Note, NoteState, Pool, RealState, Service},
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
    Packet { tables, pool, service, flow, moved, learn, now: tables.now() }.decide()
}

/// A packet of a moved slot, and all that its way depends on.
struct Packet<'a, T> {
    tables: &'a T,
    pool: &'a Pool,
    service: &'a Service,
    flow: &'a Flow,
    moved: Moved,
    learn: bool,
    now: u64,
}

impl<T: Tables> Packet<'_, T> {
    #[inline(always)]
    fn decide(&self) -> (u16, Origin) {
        match self.flow.segment {
            Segment::Datagram => self.stay(),
            Segment::Syn if self.service.sticky() => self.connection(self.stay()),
            _ => self.connection((self.moved.current, Origin::Current)),
        }
    }

    /// A TCP segment, by the first table above. `fresh` is where a new connection goes.
    #[inline(always)]
    fn connection(&self, fresh: (u16, Origin)) -> (u16, Origin) {
        let (key, segment) = (self.flow.key(), self.flow.segment);
        let syn = matches!(segment, Segment::Syn);
        if let Some(note) = self.current(self.tables.flow(&key))
            && !ended(&note, self.now)
        {
            let usable = self.tables.usable(self.pool, note.real);
            if syn && (!usable || note.state >= NoteState::Closing as u8) {
                if self.learn {
                    self.tables.forget_flow(&key);
                    self.note_new(&key, fresh.0);
                }
                return fresh;
            }
            if !usable {
                return fresh;
            }
            let state = after(note.state, segment);
            let late = self.late(&note);
            if self.learn && !syn && (state as u8 != note.state || late) {
                let again = u8::from(late) | note.again;
                self.tables.note_flow(&key, &Note { again, ..self.note(note.real, state) });
            }
            return (note.real, Origin::Note);
        }
        if let Some(note) = self.current(self.tables.new_flow(&key)) {
            if !self.tables.usable(self.pool, note.real) {
                if self.learn && syn {
                    self.note_new(&key, fresh.0);
                }
                return fresh;
            }
            if self.learn && !matches!(segment, Segment::Syn | Segment::Rst) {
                let state = after(NoteState::Confirmed as u8, segment);
                self.tables.note_flow(&key, &self.note(note.real, state));
                self.tables.forget_new_flow(&key);
                if self.service.sticky() {
                    let client = self.flow.sticky_key(self.service);
                    self.tables.note_flow(&client, &self.note(note.real, NoteState::Confirmed));
                }
            }
            return (note.real, Origin::Note);
        }
        let base = self.moved.base;
        if syn {
            let noted = !self.learn || self.note_new(&key, fresh.0);
            // What is not noted would be split: its SYN to the new real server, its ACK to the old one.
            let keep = noted || !self.tables.usable(self.pool, base);
            return if keep { fresh } else { (base, Origin::Base) };
        }
        if !self.tables.usable(self.pool, base) {
            return fresh;
        }
        if self.learn && !matches!(segment, Segment::Rst) {
            let state = after(NoteState::Confirmed as u8, segment);
            self.tables.note_flow(&key, &self.note(base, state));
        }
        (base, Origin::Base)
    }

    /// A client of a service with persistence, or a flow of tracked UDP, by the second table above.
    #[inline(always)]
    fn stay(&self) -> (u16, Origin) {
        let key = self.flow.sticky_key(self.service);
        // A drained real server keeps its flows, but not its clients.
        let clients = self.service.port_mask() == 0;
        let needed = if clients { RealState::OPEN } else { RealState::USABLE };
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
            }
            return (note.real, Origin::Note);
        }
        let recent = self.now.wrapping_sub(self.pool.changed) <= idle;
        let (real, origin) = if recent && self.tables.is(self.pool, self.moved.base, needed) {
            (self.moved.base, Origin::Base)
        } else {
            (self.moved.current, Origin::Current)
        };
        if self.learn {
            if known.is_some() {
                // It does not hold any more, and would be found first.
                self.tables.forget_flow(&key);
            }
            self.note_new(&key, real);
        }
        (real, origin)
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

    #[inline(always)]
    fn note_new(&self, key: &FlowKey, real: u16) -> bool {
        self.tables.note_new_flow(key, &self.note(real, NoteState::Unconfirmed))
    }
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
        Segment::Syn | Segment::Other | Segment::Datagram => {
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
