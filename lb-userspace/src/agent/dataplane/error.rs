//! What can go wrong between the agent and the kernel, with what to do about it.

use std::{io, path::PathBuf};

use aya::{
    EbpfError,
    maps::{MapError, xdp::XdpMapError},
    pin::PinError,
    programs::{ProgramError, links::LinkError},
};

/// An error of the data plane.
#[derive(Debug, thiserror::Error)]
pub enum DataPlaneError {
    /// The object file could not be loaded.
    #[error("loading the XDP program: {}", chain(.0.as_ref()))]
    Object(Box<EbpfError>),
    /// The kernel refused a program or an attachment.
    #[error("{}", chain(.0))]
    Program(#[from] ProgramError),
    /// A map refused an operation.
    #[error("a map refused an operation: {}", chain(.0))]
    Map(#[from] MapError),
    /// The redirect table refused an interface.
    #[error("the table of interfaces refused an operation: {}", chain(.0))]
    Devices(#[from] XdpMapError),
    /// A link could not be used.
    #[error("an XDP link could not be used: {}", chain(.0))]
    Link(#[from] LinkError),
    /// Pinning failed.
    #[error("pinning failed: {}", chain(.0))]
    Pin(#[from] PinError),
    /// The object is not what this program was built with.
    #[error("the XDP object has no `{0}`: build again with `cargo xtask build`")]
    Missing(&'static str),
    /// An array could not be mapped.
    #[error("mapping {name} into memory: {error}")]
    Mmap {
        /// The map.
        name: &'static str,
        /// Why.
        error: io::Error,
    },
    /// A map could not be read many entries at a time.
    #[error("reading {name}: {error}")]
    Read {
        /// The map.
        name: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The number of CPUs is not known.
    #[error("counting the CPUs: {0}")]
    Cpus(io::Error),
    /// How fine the kernel's clock is, is not known.
    #[error("reading the resolution of CLOCK_MONOTONIC_COARSE: {0}")]
    Clock(io::Error),
    /// No region of the arena is large enough.
    #[error(
        "the ring arena has no room for {slots} more slots: raise `ring_slots` under [limits] and restart"
    )]
    Arena {
        /// Slots wanted.
        slots: usize,
    },
    /// Every link has real servers behind it, or had them a second ago.
    #[error(
        "real servers are behind more than 4,095 different interfaces, or interfaces have changed more often than \
         that within a second: put some real servers behind a router"
    )]
    Links,
    /// A folder or file under the pin folder.
    #[error("{what} {}: {error}", path.display())]
    Folder {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// Another agent holds the pin folder.
    #[error(
        "another agent{} holds {}: stop it first, or set another `pin_folder` under [node]",
        .pid.map_or_else(String::new, |pid| format!(" (pid {pid})")), .path.display()
    )]
    Held {
        /// The pin folder.
        path: PathBuf,
        /// Its process, where it can be told.
        pid: Option<u32>,
    },
    /// Another XDP program sits on the interface.
    #[error(
        "interface {interface}: another XDP program (id {program}) is attached: \
         `bpftool net` shows it; detach it with `ip link set dev {interface} xdp off` or its own tool"
    )]
    Occupied {
        /// The interface.
        interface: String,
        /// The other program's number; 0 where the kernel does not tell.
        program: u32,
    },
    /// The driver cannot run the program natively.
    #[error(
        "interface {interface} cannot run XDP natively ({reason}): set `xdp_mode = \"generic\"` or \"auto\" \
         under [node] to accept the slower generic mode"
    )]
    NoNative {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        reason: String,
    },
    /// Attaching failed for another reason.
    #[error("interface {interface}: attaching the XDP program: {reason}")]
    Attach {
        /// The interface.
        interface: String,
        /// The kernel's reason.
        reason: String,
    },
}

/// An error with its causes, which aya keeps apart.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
