//! The life of a note: how far a connection has got, and when its ports may be another's.

use super::SECOND;
use crate::{
    abi::{Note, NoteState},
    flow::Segment,
};

/// How long a flow is kept after its last packet, once a FIN was seen (nanoseconds).
pub const CLOSING: u64 = 120 * SECOND;
/// The same after a RST.
pub const RESET: u64 = 10 * SECOND;

/// How far a noted flow has got.
#[inline(always)]
pub(super) const fn state_of(note: &Note) -> Option<NoteState> {
    Some(match note.state {
        0 => NoteState::Unconfirmed,
        1 => NoteState::Confirmed,
        2 => NoteState::Closing,
        _ => NoteState::Reset,
    })
}

/// True where a closing flow has been silent for long enough that a new one may have its ports.
#[inline(always)]
pub(super) const fn ended(note: &Note, now: u64) -> bool {
    let age = now.wrapping_sub(note.seen);
    (note.state == NoteState::Closing as u8 && age > CLOSING)
        || (note.state == NoteState::Reset as u8 && age > RESET)
}

/// The state after a segment other than SYN. Traffic takes back a RST, which may be forged, and keeps the flow as
/// one that runs, even where a FIN came before the RST: that is not remembered, and a note kept for too long
/// breaks no connection. Traffic alone does not take back a FIN.
#[inline(always)]
pub(super) const fn after(state: u8, segment: Segment) -> NoteState {
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
