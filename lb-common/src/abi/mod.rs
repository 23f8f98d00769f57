//! Map keys and values: the binary contract between the XDP program and the agent.
//!
//! Every record has a fixed size, asserted at compile time. Addresses are bytes in network order, numbers
//! are in the host's own order, so that `bpftool map dump` shows them as people write them. Words that the
//! agent changes under running traffic are aligned to 8 bytes and replaced by one store, so that a packet
//! sees the old word or the new one.

mod address;
mod counter;
mod features;
mod flow;
mod guard;
mod lease;
mod metadata;
mod node;
#[cfg(feature = "user")]
mod pod;
mod pool;
mod real;
mod schedule;
mod service;
mod through;
mod tunnel;

pub use address::{Address, Halves};
pub use counter::{Counter, Reason};
pub use features::Features;
pub use flow::{FlowKey, Fragment, FragmentKey, Note, NoteState};
pub use guard::{Bucket, Guard, GuardAction, GuardList, SourceKey};
pub use lease::{FENCES, FenceKey, LEASES, Lease, OWN_MACS};
pub use metadata::Metadata;
pub use node::{Filter, Node, Seen};
pub use pool::{NO_REAL, Pool, RingRef, SLOTS_PER_WORD, Slot, SlotWidth, Slots};
pub use real::{LINKS, Link, Real, RealState};
pub use schedule::{Load, Rule, Schedule};
pub use service::{FAST_SERVICES, FastService, Service, ServiceKey, Vip};
pub use through::{THROUGH, ThroughKey, Turn, Way};
pub use tunnel::Tunnel;

/// Changes whenever a record above changes its shape or its meaning: part of the name of the pin folder, so
/// that an agent never adopts maps it would misread.
pub const LAYOUT: u32 = 8;

/// The most directors besides this one.
pub const PEERS: u32 = 64;
/// Bytes that one captured packet takes on its way, at most.
pub const CAPTURE_ROOM: usize = size_of::<Seen>() + Seen::MOST as usize;

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
    /// Link number → [`super::Link`].
    pub const LINKS: &str = "LINKS";
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
    /// Sets of flows that were seen lately ([`crate::track::FlowSet`]).
    pub const FAST_FLOWS: &str = "FAST_FLOWS";
    /// First fragments: [`super::FragmentKey`] → [`super::Fragment`].
    pub const FRAGMENTS: &str = "FRAGMENTS";
    /// Real server number → [`super::Tunnel`].
    pub const TUNNELS: &str = "TUNNELS";
    /// Pool number → [`super::Schedule`].
    pub const SCHEDULES: &str = "SCHEDULES";
    /// Real server number → [`super::Load`].
    pub const LOADS: &str = "LOADS";
    /// Guard number → [`super::Guard`].
    pub const GUARDS: &str = "GUARDS";
    /// [`super::GuardList`] and prefix → [`super::GuardAction`].
    pub const GUARD_LISTS: &str = "GUARD_LISTS";
    /// [`super::SourceKey`] → [`super::Bucket`].
    pub const GUARD_SOURCES: &str = "GUARD_SOURCES";
    /// MAC addresses of the other directors.
    pub const PEERS: &str = "PEERS";
    /// VRRP instances: [`super::Lease`].
    pub const LEASES: &str = "LEASES";
    /// [`super::FenceKey`] → number of the lease.
    pub const FENCES: &str = "FENCES";
    /// MAC addresses of this host.
    pub const OWN_MACS: &str = "OWN_MACS";
    /// Checks through VIPs: [`super::ThroughKey`] → [`super::Turn`].
    pub const THROUGH: &str = "THROUGH";
    /// One entry: [`super::Node`].
    pub const NODE: &str = "NODE";
    /// Per CPU: the budget of ICMP errors ([`super::Bucket`]).
    pub const ANSWERS: &str = "ANSWERS";
    /// Captured packets ([`super::Seen`]) on their way to `lb capture`.
    pub const CAPTURE: &str = "CAPTURE";
    /// Per CPU: where a captured packet is put together.
    pub const CAPTURE_ROOM: &str = "CAPTURE_ROOM";
    /// Per CPU: what the program puts down while it decides.
    pub const ROOM: &str = "ROOM";
    /// All of them, in the order in which they are created.
    pub const ALL: [&str; 30] = [
        SERVICES,
        FAST_SERVICES,
        VIPS,
        POOLS,
        RINGS,
        REALS,
        LINKS,
        DEVICES,
        COUNTERS,
        REASONS,
        FLOWS,
        NEW_FLOWS,
        FAST_FLOWS,
        FRAGMENTS,
        TUNNELS,
        SCHEDULES,
        LOADS,
        GUARDS,
        GUARD_LISTS,
        GUARD_SOURCES,
        PEERS,
        LEASES,
        FENCES,
        OWN_MACS,
        THROUGH,
        NODE,
        ANSWERS,
        CAPTURE,
        CAPTURE_ROOM,
        ROOM,
    ];
}
