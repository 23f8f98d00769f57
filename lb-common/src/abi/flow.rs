//! Notes on single flows, kept only for slots that a change has moved.

use super::Address;

/// One flow, client to VIP.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The client.
    pub client: Address,
    /// The VIP.
    pub vip: Address,
    /// The client's port.
    pub client_port: u16,
    /// The service's port.
    pub vip_port: u16,
    /// IP protocol number.
    pub protocol: u32,
}

const _: () = assert!(size_of::<FlowKey>() == 40);

/// How far a noted flow has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NoteState {
    /// Only a SYN was seen.
    Unconfirmed = 0,
    /// The client has answered, or the flow was there before the change.
    Confirmed = 1,
    /// A FIN was seen: ends 120 s after its last packet.
    Closing = 2,
    /// A RST was seen: ends 10 s later, unless traffic goes on (a blind reset).
    Reset = 3,
}

/// Which real server a flow is at.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it was last seen, nanoseconds of `CLOCK_MONOTONIC`.
    pub seen: u64,
    /// The window in which it was made ([`super::Pool::window`]).
    pub window: u32,
    /// The real server's number within its pool.
    pub real: u16,
    /// [`NoteState`].
    pub state: u8,
    /// 1 once the flow was seen again, at least a second after it was noted: what nobody can do with a single
    /// packet. Only such notes hold a window open.
    pub again: u8,
}

const _: () = assert!(size_of::<Note>() == 16);

impl Note {
    /// A note made now.
    #[inline(always)]
    #[must_use]
    pub const fn new(real: u16, window: u32, state: NoteState, now: u64) -> Self {
        Self { seen: now, window, real, state: state as u8, again: 0 }
    }

    /// The note of a flow that was seen again.
    #[inline(always)]
    #[must_use]
    pub const fn again(self) -> Self {
        Self { again: 1, ..self }
    }
}

/// A fragmented datagram: what its fragments have in common (RFC 791, section 3.2; RFC 8200, section 4.5).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// The sender.
    pub from: Address,
    /// The VIP.
    pub to: Address,
    /// Its identification, as it stands in the packet.
    pub id: u32,
    /// IP protocol number.
    pub protocol: u32,
}

const _: () = assert!(size_of::<FragmentKey>() == 40);

/// The ports that only the first fragment carries.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// When it was seen, nanoseconds of `CLOCK_MONOTONIC`.
    pub seen: u64,
    /// Source and destination port, as they stand in the packet.
    pub ports: u32,
    /// Zero.
    pub zero: u32,
}

const _: () = assert!(size_of::<Fragment>() == 16);

impl Fragment {
    /// How long the fragments of one datagram are waited for: identifications are used again (RFC 6864,
    /// section 4; Linux reassembles within 30 s).
    pub const LIFE: u64 = 30_000_000_000;
}
