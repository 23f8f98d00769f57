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
//! | none | SYN | current | an unconfirmed note |
//! | | anything else: an older flow | base | confirmed (RST: not noted) |
//! | | the same, base's real server gone | current | not noted |

use crate::{
    abi::{FlowKey, Note, NoteState, Pool},
    decode::Segment,
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
    key: &FlowKey,
    segment: Segment,
    moved: Moved,
    learn: bool,
) -> (u16, Origin) {
    let now = tables.now();
    let fresh = (moved.current, Origin::Current);
    let syn = matches!(segment, Segment::Syn);
    if let Some(note) = tables.flow(key)
        && note.window == pool.window
        && !ended(&note, now)
    {
        let usable = tables.usable(pool, note.real);
        if syn && (!usable || note.state >= NoteState::Closing as u8) {
            if learn {
                tables.forget_flow(key);
                note_syn(tables, pool, key, moved.current, now);
            }
            return fresh;
        }
        if !usable {
            return fresh;
        }
        let state = after(note.state, segment);
        if learn && !syn && (state as u8 != note.state || now.wrapping_sub(note.seen) > REFRESH) {
            tables.note_flow(key, &Note::new(note.real, pool.window, state, now));
        }
        return (note.real, Origin::Note);
    }
    if let Some(note) = tables.new_flow(key)
        && note.window == pool.window
    {
        if !tables.usable(pool, note.real) {
            if learn && syn {
                note_syn(tables, pool, key, moved.current, now);
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
        if learn {
            note_syn(tables, pool, key, moved.current, now);
        }
        return fresh;
    }
    if !tables.usable(pool, moved.base) {
        return fresh;
    }
    if learn && !matches!(segment, Segment::Rst) {
        let state = after(NoteState::Confirmed as u8, segment);
        tables.note_flow(key, &Note::new(moved.base, pool.window, state, now));
    }
    (moved.base, Origin::Base)
}

#[inline(always)]
fn note_syn<T: Tables>(tables: &T, pool: &Pool, key: &FlowKey, real: u16, now: u64) {
    tables.note_new_flow(key, &Note::new(real, pool.window, NoteState::Unconfirmed, now));
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
