//! A VIP, and how the master adds it to its interface.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

/// One VIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address, with the length it has on the interface.
    pub network: IpNet,
    /// Is it in the advertisement? keepalived calls the others excluded.
    pub advertised: bool,
    /// What `ip address` shows beside it; IPv4 only.
    pub label: Option<AddressLabel>,
}

/// Why a text is no VIP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VirtualAddressError {
    /// Neither an address nor one with a length.
    #[error("`{0}` is not a VIP: write one such as 10.8.8.40/24, 10.8.8.40 or fe80::40/64")]
    Form(String),
    /// No host can have it.
    #[error("{0} is {1}: a VIP is a unicast address of the network")]
    Kind(IpAddr, &'static str),
    /// The bits behind the length are all zero, or all one: no host's.
    #[error("{0} is the {1} address of its network: a VIP is that of a host")]
    Edge(IpNet, &'static str),
}

impl VirtualAddress {
    /// Reads `10.8.8.40/24`; without a length the address stands alone (/32 or /128).
    pub fn parse(text: &str) -> Result<IpNet, VirtualAddressError> {
        let network = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| VirtualAddressError::Form(text.to_owned()))?;
        let kind = match network.addr() {
            ip if ip.is_unspecified() => "the unspecified address",
            ip if ip.is_loopback() => "a loopback address",
            ip if ip.is_multicast() => "a multicast address",
            IpAddr::V4(Ipv4Addr::BROADCAST) => "the broadcast address",
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => "an IPv4 address in IPv6 form",
            ip => return edge(network, ip),
        };
        Err(VirtualAddressError::Kind(network.addr(), kind))
    }

    /// Without the length.
    pub fn address(&self) -> IpAddr {
        self.network.addr()
    }
}

/// Networks of /31, /32 and IPv6 have no addresses that are set aside.
fn edge(network: IpNet, ip: IpAddr) -> Result<IpNet, VirtualAddressError> {
    let set_aside = matches!(network, IpNet::V4(v4) if v4.prefix_len() < 31);
    match ip {
        _ if set_aside && ip == network.network() => {
            Err(VirtualAddressError::Edge(network, "first"))
        }
        _ if set_aside && ip == network.broadcast() => {
            Err(VirtualAddressError::Edge(network, "broadcast"))
        }
        _ => Ok(network),
    }
}

/// The label of an address, as in `eth0:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLabel(String);

/// Why a text is no label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a label: write 1 to {} bytes without white space, as in eth0:1", .0.escape_debug(), AddressLabel::MAX_LENGTH)]
pub struct AddressLabelError(String);

impl AddressLabel {
    /// The longest label, in bytes (IFNAMSIZ less the final zero).
    pub const MAX_LENGTH: usize = 15;

    /// Checks the form.
    pub fn new(text: &str) -> Result<Self, AddressLabelError> {
        let refused = |c: char| c.is_whitespace() || c.is_control();
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && !text.contains(refused) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AddressLabelError(text.to_owned()))
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddressLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_a_length() {
        for (text, network) in [
            ("10.8.8.40/24", "10.8.8.40/24"),
            ("10.8.8.40", "10.8.8.40/32"),
            ("10.8.8.0/31", "10.8.8.0/31"),
            ("10.8.8.0", "10.8.8.0/32"),
            ("fe80::40/64", "fe80::40/64"),
            ("2001:db8::40", "2001:db8::40/128"),
            ("2001:db8::/64", "2001:db8::/64"),
        ] {
            assert_eq!(VirtualAddress::parse(text).unwrap().to_string(), network);
        }
    }

    #[test]
    fn refused() {
        for (text, words) in [
            ("", "write one such as 10.8.8.40/24"),
            ("10.8.8.40/33", "write one such as 10.8.8.40/24"),
            ("10.8.8.40/-1", "write one such as 10.8.8.40/24"),
            ("0.0.0.0", "the unspecified address"),
            ("127.0.0.1/8", "a loopback address"),
            ("224.0.0.18", "a multicast address"),
            ("ff02::12", "a multicast address"),
            ("255.255.255.255", "the broadcast address"),
            ("::ffff:10.8.8.40", "an IPv4 address in IPv6 form"),
            ("10.8.8.0/24", "10.8.8.0/24 is the first address of its network"),
            ("10.8.8.255/24", "the broadcast address of its network"),
        ] {
            let error = VirtualAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn labels() {
        assert_eq!(AddressLabel::new("eth0:1").unwrap().as_str(), "eth0:1");
        assert!(AddressLabel::new("123456789012345").is_ok());
        for bad in ["", "1234567890123456", "eth0 1", "a\0"] {
            let error = AddressLabel::new(bad).unwrap_err().to_string();
            assert!(error.contains("1 to 15 bytes"), "{bad}: {error}");
        }
    }
}
