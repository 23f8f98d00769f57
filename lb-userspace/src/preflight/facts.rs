//! What is known of this host before `lb run`: read by the agent's preflight, judged by the checks.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    host::Basics,
    network::{Interface, RouteTo},
    segment::{home, segments},
    setting::Setting,
};
use crate::model::{Config, InterfaceName, XdpMode};

/// All of it. What could not be read is `None`, and no check speaks of it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What is to be run; without it, the host as a whole is looked at.
    pub config: Option<Config>,
    /// Privilege, kernel, BPF file system.
    pub basics: Basics,
    /// Whether the kernel takes lb's own program: its refusal in words.
    pub loaded: Option<Result<(), String>>,
    /// `net.core.bpf_jit_enable`.
    pub jit: Option<u32>,
    /// CPUs that are online.
    pub cpus: Option<u32>,
    /// `net.ipv4.ip_forward`: this host is a router.
    pub router: bool,
    /// Connection tracking is loaded.
    pub conntrack: bool,
    /// The kernel has macvlans, where they are wanted and it says so.
    pub macvlans: Option<bool>,
    /// Room in the kernel's neighbour tables.
    pub ipv4_neighbours: Option<NeighbourRoom>,
    /// See [`Facts::ipv4_neighbours`].
    pub ipv6_neighbours: Option<NeighbourRoom>,
    /// Every interface of this host.
    pub interfaces: Vec<Interface>,
    /// More about those that are looked at, by name.
    pub cards: BTreeMap<String, Card>,
    /// Settings of these interfaces and of `all`.
    pub settings: BTreeMap<Setting, u32>,
    /// The way to each real server.
    pub routes: BTreeMap<IpAddr, RouteTo>,
    /// Index of the interface that leads to the world.
    pub way_out: Option<u32>,
    /// VIPs that another host on the segment has, as the kernel's neighbour table knows.
    pub elsewhere: Vec<Elsewhere>,
}

/// What only its driver can tell of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The driver says that it runs XDP (kernel 6.3 and later tell).
    pub native: Option<bool>,
    /// Of a veth: its other end takes what XDP sends (kernel 6.3 and later tell).
    pub delivers: Option<bool>,
    /// What came of running a program that passes everything in the driver: its refusal in words.
    pub trial: Option<Result<(), String>>,
    /// The XDP program on it is pinned in our folder.
    pub ours: Option<bool>,
    /// `rx-lro`
    pub lro: Offload,
    /// `rx-gro-hw`
    pub gro_hw: Offload,
    /// `rx-vlan-hw-parse`
    pub vlan_strip: Offload,
    /// Receive queues in use, and how many there could be.
    pub queues: Option<Queues>,
}

/// Something a card does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offload {
    /// It does not, or is not known to.
    #[default]
    Off,
    /// It does, and can be told not to.
    On,
    /// It does, and takes no orders.
    Fixed,
}

/// Receive queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// In use.
    pub used: u32,
    /// The most that the driver offers.
    pub most: u32,
    /// They are counted as pairs with transmit queues (`combined`), or alone (`rx`).
    pub combined: bool,
}

/// Room in a neighbour table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourRoom {
    /// Entries now.
    pub used: u32,
    /// The most there may be (`gc_thresh3`).
    pub limit: u32,
}

/// A VIP that another host has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The VIP.
    pub vip: IpAddr,
    /// The other host's Ethernet address.
    pub mac: [u8; 6],
    /// Behind this interface.
    pub interface: String,
}

impl Facts {
    /// The interfaces that are looked at: the configuration's as far as they exist, or all that `lb` could
    /// be set on.
    pub fn looked_at(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(|interface| match &self.config {
            Some(config) => {
                config.node.interfaces.iter().any(|name| name.as_str() == interface.name)
            }
            None => interface.up && interface.name != "lo" && self.bond_of(interface).is_none(),
        })
    }

    /// The networks of the configuration's interfaces, those of VLANs on them included; the first one is that of
    /// the first interface. None where there is no configuration.
    pub fn segments(&self) -> Vec<&Interface> {
        let names = self.config.iter().flat_map(|config| &config.node.interfaces);
        let named = |name: &InterfaceName| {
            self.interfaces.iter().find(|interface| interface.name == name.as_str())
        };
        segments(&names.filter_map(named).collect::<Vec<_>>(), &self.interfaces)
    }

    /// Where clients' packets meet the kernel's own stack: the interfaces that are looked at, and VLANs on them that
    /// a VIP is in.
    pub(super) fn entrances(&self) -> Vec<&Interface> {
        let mut all: Vec<_> = self.looked_at().collect();
        let segments = self.segments();
        let services = self.config.iter().flat_map(|config| &config.services);
        for home in services.filter_map(|service| home(service.address, &segments)) {
            if !all.iter().any(|known| known.index == home.index) {
                all.push(home);
            }
        }
        all
    }

    /// What the driver told of an interface.
    pub(super) fn card(&self, interface: &Interface) -> Card {
        self.cards.get(&interface.name).cloned().unwrap_or_default()
    }

    /// The interface of that number.
    pub(super) fn interface(&self, index: Option<u32>) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| Some(interface.index) == index)
    }

    /// The bond that an interface is a part of.
    pub(super) fn bond_of(&self, interface: &Interface) -> Option<&Interface> {
        self.interface(interface.master).filter(|master| master.kind.as_deref() == Some("bond"))
    }

    /// The parts of a bond; none of anything else.
    pub(crate) fn parts_of<'a>(
        &'a self,
        bond: &'a Interface,
    ) -> impl Iterator<Item = &'a Interface> {
        let is_bond = bond.kind.as_deref() == Some("bond");
        self.interfaces.iter().filter(move |part| is_bond && part.master == Some(bond.index))
    }

    /// The mode that is asked for; `None` without a configuration.
    pub(super) fn mode(&self) -> Option<XdpMode> {
        self.config.as_ref().map(|config| config.node.xdp_mode)
    }

    /// The value in force where the kernel takes the larger of `all` and the interface's own, which is how
    /// `rp_filter`, `accept_local`, `arp_ignore` and `arp_announce` are read.
    pub(super) fn in_force(&self, interface: &str, key: &'static str) -> Option<u32> {
        let own = self.settings.get(&Setting::ipv4(interface, key));
        own.max(self.settings.get(&Setting::ipv4("all", key))).copied()
    }
}
