//! VRRP instances: which VIPs a director shares with others, and how much it wants them.

mod address;
mod announce;
mod protocol;
mod routing;
mod track;

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

pub use address::{AddressLabel, AddressLabelError, VirtualAddress, VirtualAddressError};
pub use announce::{Announce, AnnounceError};
pub use protocol::{Password, VrrpAuthentication, VrrpProtocol};
pub use routing::{
    RouteScope, RouteTable, RouteWay, RoutingError, RulePriority, VirtualRoute, VirtualRouting,
    VirtualRule,
};
pub use track::{TrackError, TrackFile, TrackProcess, TrackScript, Tracked, Tracker, TrackerKind};

use super::{InterfaceName, Name, Notify, show_duration};
use crate::vrrp::{
    machine::Preempt,
    types::{InstanceId, Priority},
};

/// VIPs that are on one director at a time, all of one family.
///
/// As the reader builds it, every address is of the family in [`Self::id`], and those that are advertised make
/// an [`Addresses`](crate::vrrp::types::Addresses).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrrpInstance {
    /// How it is called in listings and scripts.
    pub name: Name,
    /// Its interface, family and virtual router.
    pub id: InstanceId,
    /// The highest becomes master; trackers have not been asked yet.
    pub priority: Priority,
    /// What is spoken with the other directors.
    pub protocol: VrrpProtocol,
    /// The VIPs, at least one of them advertised; in the order of the advertisement.
    pub addresses: Vec<VirtualAddress>,
    /// What the master adds beside them.
    pub routing: VirtualRouting,
    /// What it does about a master of lower priority.
    pub preempt: Preempt,
    /// From the start to the first advertisement that is heard. Zero: at once.
    pub start_delay: Duration,
    /// What it sends from; `None`: the first address of the interface in this family.
    pub source: Option<IpAddr>,
    /// The other directors, where there is no multicast; empty: multicast. Of the same family, each once.
    pub unicast_peers: Vec<IpAddr>,
    /// The interface that is made for the virtual router's own MAC address, and has the VIPs; `None`: they are
    /// behind the MAC address of [`Self::id`]'s interface.
    pub virtual_mac: Option<InterfaceName>,
    /// How the network learns of a new master.
    pub announce: Announce,
    /// Instances with the same group are master together, or not at all.
    pub group: Option<Name>,
    /// What its priority depends on, each tracker once.
    pub track: Vec<Tracked>,
    /// Who is told about it.
    pub notify: Notify,
}

/// A delay that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is out of range: a delay is 0s to {}", show_duration(*.0), show_duration(VrrpInstance::LONGEST_DELAY))]
pub struct DelayError(Duration);

impl VrrpInstance {
    /// The interval of one that names none.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
    /// The longest [`Self::start_delay`] and delay of preemption.
    pub const LONGEST_DELAY: Duration = Duration::from_hours(1);

    /// Checks the range of a delay.
    pub fn delay(time: Duration) -> Result<Duration, DelayError> {
        if time <= Self::LONGEST_DELAY { Ok(time) } else { Err(DelayError(time)) }
    }

    /// What stands in its advertisements, in this order.
    pub fn advertised(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().filter(|vip| vip.advertised).map(VirtualAddress::address)
    }

    /// Every VIP of these instances.
    pub(super) fn all_addresses(instances: &[Self]) -> BTreeSet<IpAddr> {
        instances.iter().flat_map(|one| &one.addresses).map(VirtualAddress::address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays() {
        let hour = Duration::from_secs(3_600);
        assert_eq!(VrrpInstance::delay(Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(VrrpInstance::delay(hour), Ok(hour));
        let error = VrrpInstance::delay(hour + Duration::from_millis(1)).unwrap_err().to_string();
        assert_eq!(error, "`3600001ms` is out of range: a delay is 0s to 1h");
    }
}
