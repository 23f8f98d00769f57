//! The director itself, and what a capture of its packets holds.

use super::Address;

/// One entry.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// What ICMPv4 errors come from; zero: the VIP.
    pub ipv4: Address,
    /// What ICMPv6 errors come from; zero: the VIP.
    pub ipv6: Address,
    /// The virtual clock of tests ([`super::Features::CLOCK`]), in nanoseconds.
    pub clock: u64,
    /// What is captured.
    pub filter: Filter,
}

const _: () = assert!(size_of::<Node>() == 88);

/// Which packets are captured. All of it must fit.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The client's network, with all other bits zero ([`super::Halves::lanes`]).
    pub client: [u64; 2],
    /// Which bits of the client's address count.
    pub client_mask: [u64; 2],
    /// First counter of the service, plus one; 0: every service.
    pub counters: u32,
    /// The real server's number within its pool, plus one; 0: every one.
    pub real: u32,
    /// 1: dropped packets alone.
    pub drops: u32,
    /// Bytes of a packet that are kept.
    pub snap: u32,
}

const _: () = assert!(size_of::<Filter>() == 48);

/// One packet, in front of its bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub at: u64,
    /// The interface: where it came in, where it goes out.
    pub interface: u32,
    /// Length of the frame.
    pub length: u32,
    /// Bytes that follow.
    pub kept: u32,
    /// 0: as it came in; 1: as it goes out.
    pub out: u16,
    /// The reason why it is not forwarded, plus one; 0: it is.
    pub reason: u16,
}

const _: () = assert!(size_of::<Seen>() == 24);

impl Seen {
    /// The most bytes of a packet that are kept.
    pub const MOST: u32 = 2_048;
}
