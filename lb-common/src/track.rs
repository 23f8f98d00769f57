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
//! | not older than the timeout, real server takes new clients | the note's | refreshed |
//! | none such, the last change not longer ago than the timeout, base takes new clients | base | noted |
//! | otherwise | current | noted |
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
    let now = tables.now();
    if matches!(flow.segment, Segment::Datagram) {
        return stay(tables, pool, service, flow, moved, learn, now);
    }
    let syn = matches!(flow.segment, Segment::Syn);
    let fresh = if syn && service.sticky() {
        stay(tables, pool, service, flow, moved, learn, now)
    } else {
        (moved.current, Origin::Current)
    };
    connection(tables, pool, &flow.key(), flow.segment, fresh, moved.base, learn, now)
}

/// A TCP segment, by the first table above. `fresh` is where a new connection goes.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "BPF has no room on its stack for a struct of them")]
fn connection<T: Tables>(
    tables: &T,
    pool: &Pool,
    key: &FlowKey,
    segment: Segment,
    fresh: (u16, Origin),
    base: u16,
    learn: bool,
    now: u64,
) -> (u16, Origin) {
    let syn = matches!(segment, Segment::Syn);
    if let Some(note) = tables.flow(key)
        && note.window == pool.window
        && !ended(&note, now)
    {
        let usable = tables.usable(pool, note.real);
        if syn && (!usable || note.state >= NoteState::Closing as u8) {
            if learn {
                tables.forget_flow(key);
                note_syn(tables, pool, key, fresh.0, now);
            }
            return fresh;
        }
        if !usable {
            return fresh;
        }
        let state = after(note.state, segment);
        let late = now.wrapping_sub(note.seen) > REFRESH;
        if learn && !syn && (state as u8 != note.state || late) {
            let again = u8::from(late) | note.again;
            let next = Note { again, ..Note::new(note.real, pool.window, state, now) };
            tables.note_flow(key, &next);
        }
        return (note.real, Origin::Note);
    }
    if let Some(note) = tables.new_flow(key)
        && note.window == pool.window
    {
        if !tables.usable(pool, note.real) {
            if learn && syn {
                note_syn(tables, pool, key, fresh.0, now);
            }
            return fresh;
        }
        if learn && !matches!(segment, Segment::Syn | Segment::Rst) {
            let state = after(NoteState::Confirmed as u8, segment);
            tables.note_flow(key, &Note::new(note.real, pool.window, state, now));
            tables.forget_new_flow(key);
        }
        return (note.real, Origin::Note);
    }
    if syn {
        let noted = !learn || note_syn(tables, pool, key, fresh.0, now);
        // What is not noted would be split: its SYN to the new real server, its ACK to the old one.
        return if noted || !tables.usable(pool, base) { fresh } else { (base, Origin::Base) };
    }
    if !tables.usable(pool, base) {
        return fresh;
    }
    if learn && !matches!(segment, Segment::Rst) {
        let state = after(NoteState::Confirmed as u8, segment);
        tables.note_flow(key, &Note::new(base, pool.window, state, now));
    }
    (base, Origin::Base)
}

/// A client of a service with persistence, or a flow of tracked UDP, by the second table above.
#[inline(always)]
fn stay<T: Tables>(
    tables: &T,
    pool: &Pool,
    service: &Service,
    flow: &Flow,
    moved: Moved,
    learn: bool,
    now: u64,
) -> (u16, Origin) {
    let key = flow.sticky_key(service);
    // A drained real server keeps its flows, but not its clients.
    let needed = if service.port_mask() == 0 { RealState::OPEN } else { RealState::USABLE };
    if let Some(note) = tables.flow(&key)
        && note.window == pool.window
        && now.wrapping_sub(note.seen) <= service.idle()
        && tables.is(pool, note.real, needed)
    {
        if learn && now.wrapping_sub(note.seen) > REFRESH {
            let next = Note::new(note.real, pool.window, NoteState::Confirmed, now).again();
            tables.note_flow(&key, &next);
        }
        return (note.real, Origin::Note);
    }
    let recent = now.wrapping_sub(pool.changed) <= service.idle();
    let (real, origin) = if recent && tables.is(pool, moved.base, needed) {
        (moved.base, Origin::Base)
    } else {
        (moved.current, Origin::Current)
    };
    if learn {
        tables.note_flow(&key, &Note::new(real, pool.window, NoteState::Confirmed, now));
    }
    (real, origin)
}

#[inline(always)]
fn note_syn<T: Tables>(tables: &T, pool: &Pool, key: &FlowKey, real: u16, now: u64) -> bool {
    tables.note_new_flow(key, &Note::new(real, pool.window, NoteState::Unconfirmed, now))
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
