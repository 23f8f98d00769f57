//! Which virtual router an instance belongs to.

use std::fmt;

use super::Family;
use crate::model::InterfaceName;

/// The number of a virtual router, 1 to 255: the same on every director that shares its VIPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualRouterId(u8);

/// The number is not a [`VirtualRouterId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "VRID {0} is out of range: write 1 to 255, the same on every director of the virtual router"
)]
pub struct VirtualRouterIdError(i128);

impl VirtualRouterId {
    /// Checks the range.
    pub fn new(value: impl Into<i128>) -> Result<Self, VirtualRouterIdError> {
        let value = value.into();
        match u8::try_from(value) {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(VirtualRouterIdError(value)),
        }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The virtual router's own MAC address (RFC 9568, section 7.3).
    #[must_use]
    pub const fn mac(self, family: Family) -> [u8; 6] {
        let family = match family {
            Family::V4 => 1,
            Family::V6 => 2,
        };
        [0, 0, 0x5e, 0, family, self.0]
    }
}

impl fmt::Display for VirtualRouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for VirtualRouterId {
    type Error = VirtualRouterIdError;

    fn try_from(value: u8) -> Result<Self, VirtualRouterIdError> {
        Self::new(value)
    }
}

/// What tells instances apart: a VRID may be used again on another interface, and for the other family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// The interface its advertisements are sent from.
    pub interface: InterfaceName,
    /// IPv4 and IPv6 are virtual routers of their own.
    pub family: Family,
    /// The virtual router.
    pub virtual_router: VirtualRouterId,
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VRID {} on {} ({})", self.virtual_router, self.interface, self.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_a_mac_of_its_own() {
        let id = VirtualRouterId::new(51).unwrap();
        assert_eq!(id.mac(Family::V4), [0, 0, 0x5e, 0, 1, 51]);
        assert_eq!(id.mac(Family::V6), [0, 0, 0x5e, 0, 2, 51]);
    }

    #[test]
    fn range() {
        for good in [1, 51, 255] {
            assert_eq!(
                VirtualRouterId::new(good).map(VirtualRouterId::get).map(i32::from),
                Ok(good)
            );
        }
        for bad in [-1, 0, 256] {
            assert_eq!(VirtualRouterId::new(bad), Err(VirtualRouterIdError(bad.into())));
        }
        assert!(VirtualRouterId::try_from(0).unwrap_err().to_string().contains("1 to 255"));
    }

    #[test]
    fn an_instance_in_words() {
        let instance = InstanceId {
            interface: "eth0".parse().unwrap(),
            family: Family::V6,
            virtual_router: VirtualRouterId::new(7).unwrap(),
        };
        assert_eq!(instance.to_string(), "VRID 7 on eth0 (IPv6)");
    }
}
