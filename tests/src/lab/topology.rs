//! Which nodes a lab has, and their addresses.
//!
//! All nodes sit on one segment. Clients have a network of their own, routed through the `client`
//! node: thousands of client addresses then cost no neighbour entries, of which the kernel holds
//! 1,024 for all namespaces together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// The segment's prefix lengths.
pub const SEGMENT_PREFIX: (u8, u8) = (24, 64);
/// The clients' networks, with their prefix lengths.
pub const CLIENT_NETWORKS: ((Ipv4Addr, u8), (Ipv6Addr, u8)) =
    ((Ipv4Addr::new(10, 100, 0, 0), 16), (Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0, 0), 64));
/// The VIP of single services, IPv4.
pub const VIP4: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 40);
/// The VIP of the bundle of ports 80 and 443, IPv4.
pub const VIP4_BUNDLE: Ipv4Addr = Ipv4Addr::new(10, 8, 8, 50);
/// The VIP of single services, IPv6.
pub const VIP6: Ipv6Addr = segment6(0x40);

const CLIENT_HOST: u8 = 10;
const FIRST_DIRECTOR: u8 = 41;
const FIRST_REAL: u8 = 51;
const MAX_DIRECTORS: u8 = 9;
const MAX_REALS: u8 = 190;

/// Which address families a lab speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Families {
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Both.
    Both,
}

impl Families {
    /// Does the lab speak IPv4?
    pub fn ipv4(self) -> bool {
        self != Self::Ipv6
    }

    /// Does the lab speak IPv6?
    pub fn ipv6(self) -> bool {
        self != Self::Ipv4
    }

    fn has(self, address: IpAddr) -> bool {
        if address.is_ipv4() { self.ipv4() } else { self.ipv6() }
    }
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Sends requests, from many addresses.
    Client,
    /// Runs `lb`.
    Director,
    /// Runs a web server, with the VIPs on `lo`.
    Real,
}

/// One node of the lab: a namespace with one interface, `eth0`, on the segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    /// `client`, `director1`, `real1` and so on; also the name of its port on the switch.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// Its IPv4 address on the segment.
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address on the segment.
    pub ipv6: Option<Ipv6Addr>,
}

impl Node {
    /// Its addresses on the segment.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.ipv4.map(IpAddr::V4).into_iter().chain(self.ipv6.map(IpAddr::V6))
    }
}

/// A lab on paper. `Topology::default()` has one director, two real servers and both families.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    directors: u8,
    reals: u8,
    clients: u16,
    families: Families,
    vips: Vec<IpAddr>,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            directors: 1,
            reals: 2,
            clients: 4000,
            families: Families::Both,
            vips: vec![VIP4.into(), VIP4_BUNDLE.into(), VIP6.into()],
        }
    }
}

impl Topology {
    /// How many directors: at most 9.
    #[must_use]
    pub fn directors(mut self, directors: u8) -> Self {
        assert!(directors <= MAX_DIRECTORS, "a lab has addresses for {MAX_DIRECTORS} directors");
        self.directors = directors;
        self
    }

    /// How many real servers: at most 190.
    #[must_use]
    pub fn reals(mut self, reals: u8) -> Self {
        assert!(reals <= MAX_REALS, "a lab has addresses for {MAX_REALS} real servers");
        self.reals = reals;
        self
    }

    /// How many client addresses of each family, at least one.
    #[must_use]
    pub fn clients(mut self, clients: u16) -> Self {
        self.clients = clients.max(1);
        self
    }

    /// Which address families.
    #[must_use]
    pub fn families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// One more VIP on the real servers' `lo`.
    #[must_use]
    pub fn vip(mut self, vip: IpAddr) -> Self {
        self.vips.push(vip);
        self
    }

    /// The VIPs of the families in use.
    pub fn vips(&self) -> impl Iterator<Item = IpAddr> {
        self.vips.iter().copied().filter(|vip| self.families.has(*vip))
    }

    /// Every node but the switch: the client, the directors, the real servers.
    pub fn nodes(&self) -> Vec<Node> {
        let directors = (0..self.directors)
            .map(|n| self.node(format!("director{}", n + 1), Role::Director, FIRST_DIRECTOR + n));
        let reals = (0..self.reals)
            .map(|n| self.node(format!("real{}", n + 1), Role::Real, FIRST_REAL + n));
        std::iter::once(self.node("client".into(), Role::Client, CLIENT_HOST))
            .chain(directors)
            .chain(reals)
            .collect()
    }

    /// The node of that name.
    pub fn find(&self, name: &str) -> Option<Node> {
        self.nodes().into_iter().find(|node| node.name == name)
    }

    /// The real servers, in order.
    pub fn real_servers(&self) -> Vec<Node> {
        self.nodes().into_iter().filter(|node| node.role == Role::Real).collect()
    }

    /// The addresses requests come from, both families in turn.
    pub fn client_addresses(&self) -> Vec<IpAddr> {
        let ((net4, _), (net6, _)) = CLIENT_NETWORKS;
        let ipv4 = |n: u16| IpAddr::V4(Ipv4Addr::from_bits(net4.to_bits() + u32::from(n)));
        let ipv6 = |n: u16| IpAddr::V6(Ipv6Addr::from_bits(net6.to_bits() + u128::from(n)));
        (1..=self.clients)
            .flat_map(|n| [ipv4(n), ipv6(n)])
            .filter(|address| self.families.has(*address))
            .collect()
    }

    /// The `client` node's own addresses: the way back to the client networks.
    pub fn client_gateway(&self) -> Node {
        self.node("client".into(), Role::Client, CLIENT_HOST)
    }

    /// The families in use.
    pub fn families_in_use(&self) -> Families {
        self.families
    }

    fn node(&self, name: String, role: Role, host: u8) -> Node {
        let ipv4 = self.families.ipv4().then(|| Ipv4Addr::new(10, 8, 8, host));
        let ipv6 = self.families.ipv6().then(|| segment6(decimal_as_hex(host)));
        Node { name, role, ipv4, ipv6 }
    }
}

const fn segment6(host: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 8, 8, 0, 0, 0, 0, host)
}

/// 41 becomes 0x41, so that `10.8.8.41` and `fd00:8:8::41` are easily seen to be one node.
fn decimal_as_hex(host: u8) -> u16 {
    let host = u16::from(host);
    ((host / 100) << 8) | ((host / 10 % 10) << 4) | (host % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_the_same_digits_in_both_families() {
        let topology = Topology::default().directors(2).reals(3);
        let real3 = topology.find("real3").unwrap();
        assert_eq!(real3.ipv4, Some(Ipv4Addr::new(10, 8, 8, 53)));
        assert_eq!(real3.ipv6, Some("fd00:8:8::53".parse().unwrap()));
        assert_eq!(topology.find("director2").unwrap().ipv4, Some(Ipv4Addr::new(10, 8, 8, 42)));
        assert_eq!(topology.nodes().len(), 6);
    }

    #[test]
    fn client_addresses_follow_the_families() {
        let topology = Topology::default().clients(300).families(Families::Ipv4);
        let addresses = topology.client_addresses();
        assert_eq!(addresses.len(), 300);
        assert_eq!(addresses[299], "10.100.1.44".parse::<IpAddr>().unwrap());
        assert_eq!(topology.vips().count(), 2);
    }
}
