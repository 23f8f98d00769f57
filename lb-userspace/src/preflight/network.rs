//! This host's network as the kernel tells it: values, read by the agent's netlink room.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

/// An interface of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number for it.
    pub index: u32,
    /// `eth0`.
    pub name: String,
    /// All zero where it has none (`lo`, tunnels).
    pub mac: [u8; 6],
    /// Largest IP packet.
    pub mtu: u32,
    /// Switched on.
    pub up: bool,
    /// Switched on and with a carrier.
    pub running: bool,
    /// It carries Ethernet frames; the loopback does not count.
    pub ethernet: bool,
    /// Addresses with the prefix of their subnet.
    pub addresses: Vec<IpNet>,
    /// The XDP program on it.
    pub xdp: Option<XdpAttachment>,
    /// `veth`, `bond`, `vlan`, ...; `None` for a card of its own.
    pub kind: Option<String>,
    /// Index of the interface it stands on (a VLAN's or macvlan's parent, a veth's peer), where that is in this
    /// network namespace.
    pub parent: Option<u32>,
    /// Of a VLAN sub-interface: its tag.
    pub vlan: Option<Vlan>,
    /// Index of the bond or bridge it is a part of.
    pub master: Option<u32>,
    /// Of a bond: how it spreads frames.
    pub bond: Option<Bond>,
}

/// The tag of a VLAN sub-interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// The VLAN's number, 0 to 4,095.
    pub id: u16,
    /// A tag of 802.1ad, not of 802.1Q.
    pub service: bool,
}

/// How a bond spreads frames over its interfaces, in the words of `ip -d link`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bond {
    /// `802.3ad`, `active-backup`, ...
    pub mode: String,
    /// `layer2`, `layer3+4`, `vlan+srcmac`, ...
    pub policy: String,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpAttachment {
    /// How it runs.
    pub mode: XdpAttachmentMode,
    /// The program's number, as `bpftool prog` shows it.
    pub prog_id: u32,
}

/// Where an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XdpAttachmentMode {
    /// In the card's driver.
    Native,
    /// After the kernel has made a socket buffer: slow.
    Generic,
    /// On the card itself.
    Hardware,
    /// In more than one of these places.
    Multiple,
}

impl fmt::Display for XdpAttachmentMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Hardware => "hardware",
            Self::Multiple => "multiple",
        })
    }
}

/// The kernel's way to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteTo {
    /// Index of the interface it leaves by.
    pub interface: u32,
    /// The router it goes through; `None` when the address is on the link itself.
    pub gateway: Option<IpAddr>,
    /// The source address the kernel would choose.
    pub source: Option<IpAddr>,
    /// The address is this host's own.
    pub local: bool,
}
