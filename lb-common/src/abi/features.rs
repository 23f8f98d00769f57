//! What of the XDP program is in use.

/// A read-only global of the program: the verifier removes what is not set, so that a plain direct-routing
/// service pays for nothing else.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u32);

impl Features {
    /// A service has a guard.
    pub const GUARD: Self = Self(1);
    /// A pool has a scheduler that counts.
    pub const COUNTING: Self = Self(1 << 1);
    /// A service uses tunnels.
    pub const TUNNEL: Self = Self(1 << 2);
    /// Tunnels that end here are unpacked.
    pub const UNPACK: Self = Self(1 << 3);
    /// There are other directors, whose packets are not balanced again.
    pub const PEERS: Self = Self(1 << 4);
    /// A real server is this host.
    pub const LOCAL: Self = Self(1 << 5);
    /// Packets are being captured.
    pub const CAPTURE: Self = Self(1 << 6);
    /// The clock is [`super::Node::clock`], for tests on a virtual clock.
    pub const CLOCK: Self = Self(1 << 7);
    /// Packets of a service with a mark go on to this host.
    pub const MARKS: Self = Self(1 << 8);

    /// There are VLANs on an interface: packets leave with the tag of their link, or without one.
    pub const VLANS: Self = Self(1 << 9);
    /// VIPs move by VRRP: who claims them is noted, and a silent director with a rival does not answer for them.
    pub const FENCE: Self = Self(1 << 10);

    /// True where every bit of `other` is set.
    #[inline(always)]
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `other` where `on`, besides these.
    #[must_use]
    pub const fn with_if(self, other: Self, on: bool) -> Self {
        if on { self.with(other) } else { self }
    }
}
