//! One instance as its packets know it: everything in them but the priority.

use std::net::IpAddr;

use super::{GROUP_V4, GROUP_V6};
use crate::vrrp::types::{Addresses, Dialect, Family, Version, VirtualRouterId};

/// What is sent for one instance, and what it listens to. Consistent: one family, and version 2 over IPv4 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) virtual_router: VirtualRouterId,
    pub(super) dialect: Dialect,
    pub(super) source: IpAddr,
    pub(super) peers: Vec<IpAddr>,
    pub(super) addresses: Addresses,
}

/// The parts do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// RFC 3768 knows IPv4 only.
    #[error("VRRPv2 has no IPv6: use version 3 for this instance")]
    V2OverIpv6,
    /// An address of the other family.
    #[error("{0} is not {1}, as the VIPs are: source and peers must be of their family")]
    Family(IpAddr, Family),
    /// A peer to which advertisements cannot be sent as unicast.
    #[error("unicast peer {0} is no address of another director: name the peer's own address")]
    Peer(IpAddr),
}

impl Endpoint {
    /// Puts the parts together. `peers`: advertise to these by unicast, and hear these only; none: multicast.
    pub fn new(
        virtual_router: VirtualRouterId,
        dialect: Dialect,
        source: IpAddr,
        peers: Vec<IpAddr>,
        addresses: Addresses,
    ) -> Result<Self, EndpointError> {
        let family = addresses.family();
        if dialect.version() == Version::V2 && family == Family::V6 {
            return Err(EndpointError::V2OverIpv6);
        }
        let mut all = peers.iter().copied().chain([source]);
        if let Some(other) = all.find(|&address| Family::of(address) != family) {
            return Err(EndpointError::Family(other, family));
        }
        let unusable =
            |peer: &IpAddr| peer.is_multicast() || peer.is_unspecified() || *peer == source;
        match peers.iter().copied().find(unusable) {
            Some(peer) => Err(EndpointError::Peer(peer)),
            None => Ok(Self { virtual_router, dialect, source, peers, addresses }),
        }
    }

    /// The virtual router.
    #[must_use]
    pub const fn virtual_router(&self) -> VirtualRouterId {
        self.virtual_router
    }

    /// The version that it speaks.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.dialect.version()
    }

    /// The address it sends from: it also decides between equal priorities.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// What it advertises.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Does it talk to named peers, not to the segment?
    #[must_use]
    pub fn is_unicast(&self) -> bool {
        !self.peers.is_empty()
    }

    /// Where its advertisements go.
    pub(super) fn destinations(&self) -> Vec<IpAddr> {
        if self.is_unicast() { self.peers.clone() } else { vec![self.group()] }
    }

    /// Where advertisements for it must have been sent.
    pub(super) fn listens_on(&self) -> IpAddr {
        if self.is_unicast() { self.source } else { self.group() }
    }

    fn group(&self) -> IpAddr {
        match self.addresses.family() {
            Family::V4 => GROUP_V4.into(),
            Family::V6 => GROUP_V6.into(),
        }
    }
}
