//! The node: the host that runs `lb`, and where it keeps its things.

use std::{
    collections::BTreeSet,
    fmt,
    net::IpAddr,
    num::NonZeroU16,
    path::{Path, PathBuf},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{InterfaceName, Name};

/// How the XDP program is attached.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// Native where the driver can, generic otherwise, with a warning.
    #[default]
    Auto,
    /// In the driver, or not at all.
    Native,
    /// In the kernel's stack: works everywhere, slowly.
    Generic,
}

impl fmt::Display for XdpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

/// Settings of the kernel that belong together, and that the agent makes if it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sysctls {
    /// Answer ARP for an address, and ask in its name, only where it is.
    Arp,
    /// Be a router: for real servers whose gateway this host is.
    Forwarding,
    /// Let programs bind VIPs that are not here at the moment.
    NonlocalBind,
}

/// The host that runs `lb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name among the directors.
    pub name: Name,
    /// Where packets come in: at least one, each once.
    pub interfaces: Vec<InterfaceName>,
    /// How the XDP program is attached to them.
    pub xdp_mode: XdpMode,
    /// The secret that the directors of a cluster share.
    pub seed_file: Option<PathBuf>,
    /// The other directors: what comes from them is not balanced again.
    pub peers: Vec<IpAddr>,
    /// Where the directors ask each other (TCP).
    pub peer_port: NonZeroU16,
    /// Sources of tunnels over IPv4, one for each flow by its hash; `None`: our address on the interface.
    pub tunnel_source: Option<Ipv4Net>,
    /// Sources of tunnels over IPv6, as [`Self::tunnel_source`].
    pub tunnel_source6: Option<Ipv6Net>,
    /// Our own addresses at which tunnels end.
    pub decapsulate: Vec<IpAddr>,
    /// Who may send to them; not empty if there are any.
    pub decapsulate_from: Vec<IpNet>,
    /// The control socket.
    pub socket: PathBuf,
    /// Where maps and links are pinned, in a bpffs.
    pub pin_folder: PathBuf,
    /// Where the operator's changes are kept.
    pub state_folder: PathBuf,
    /// Whom the unprivileged processes run as; `None`: whoever there is on this host for it.
    pub user: Option<String>,
    /// Add the services' addresses to the first interface?
    pub manage_addresses: bool,
    /// Settings of the kernel to make, and to put back at the end.
    pub sysctls: BTreeSet<Sysctls>,
}

impl Node {
    /// Where the directors of a cluster ask each other that name no port.
    pub const DEFAULT_PEER_PORT: NonZeroU16 = NonZeroU16::new(8_112).unwrap();
    /// The control socket of a node that names none.
    pub const DEFAULT_SOCKET: &str = "/run/lb/lb.sock";
    /// The pin folder of a node that names none.
    pub const DEFAULT_PIN_FOLDER: &str = "/sys/fs/bpf/lb";
    /// The state folder of a node that names none.
    pub const DEFAULT_STATE_FOLDER: &str = "/var/lib/lb";

    /// A node with nothing but a name and its interfaces, everything else as by default.
    pub fn new(name: Name, interfaces: Vec<InterfaceName>) -> Self {
        Self {
            name,
            interfaces,
            xdp_mode: XdpMode::default(),
            seed_file: None,
            peers: Vec::new(),
            peer_port: Self::DEFAULT_PEER_PORT,
            tunnel_source: None,
            tunnel_source6: None,
            decapsulate: Vec::new(),
            decapsulate_from: Vec::new(),
            socket: PathBuf::from(Self::DEFAULT_SOCKET),
            pin_folder: PathBuf::from(Self::DEFAULT_PIN_FOLDER),
            state_folder: PathBuf::from(Self::DEFAULT_STATE_FOLDER),
            user: None,
            manage_addresses: true,
            sysctls: BTreeSet::new(),
        }
    }

    /// The file of what an operator set at run time.
    pub fn operator_file(&self) -> PathBuf {
        Path::new(&self.state_folder).join("operator.json")
    }

    /// The file of the guard lists that an operator set at run time.
    pub fn guard_file(&self) -> PathBuf {
        Path::new(&self.state_folder).join("guard.json")
    }
}
