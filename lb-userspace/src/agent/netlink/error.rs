//! What can go wrong when the kernel is asked about its network.

use std::io;
use std::net::IpAddr;

use nix::errno::Errno;
use nix::net::if_::if_indextoname;

/// An error of this room. Each names the interface or address it is about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No socket.
    #[error("cannot open a netlink socket: {0}")]
    Connect(#[source] io::Error),
    /// There is no such interface.
    #[error("there is no interface \"{name}\" in this network namespace (`ip link` lists them)")]
    NoInterface {
        /// As it was asked for.
        name: String,
    },
    /// The kernel knows no way to an address.
    #[error("no route to {address}: add one, or correct the address (`ip route get {address}`)")]
    NoRoute {
        /// Where to.
        address: IpAddr,
    },
    /// A change was refused for want of privilege.
    #[error("{task}: not permitted; run as root or with CAP_NET_ADMIN")]
    NotPermitted {
        /// What was tried.
        task: String,
    },
    /// IPv6 is switched off where an IPv6 address was to go.
    #[error(
        "{task}: IPv6 is disabled there; enable it with \
         `sysctl -w net.ipv6.conf.{interface}.disable_ipv6=0`"
    )]
    Ipv6Disabled {
        /// Where.
        interface: String,
        /// What was tried.
        task: String,
    },
    /// The kernel has no such kind of interface.
    #[error("{task}: this kernel has no macvlan (`modprobe macvlan`)")]
    NoMacvlan {
        /// What was tried.
        task: String,
    },
    /// The interface is down.
    #[error("{task}: the interface is down; bring it up with `ip link set dev NAME up`")]
    Down {
        /// What was tried.
        task: String,
    },
    /// Any other refusal.
    #[error("{task}: {source}")]
    Refused {
        /// What was tried.
        task: String,
        /// The kernel's word for why not.
        source: io::Error,
    },
    /// The answer was not what the request calls for.
    #[error("{task}: the kernel's answer was not understood: {detail}")]
    Answer {
        /// What was tried.
        task: String,
        /// What came instead.
        detail: String,
    },
}

impl Error {
    /// Sorts an error of the library; `task` says what was tried, as in "cannot add 10.0.0.1/32".
    pub(super) fn of(task: impl Into<String>, error: &rtnetlink::Error) -> Self {
        let task = task.into();
        let Some(errno) = errno(error) else {
            return Self::Answer { task, detail: error.to_string() };
        };
        match errno {
            Errno::EPERM => Self::NotPermitted { task },
            Errno::ENETDOWN => Self::Down { task },
            _ => Self::Refused { task, source: io::Error::from(errno) },
        }
    }
}

impl Error {
    /// What was to be added is there already.
    pub(in crate::agent) fn is_there_already(&self) -> bool {
        let there = Errno::EEXIST as i32;
        matches!(self, Self::Refused { source, .. } if source.raw_os_error() == Some(there))
    }
}

/// The name behind an index, for messages; `#7` when it is gone.
pub(super) fn named(index: u32) -> String {
    let name = if_indextoname(index).ok().and_then(|name| name.into_string().ok());
    name.unwrap_or_else(|| format!("#{index}"))
}

/// The error number a refusal carries.
pub(super) fn errno(error: &rtnetlink::Error) -> Option<Errno> {
    match error {
        rtnetlink::Error::NetlinkError(message) => {
            message.code.map(|code| Errno::from_raw(code.get().saturating_abs()))
        }
        _ => None,
    }
}
