//! The VIPs that stand in an advertisement.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The IP version of a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// 1 to 255 addresses of one family. VIPs that are excluded from advertisements are not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(List);

#[derive(Clone, Debug, PartialEq, Eq)]
enum List {
    V4(Vec<Ipv4Addr>),
    V6(Vec<Ipv6Addr>),
}

/// These addresses cannot be advertised together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressesError {
    /// An advertisement has at least one.
    #[error("no VIP to advertise: give the instance at least one that is not excluded")]
    Empty,
    /// The count is one byte.
    #[error("{0} VIPs do not fit an advertisement: 255 are the end, exclude the others from it")]
    Many(usize),
    /// One instance, one family.
    #[error("VIP {0} is not {1}: give it to an instance of its own family")]
    Mixed(IpAddr, Family),
    /// RFC 9568 §5.2.9.
    #[error("the first VIP of an IPv6 instance is {0}: put the link-local one (fe80::/10) first")]
    NotLinkLocal(Ipv6Addr),
}

impl Addresses {
    /// What an instance is to advertise, in this order.
    pub fn new(family: Family, addresses: &[IpAddr]) -> Result<Self, AddressesError> {
        if let Some(other) = addresses.iter().find(|&&address| Family::of(address) != family) {
            return Err(AddressesError::Mixed(*other, family));
        }
        let v4 = addresses.iter().filter_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        });
        let v6 = addresses.iter().filter_map(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(*v6),
        });
        let list = match family {
            Family::V4 => Self::v4(v4.collect()),
            Family::V6 => Self::v6(v6.collect()),
        }?;
        match &list.0 {
            List::V6(all) if !all[0].is_unicast_link_local() => {
                Err(AddressesError::NotLinkLocal(all[0]))
            }
            List::V4(_) | List::V6(_) => Ok(list),
        }
    }

    /// As heard: what others put first is their business.
    pub(in crate::vrrp) fn v4(list: Vec<Ipv4Addr>) -> Result<Self, AddressesError> {
        counted(list.len())?;
        Ok(Self(List::V4(list)))
    }

    /// As heard: what others put first is their business.
    pub(in crate::vrrp) fn v6(list: Vec<Ipv6Addr>) -> Result<Self, AddressesError> {
        counted(list.len())?;
        Ok(Self(List::V6(list)))
    }

    /// Their family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self.0 {
            List::V4(_) => Family::V4,
            List::V6(_) => Family::V6,
        }
    }

    /// How many: the count of the header.
    #[must_use]
    pub fn count(&self) -> u8 {
        let length = match &self.0 {
            List::V4(list) => list.len(),
            List::V6(list) => list.len(),
        };
        u8::try_from(length).unwrap_or(u8::MAX)
    }

    /// Each, in the order of the advertisement.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let (v4, v6): (&[Ipv4Addr], &[Ipv6Addr]) = match &self.0 {
            List::V4(list) => (list, &[]),
            List::V6(list) => (&[], list),
        };
        v4.iter().copied().map(IpAddr::from).chain(v6.iter().copied().map(IpAddr::from))
    }

    /// The same addresses, in whatever order?
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let sorted = |list: &Self| list.iter().collect::<BTreeSet<_>>();
        self == other || sorted(self) == sorted(other)
    }

    /// Puts their bytes behind others.
    pub(in crate::vrrp) fn write(&self, bytes: &mut Vec<u8>) {
        for address in self.iter() {
            match address {
                IpAddr::V4(v4) => bytes.extend(v4.octets()),
                IpAddr::V6(v6) => bytes.extend(v6.octets()),
            }
        }
    }
}

fn counted(length: usize) -> Result<(), AddressesError> {
    match length {
        0 => Err(AddressesError::Empty),
        1..=255 => Ok(()),
        _ => Err(AddressesError::Many(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(family: Family, list: &[&str]) -> Result<Addresses, AddressesError> {
        let list: Vec<IpAddr> = list.iter().map(|text| text.parse().unwrap()).collect();
        Addresses::new(family, &list)
    }

    #[test]
    fn one_family_in_the_order_given() {
        let good = addresses(Family::V6, &["fe80::1", "2001:db8::2"]).unwrap();
        assert_eq!((good.family(), good.count()), (Family::V6, 2));
        assert_eq!(
            good.iter().map(|ip| ip.to_string()).collect::<Vec<_>>(),
            ["fe80::1", "2001:db8::2"]
        );
        let mixed = addresses(Family::V4, &["192.0.2.1", "fe80::1"]);
        assert_eq!(mixed, Err(AddressesError::Mixed("fe80::1".parse().unwrap(), Family::V4)));
    }

    #[test]
    fn none_too_many_and_the_wrong_one_first() {
        assert_eq!(addresses(Family::V4, &[]), Err(AddressesError::Empty));
        let full = ["192.0.2.1"; 255];
        assert_eq!(addresses(Family::V4, &full).map(|list| list.count()), Ok(255));
        assert_eq!(addresses(Family::V4, &["192.0.2.1"; 256]), Err(AddressesError::Many(256)));
        let global = addresses(Family::V6, &["2001:db8::2"]).unwrap_err();
        assert!(
            global.to_string().contains("put the link-local one (fe80::/10) first"),
            "{global}"
        );
    }
}
