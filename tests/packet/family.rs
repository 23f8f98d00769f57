//! Both address families, and the standard configuration: the same services in each.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Both.
pub(crate) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Last part of the VIP with one service for each port: `web` (tcp/80) and `dns` (udp/53).
pub(crate) const SINGLE: u16 = 0x40;
/// Of the VIP of `bundle` (tcp/80, tcp/443 and udp/443).
pub(crate) const BUNDLE: u16 = 0x41;
/// Of the VIP of `any` (tcp/*), where `ssh` (tcp/22) has a real server of its own.
pub(crate) const WILDCARD: u16 = 0x42;
/// Of an address that is the director's own.
pub(crate) const HOST: u16 = 0x50;

/// The number of the real server that serves `ssh` alone.
pub(crate) const SSH: u16 = 9;

impl Family {
    /// An address that clients connect to.
    pub(crate) fn vip(self, last: u16) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::from(0x0a08_0800 + u32::from(last)).into(),
            Self::V6 => Ipv6Addr::new(0xfd00, 8, 8, 0, 0, 0, 0, last).into(),
        }
    }

    /// The address of a real server.
    pub(crate) fn real(self, number: u16) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::from(0x0a08_0900 + u32::from(number)).into(),
            Self::V6 => Ipv6Addr::new(0xfd00, 8, 9, 0, 0, 0, 0, number).into(),
        }
    }

    /// A client's address and port.
    pub(crate) fn client(self, number: u16) -> (IpAddr, u16) {
        let address = match self {
            Self::V4 => Ipv4Addr::from(0xc612_0000 + u32::from(number)).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 7).into(),
        };
        (address, 1_024 + number % 40_000)
    }

    /// Where the transport header begins, behind headers without options.
    pub(crate) const fn transport(self) -> usize {
        match self {
            Self::V4 => 14 + 20,
            Self::V6 => 14 + 40,
        }
    }

    /// The name of something that both families have.
    pub(crate) fn name(self, of: &str) -> String {
        format!("{of}{self}")
    }
}

/// `4` or `6`.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "4",
            Self::V6 => "6",
        })
    }
}

/// Maps that are large enough for tests and quick to make.
pub(crate) const LIMITS: &str = "[limits]\nservices = 256\nreals = 1024\ncounters = 4096\nring_slots = 131072\n\
                      flows = 8192\nnew_flows = 8192\n";

/// The standard configuration: pools `web` (real servers 1 to 3) and `ssh` in each family.
pub(crate) fn standard() -> String {
    let family = |family: Family| {
        let one = |name, last, ports| service(family, name, last, ports, "web");
        [
            pool(family, "web", &[(1, 1), (2, 1), (3, 1)], ""),
            pool(family, "ssh", &[(SSH, 1)], ""),
            one("web", SINGLE, &["tcp/80"]),
            one("dns", SINGLE, &["udp/53"]),
            one("bundle", BUNDLE, &["tcp/80", "tcp/443", "udp/443"]),
            one("any", WILDCARD, &["tcp/*"]),
            service(family, "ssh", WILDCARD, &["tcp/22"], "ssh"),
        ]
        .concat()
    };
    [LIMITS.to_owned(), family(Family::V4), family(Family::V6)].concat()
}

/// A configuration of one pool `web` in each family, with the same numbers and weights, that serves tcp/80.
pub(crate) fn web(servers: &[(u16, u16)], pool_keys: &str) -> String {
    let family = |family: Family| {
        let service = service(family, "web", SINGLE, &["tcp/80"], "web");
        pool(family, "web", servers, pool_keys) + &service
    };
    [LIMITS.to_owned(), family(Family::V4), family(Family::V6)].concat()
}

/// A pool of real servers with their weights.
pub(crate) fn pool(family: Family, name: &str, servers: &[(u16, u16)], keys: &str) -> String {
    let servers: String = servers
        .iter()
        .map(|&(number, weight)| {
            let address = family.real(number);
            format!("  {{ name = \"r{number}\", address = \"{address}\", weight = {weight} }},\n")
        })
        .collect();
    format!("[[pool]]\nname = \"{name}{family}\"\n{keys}\nservers = [\n{servers}]\n")
}

/// A service of a pool of its own family.
pub(crate) fn service(family: Family, name: &str, last: u16, ports: &[&str], pool: &str) -> String {
    let name = family.name(name);
    service_with(&name, family.vip(last), ports, "direct-routing", &family.name(pool))
}

/// A service of any pool. It is the last table: more keys can be added behind it.
pub(crate) fn service_with(
    name: &str,
    address: IpAddr,
    ports: &[&str],
    mode: &str,
    pool: &str,
) -> String {
    format!(
        "[[service]]\nname = \"{name}\"\naddress = \"{address}\"\nports = {ports:?}\n\
         mode = \"{mode}\"\npool = \"{pool}\"\n"
    )
}
