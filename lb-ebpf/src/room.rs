//! Where keys and notes are put down on their way to a map: the stack of a BPF program has 512 bytes, those of
//! the functions it calls included.
#![expect(
    unsafe_code,
    reason = "memory of this CPU, reached through a pointer that the kernel hands out"
)]

use lb_common::{
    abi::{FlowKey, FragmentKey, Note, ServiceKey},
    track::{Room, Tracked},
};

use crate::maps::ROOM;

/// The room of this CPU, where `index` is 0.
#[inline(always)]
pub(crate) fn of(index: u32) -> Option<&'static Room> {
    // SAFETY: this CPU's own room, which lives as long as the map; XDP runs on it one at a time.
    ROOM.get_ptr(index).map(|room| unsafe { &*room })
}

/// Puts values down at these fields, and borrows them.
macro_rules! put {
    ($($field:ident = $value:expr),+) => {{
        let room = ROOM.get_ptr_mut(0)?;
        // SAFETY: as in `of`; what was put down before is used no more.
        unsafe {
            $((&raw mut (*room).$field).write($value);)+
            Some(($(&*(&raw const (*room).$field)),+))
        }
    }};
}

#[inline(always)]
pub(crate) fn tracked(packet: Tracked) -> Option<&'static Tracked> {
    put!(tracked = packet)
}

#[inline(always)]
pub(crate) fn service(key: &ServiceKey) -> Option<&'static ServiceKey> {
    put!(service = *key)
}

#[inline(always)]
pub(crate) fn flow(key: &FlowKey) -> Option<&'static FlowKey> {
    put!(flow = *key)
}

#[inline(always)]
pub(crate) fn note(key: &FlowKey, note: &Note) -> Option<(&'static FlowKey, &'static Note)> {
    put!(flow = *key, note = *note)
}

#[inline(always)]
pub(crate) fn fragment(key: &FragmentKey) -> Option<&'static FragmentKey> {
    put!(fragment = *key)
}
