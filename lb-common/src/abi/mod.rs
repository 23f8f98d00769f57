//! Map keys and values: the binary contract between the XDP program and the agent.
//!
//! Every record has a fixed size, asserted at compile time. Addresses are bytes in network order, numbers
//! are in the host's own order, so that `bpftool map dump` shows them as people write them. Words that the
//! agent changes under running traffic are aligned to 8 bytes and replaced by one store, so that a packet
//! sees the old word or the new one.

mod address;
mod counter;
mod flow;
#[cfg(feature = "user")]
mod pod;
mod pool;
mod real;
mod service;

pub use address::{Address, Halves};
pub use counter::{Counter, Reason};
pub use flow::{FlowKey, Note, NoteState};
pub use pool::{NO_REAL, Pool, RingRef, SLOTS_PER_WORD, Slot, Slots};
pub use real::{Real, RealState};
pub use service::{FAST_SERVICES, FastService, Service, ServiceKey, Vip};

/// Changes whenever a record above changes its shape or its meaning: part of the name of the pin folder, so
/// that an agent never adopts maps it would misread.
pub const LAYOUT: u32 = 1;

/// Names of the maps, as `bpftool map` shows them (the kernel keeps 15 bytes).
pub mod map {
    /// [`super::ServiceKey`] → [`super::Service`].
    pub const SERVICES: &str = "SERVICES";
    /// Place → [`super::FastService`].
    pub const FAST_SERVICES: &str = "FAST_SERVICES";
    /// [`super::Address`] → [`super::Vip`].
    pub const VIPS: &str = "VIPS";
    /// Pool number → [`super::Pool`].
    pub const POOLS: &str = "POOLS";
    /// Ring words: four slots each ([`super::Slots`]).
    pub const RINGS: &str = "RINGS";
    /// Real server number → [`super::Real`].
    pub const REALS: &str = "REALS";
    /// Interface index → device, for real servers behind another interface.
    pub const DEVICES: &str = "DEVICES";
    /// Per CPU: packets and bytes of each real server of each service.
    pub const COUNTERS: &str = "COUNTERS";
    /// Per CPU: packets and bytes of each [`super::Reason`].
    pub const REASONS: &str = "REASONS";
    /// Confirmed flows: [`super::FlowKey`] → [`super::Note`].
    pub const FLOWS: &str = "FLOWS";
    /// Flows that have only shown a SYN.
    pub const NEW_FLOWS: &str = "NEW_FLOWS";
    /// All of them, in the order in which they are created.
    pub const ALL: [&str; 11] = [
        SERVICES,
        FAST_SERVICES,
        VIPS,
        POOLS,
        RINGS,
        REALS,
        DEVICES,
        COUNTERS,
        REASONS,
        FLOWS,
        NEW_FLOWS,
    ];
}
