//! Attaching the program to interfaces, by links that are pinned: forwarding outlives the agent, and the
//! next agent replaces the program under running traffic.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aya::{
    Ebpf,
    programs::{
        ProgramError, Xdp, XdpMode,
        links::{FdLink, PinnedLink},
        xdp::XdpLink,
    },
    sys::SyscallError,
};

use super::{DataPlane, DataPlaneError, object};
use crate::model;

/// How the program runs on an interface.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Attached {
    /// The interface.
    pub interface: String,
    /// Its index.
    pub index: u32,
    /// `native` or `generic`.
    pub mode: &'static str,
    /// Why it is not native although that was tried.
    pub fell_back: Option<String>,
    /// The link was there already, and now carries this agent's program.
    pub adopted: bool,
}

/// The links, by interface.
#[derive(Debug)]
pub struct Links {
    folder: PathBuf,
    pinned: Vec<PathBuf>,
}

pub(super) const NATIVE: &str = "native";
const GENERIC: &str = "generic";

impl Links {
    /// Links that are pinned in `folder`.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, pinned: Vec::new() }
    }

    /// Looks before anything is changed: does `program`, which is on the interface, belong to us?
    ///
    /// # Errors
    /// [`DataPlaneError::Occupied`]: no link of ours is pinned for the interface.
    pub fn check(&self, interface: &str, program: Option<u32>) -> Result<(), DataPlaneError> {
        match program {
            Some(program) if !self.holds(interface) => {
                Err(DataPlaneError::Occupied { interface: interface.to_owned(), program })
            }
            _ => Ok(()),
        }
    }

    /// True where a link of ours is pinned for the interface.
    #[must_use]
    pub fn holds(&self, interface: &str) -> bool {
        [NATIVE, GENERIC].iter().any(|mode| self.pin(mode, interface).exists())
    }

    /// Attaches the program of `plane` to an interface, or puts it into the link that is there.
    ///
    /// # Errors
    /// [`DataPlaneError::Occupied`], [`DataPlaneError::NoNative`], [`DataPlaneError::Attach`].
    pub fn attach(
        &mut self,
        plane: &mut DataPlane,
        interface: &str,
        index: u32,
        mode: model::XdpMode,
    ) -> Result<Attached, DataPlaneError> {
        let program = object::balancer(&mut plane.ebpf)?;
        let modes: &[_] = match mode {
            model::XdpMode::Auto => &[NATIVE, GENERIC],
            model::XdpMode::Native => &[NATIVE],
            model::XdpMode::Generic => &[GENERIC],
        };
        let attached = |mode, fell_back, adopted| Attached {
            interface: interface.to_owned(),
            index,
            mode,
            fell_back,
            adopted,
        };
        for mode in [NATIVE, GENERIC] {
            let pin = self.pin(mode, interface);
            if !pin.exists() {
                continue;
            }
            if modes.contains(&mode) && adopt(program, &pin) {
                plane.links.push(pin.clone());
                self.pinned.push(pin);
                return Ok(attached(mode, None, true));
            }
            // Of an interface that has gone since, or of a mode that is no longer wanted.
            remove(&pin)?;
        }
        let mut fell_back = None;
        for mode in modes {
            match attach(program, interface, index, mode) {
                Ok(link) => {
                    let pin = self.pin(mode, interface);
                    link.pin(&pin)?;
                    plane.links.push(pin.clone());
                    self.pinned.push(pin);
                    return Ok(attached(mode, fell_back, false));
                }
                Err(DataPlaneError::NoNative { reason, .. }) if modes.len() > 1 => {
                    tracing::warn!(
                        interface,
                        reason,
                        "native XDP is not possible here: generic mode, which is slower"
                    );
                    fell_back = Some(reason);
                }
                Err(error) => return Err(error),
            }
        }
        let reason = "no mode was left to try".to_owned();
        Err(DataPlaneError::Attach { interface: interface.to_owned(), reason })
    }

    /// Detaches from interfaces that the configuration no longer names.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub fn remove_others(&self) -> Result<(), DataPlaneError> {
        let entries = fs::read_dir(&self.folder).map_err(|error| DataPlaneError::Folder {
            what: "reading",
            path: self.folder.clone(),
            error,
        })?;
        for entry in entries.filter_map(Result::ok) {
            if !self.pinned.contains(&entry.path()) {
                tracing::info!(link = %entry.path().display(), "detaching");
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Detaches everywhere.
    ///
    /// # Errors
    /// A pin that cannot be removed.
    pub fn detach(&mut self, plane: &mut DataPlane) -> Result<(), DataPlaneError> {
        for pin in self.pinned.drain(..) {
            remove(&pin)?;
        }
        plane.links.clear();
        // The last handles on adopted links.
        object::balancer(&mut plane.ebpf)?.unload()?;
        Ok(())
    }

    fn pin(&self, mode: &str, interface: &str) -> PathBuf {
        // bpffs takes no dots.
        self.folder.join(format!("{mode}:{}", interface.replace('.', "%")))
    }
}

/// Puts the program of `ebpf` into pinned links.
///
/// # Errors
/// [`DataPlaneError::Attach`]: a link is dead; the others have the new program.
pub(super) fn replace(ebpf: &mut Ebpf, links: &[PathBuf]) -> Result<(), DataPlaneError> {
    let program = object::balancer(ebpf)?;
    for pin in links {
        if !adopt(program, pin) {
            let reason = "its link is dead: restart `lb run`".to_owned();
            return Err(DataPlaneError::Attach { interface: pin.display().to_string(), reason });
        }
    }
    Ok(())
}

/// Puts the program into a pinned link; false where the link is dead.
fn adopt(program: &mut Xdp, pin: &Path) -> bool {
    let replaced = PinnedLink::from_pin(pin)
        .map_err(|error| error.to_string())
        .and_then(|link| XdpLink::try_from(FdLink::from(link)).map_err(|e| e.to_string()))
        .and_then(|link| program.attach_to_link(link).map_err(|error| error.to_string()));
    if let Err(reason) = &replaced {
        tracing::warn!(link = %pin.display(), reason, "a pinned link is dead: attaching anew");
    }
    replaced.is_ok()
}

pub(super) fn attach(
    program: &mut Xdp,
    interface: &str,
    index: u32,
    mode: &str,
) -> Result<FdLink, DataPlaneError> {
    let wanted = if mode == NATIVE { XdpMode::Driver } else { XdpMode::Skb };
    let interface = || interface.to_owned();
    let id = program.attach_to_if_index(index, wanted).map_err(|error| match errno(&error) {
        Some(libc::EBUSY | libc::EEXIST) => {
            DataPlaneError::Occupied { interface: interface(), program: 0 }
        }
        Some(libc::EOPNOTSUPP) => DataPlaneError::NoNative {
            interface: interface(),
            reason: "its driver has no XDP support".to_owned(),
        },
        Some(libc::ERANGE) => DataPlaneError::NoNative {
            interface: interface(),
            reason: "its MTU is too large for one page per packet".to_owned(),
        },
        _ => DataPlaneError::Attach { interface: interface(), reason: words(&error) },
    })?;
    // At once: aya falls back to netlink without a word, and such a link cannot be pinned.
    let link = program.take_link(id)?;
    FdLink::try_from(link).map_err(|_| DataPlaneError::Attach {
        interface: interface(),
        reason: "the kernel offers no link for it".to_owned(),
    })
}

fn remove(pin: &Path) -> Result<(), DataPlaneError> {
    fs::remove_file(pin).map_err(|error| DataPlaneError::Folder {
        what: "removing",
        path: pin.to_owned(),
        error,
    })
}

fn errno(error: &ProgramError) -> Option<i32> {
    match error {
        ProgramError::SyscallError(SyscallError { io_error, .. }) => io_error.raw_os_error(),
        _ => std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<io::Error>())
            .and_then(io::Error::raw_os_error),
    }
}

fn words(error: &ProgramError) -> String {
    errno(error).map_or_else(
        || error.to_string(),
        |number| io::Error::from_raw_os_error(number).to_string(),
    )
}
