//! What this host must offer before anything is loaded: what `lb run` refuses to start without.
//!
//! Functions that take values decide; the agent reads the values. Each error names the setting and what
//! to do.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::network::Interface;

/// Below this, things lb is built on are missing. The verifier looks at every global function of the program,
/// called or not, so its helpers are needed in any configuration: `bpf_xdp_load_bytes` (5.18, copies of packets)
/// and `bpf_loop` (5.17, schedulers that count). Next hops that the kernel keeps fresh need 5.16.
pub const KERNEL_FLOOR: (u32, u32) = (5, 18);
/// The oldest kernel that the packet tests pass on (Debian's 6.1; `cargo xtask test --kernel 6.1`). What
/// lies between the floor and this one has never been tried.
pub const KERNEL_SUPPORTED: (u32, u32) = (6, 1);
/// Where the kernel describes its types.
pub const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Something this host lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not enough privilege.
    #[error("`lb run` lacks {}: start it as root, or with these capabilities", .missing.join(", "))]
    Privilege {
        /// The capabilities that are missing.
        missing: Vec<&'static str>,
    },
    /// The kernel is too old.
    #[error(
        "kernel {release} is too old: at least {}.{} is needed, {}.{} or newer is supported",
        KERNEL_FLOOR.0, KERNEL_FLOOR.1, KERNEL_SUPPORTED.0, KERNEL_SUPPORTED.1
    )]
    KernelTooOld {
        /// As `uname -r` says.
        release: String,
    },
    /// The kernel does not describe its types.
    #[error(
        "{BTF} is missing: this kernel was built without BTF (CONFIG_DEBUG_INFO_BTF=y); \
         use your distribution's stock kernel"
    )]
    NoBtf,
    /// Pins have no place to be.
    #[error(
        "node.pin_folder {}: {} is not on a BPF file system; run `mount -t bpf bpf {}`",
        .folder.display(), .existing.display(), .mount_point.display()
    )]
    NoBpffs {
        /// As configured.
        folder: PathBuf,
        /// The nearest folder of its path that exists.
        existing: PathBuf,
        /// Where a BPF file system should be mounted.
        mount_point: PathBuf,
    },
    /// The interface does not exist.
    #[error(
        "node.interface: there is no interface \"{name}\"{}; this host has {existing}",
        nearest.as_ref().map(|near| format!(" (did you mean \"{near}\"?)")).unwrap_or_default()
    )]
    NoInterface {
        /// As configured.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// The names there are.
        existing: String,
    },
    /// The interface cannot carry forwarded packets.
    #[error("node.interface: {name} is {what}; direct routing needs an Ethernet interface")]
    NotEthernet {
        /// As configured.
        name: String,
        /// What it is instead.
        what: String,
    },
    /// The interface is switched off.
    #[error("node.interface: {name} is down; bring it up with `ip link set dev {name} up`")]
    InterfaceDown {
        /// As configured.
        name: String,
    },
    /// Direct routing cannot reach a server.
    #[error(
        "direct routing rewrites the MAC only: real server {server} {address} must be in a subnet \
         of {interfaces}; behind a router it is reached by services with `mode = \"tunnel\"`"
    )]
    OffLink {
        /// Its name.
        server: String,
        /// Its address.
        address: IpAddr,
        /// The interfaces with their subnets.
        interfaces: String,
    },
    /// A server is behind a VLAN that takes more than one tag.
    #[error(
        "real server {server} {address} is behind {interface}, a VLAN within a VLAN (QinQ) or one of \
         802.1ad: lb sends with one tag of 802.1Q; give this host a plain VLAN in that network"
    )]
    Stacked {
        /// Its name.
        server: String,
        /// Its address.
        address: IpAddr,
        /// The VLAN.
        interface: String,
    },
    /// No tunnel can reach a server.
    #[error(
        "real server {server} {address} is out of reach: no route to it leads through \
         {interfaces}; add one with `ip route add {address} via ROUTER`"
    )]
    NoRoute {
        /// Its name.
        server: String,
        /// Its address.
        address: IpAddr,
        /// The interfaces with their subnets.
        interfaces: String,
    },
    /// Tunnels are to end at an address of somebody else.
    #[error(
        "node.decapsulate: {address} is no address of this host, so no tunnel to it ends here; \
         add it with `ip address add`, or write an address that this host has"
    )]
    NoEnd {
        /// As configured.
        address: IpAddr,
    },
}

/// All that is wrong, one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostErrors(pub Vec<HostError>);

impl std::fmt::Display for HostErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for HostErrors {}

/// What `lb run` stands on, as this host has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basics {
    /// The text of `/proc/self/status`.
    pub process: String,
    /// As `uname -r` says.
    pub kernel: String,
    /// The kernel describes its types.
    pub btf: bool,
    /// Where pins go.
    pub pins: PinPlace,
}

/// Where pins go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinPlace {
    /// As configured.
    pub folder: PathBuf,
    /// The nearest folder of its path that exists.
    pub existing: PathBuf,
    /// That one is on a BPF file system.
    pub bpffs: bool,
}

impl Basics {
    /// Judges privilege, kernel and BPF file system. What is fit to run but worth a word comes back.
    ///
    /// # Errors
    /// All that is missing, together.
    pub fn check(&self) -> Result<Vec<String>, HostErrors> {
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        errors.extend(self.privilege().err());
        match self.kernel() {
            Ok(warning) => warnings.extend(warning),
            Err(error) => errors.push(error),
        }
        errors.extend(self.types().err());
        errors.extend(self.pins.check().err());
        if errors.is_empty() { Ok(warnings) } else { Err(HostErrors(errors)) }
    }

    /// May this process load programs and attach them?
    ///
    /// # Errors
    /// [`HostError::Privilege`].
    pub fn privilege(&self) -> Result<(), HostError> {
        privilege(&self.process)
    }

    /// Is the kernel new enough? A word where that is not sure.
    ///
    /// # Errors
    /// [`HostError::KernelTooOld`].
    pub fn kernel(&self) -> Result<Option<String>, HostError> {
        kernel(&self.kernel)
    }

    /// Does the kernel describe its types?
    ///
    /// # Errors
    /// [`HostError::NoBtf`].
    pub const fn types(&self) -> Result<(), HostError> {
        if self.btf { Ok(()) } else { Err(HostError::NoBtf) }
    }
}

/// Bits of `CapEff` (linux/capability.h).
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_BPF: u32 = 39;

/// Looks for the capabilities in the text of `/proc/self/status`. CAP_SYS_ADMIN contains CAP_BPF.
fn privilege(status: &str) -> Result<(), HostError> {
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    let has = |bit: u32| effective & (1 << bit) != 0;
    let needed = [
        ("CAP_BPF", has(CAP_BPF) || has(CAP_SYS_ADMIN)),
        ("CAP_NET_ADMIN", has(CAP_NET_ADMIN)),
        ("CAP_NET_RAW", has(CAP_NET_RAW)),
    ];
    let missing: Vec<_> =
        needed.iter().filter(|(_, present)| !present).map(|(name, _)| *name).collect();
    if missing.is_empty() { Ok(()) } else { Err(HostError::Privilege { missing }) }
}

/// Judges the text of `uname -r`. A text that cannot be read as a version is let through: the
/// kernel itself will refuse what it does not know.
fn kernel(release: &str) -> Result<Option<String>, HostError> {
    let mut numbers =
        release.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        return Ok(Some(format!("the kernel's version \"{release}\" is not understood")));
    };
    if (major, minor) < KERNEL_FLOOR {
        return Err(HostError::KernelTooOld { release: release.to_owned() });
    }
    Ok(((major, minor) < KERNEL_SUPPORTED).then(|| {
        let (major, minor) = KERNEL_SUPPORTED;
        format!("kernel {release} may do, but {major}.{minor} or newer is what is supported")
    }))
}

impl PinPlace {
    /// Can anything be pinned there?
    ///
    /// # Errors
    /// [`HostError::NoBpffs`], with the place to mount one.
    pub fn check(&self) -> Result<(), HostError> {
        if self.bpffs {
            return Ok(());
        }
        let usual = Path::new("/sys/fs/bpf");
        let folder = self.folder.as_path();
        let mount_point =
            if folder.starts_with(usual) { usual } else { folder.parent().unwrap_or(folder) };
        Err(HostError::NoBpffs {
            folder: folder.to_owned(),
            existing: self.existing.clone(),
            mount_point: mount_point.to_owned(),
        })
    }
}

/// Finds a configured interface among those of this host, fit for direct routing.
///
/// # Errors
/// When it is missing, down, or not Ethernet.
pub fn interface<'a>(name: &str, existing: &'a [Interface]) -> Result<&'a Interface, HostError> {
    let Some(found) = existing.iter().find(|interface| interface.name == name) else {
        let names: Vec<&str> = existing.iter().map(|interface| interface.name.as_str()).collect();
        let nearest = names
            .iter()
            .map(|other| (strsim::damerau_levenshtein(name, other), *other))
            .filter(|(distance, _)| *distance <= 2)
            .min()
            .map(|(_, other)| other.to_owned());
        let existing = names.join(", ");
        return Err(HostError::NoInterface { name: name.to_owned(), nearest, existing });
    };
    if !found.ethernet {
        let what = found.kind.clone().unwrap_or_else(|| "no Ethernet card".to_owned());
        let what = if name == "lo" { "the loopback".to_owned() } else { what };
        return Err(HostError::NotEthernet { name: name.to_owned(), what });
    }
    if !found.up {
        return Err(HostError::InterfaceDown { name: name.to_owned() });
    }
    Ok(found)
}

#[cfg(test)]
#[path = "host_test.rs"]
mod tests;
