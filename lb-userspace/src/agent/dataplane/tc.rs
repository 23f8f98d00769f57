//! The tc programs: where they are attached, by what outlives the agent.
//!
//! From Linux 6.6 on that is a pinned link (TCX); before, a filter of the `clsact` qdisc, which has no link. For
//! such a filter the program is pinned: a pin with this name says that the filter is ours.

use std::{
    collections::BTreeMap,
    fs, io,
    mem::ManuallyDrop,
    path::{Path, PathBuf},
};

use aya::programs::{
    LinkOrder, ProgramError, SchedClassifier, TcAttachType,
    links::{FdLink, PinnedLink},
    tc::{NlOptions, SchedClassifierLink, TcAttachOptions, TcError, TcHandle, qdisc_add_clsact},
};

use super::{DataPlane, DataPlaneError, bpf, object};

/// An interface: its name and its index.
type Interface = (String, u32);

/// Priority, and one half of the handle, of our filters at `clsact`: numbers that nobody else has by chance.
const PRIORITY: u16 = 0x6c62;
const MAJOR: u16 = 0x6c62;

/// How the program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A link.
    Tcx,
    /// A filter.
    Clsact,
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Behind XDP, on the way in: it takes marks from there.
    Marks,
    /// On the way out: it stops claims of VIPs that another director has.
    Fence,
    /// On the way out: a check for a real server becomes one for the VIP.
    CheckOut,
    /// On the way in: the answer of the VIP becomes the real server's.
    CheckIn,
}

impl Role {
    const fn program(self) -> &'static str {
        match self {
            Self::Marks => object::MARKER,
            Self::Fence => object::FENCE,
            Self::CheckOut => object::CHECK_OUT,
            Self::CheckIn => object::CHECK_IN,
        }
    }

    const fn direction(self) -> TcAttachType {
        match self {
            Self::Marks | Self::CheckIn => TcAttachType::Ingress,
            Self::Fence | Self::CheckOut => TcAttachType::Egress,
        }
    }

    /// The handle of its filter: two of ours may be at one place.
    const fn handle(self) -> TcHandle {
        TcHandle::new(
            MAJOR,
            match self {
                Self::Marks | Self::Fence => 0x6d6b,
                Self::CheckOut | Self::CheckIn => 0x636b,
            },
        )
    }

    fn report(self, interface: &str, failure: Option<&str>) {
        let what = match self {
            Self::Marks => "marks on packets",
            Self::Fence => "the guard of VIPs on the way out",
            Self::CheckOut => "checks through VIPs, on the way out",
            Self::CheckIn => "checks through VIPs, on the way in",
        };
        match failure {
            None => tracing::info!(interface, "attached: {what}"),
            Some(reason) => tracing::warn!(interface, reason, "not attached: {what}"),
        }
    }
}

/// A program, and where it is attached.
#[derive(Debug)]
pub struct Hook {
    role: Role,
    folder: PathBuf,
    /// What to try, in this order.
    ways: Vec<Way>,
    /// Where it should be, and why it is not there.
    interfaces: BTreeMap<Interface, Option<String>>,
    /// That is so, as far as we know.
    known: bool,
}

impl Hook {
    /// Attachments that are pinned in `folder`, which has no others, made in the first of these ways that the kernel
    /// knows.
    #[must_use]
    pub fn new(role: Role, folder: PathBuf, ways: &[Way]) -> Self {
        Self { role, folder, ways: ways.to_owned(), interfaces: BTreeMap::new(), known: false }
    }

    /// Somebody else may have changed something: [`Hook::follow`] has to look, and repairs it.
    pub const fn doubt(&mut self) {
        self.known = false;
    }

    /// Attaches the program to exactly these interfaces. Where it is attached already, by an earlier agent, it is
    /// replaced by this agent's.
    ///
    /// # Errors
    /// The program does not load; a pin that cannot be removed. An interface that does not take the program is
    /// none: see [`Hook::failures`].
    pub fn follow(
        &mut self,
        plane: &mut DataPlane,
        wanted: &[Interface],
    ) -> Result<(), DataPlaneError> {
        let same = self.interfaces.len() == wanted.len()
            && wanted.iter().all(|interface| self.interfaces.contains_key(interface));
        if self.known && same {
            return Ok(());
        }
        self.remove_others(wanted)?;
        let mut found = BTreeMap::new();
        if !wanted.is_empty() {
            let program = object::classifier(&mut plane.ebpf, self.role.program())?;
            if program.fd().is_err() {
                program.load()?;
            }
            create(&self.folder)?;
            for interface in wanted {
                let failure = self.attach(program, &interface.0).err();
                if self.interfaces.get(interface) != Some(&failure) {
                    self.role.report(&interface.0, failure.as_deref());
                }
                found.insert(interface.clone(), failure);
            }
        }
        (self.interfaces, self.known) = (found, true);
        Ok(())
    }

    /// Interfaces that do not take the program, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.interfaces.iter();
        all.filter_map(|((name, _), failure)| Some((name.as_str(), failure.as_deref()?)))
    }

    fn attach(&self, program: &mut SchedClassifier, interface: &str) -> Result<(), String> {
        let role = self.role;
        let mut reasons = Vec::new();
        let mut ways = self.ways.clone();
        // As it is attached already: never twice.
        ways.sort_by_key(|way| !self.pin(*way, interface).exists());
        for way in ways {
            let pin = self.pin(way, interface);
            let (attached, words) = match way {
                Way::Tcx => (tcx(program, role, interface, &pin), "by a link (from Linux 6.6 on)"),
                Way::Clsact => (
                    clsact(program, role, interface, &pin),
                    "by a filter (needs the kernel modules sch_ingress and cls_bpf)",
                ),
            };
            match attached {
                Ok(()) => return Ok(()),
                Err(error) => reasons.push(format!("{words}: {error}")),
            }
        }
        Err(reasons.join("; "))
    }

    /// Detaches from interfaces that are not among these.
    fn remove_others(&self, wanted: &[Interface]) -> Result<(), DataPlaneError> {
        let failed =
            |error| DataPlaneError::Folder { what: "reading", path: self.folder.clone(), error };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries.filter_map(Result::ok) {
            let pin = entry.path();
            let of = |(name, _): &Interface| {
                [Way::Tcx, Way::Clsact].iter().any(|way| self.pin(*way, name) == pin)
            };
            if !wanted.iter().any(of) {
                detach(&pin, self.role)?;
            }
        }
        Ok(())
    }

    fn pin(&self, way: Way, interface: &str) -> PathBuf {
        let way = match way {
            Way::Tcx => TCX,
            Way::Clsact => CLSACT,
        };
        // bpffs takes no dots.
        self.folder.join(format!("{way}:{}", interface.replace('.', "%")))
    }
}

const TCX: &str = "tcx";
const CLSACT: &str = "clsact";

fn create(folder: &Path) -> Result<(), DataPlaneError> {
    fs::create_dir_all(folder).map_err(|error| DataPlaneError::Folder {
        what: "creating",
        path: folder.to_owned(),
        error,
    })
}

fn remove(pin: &Path) -> Result<(), DataPlaneError> {
    fs::remove_file(pin).map_err(|error| DataPlaneError::Folder {
        what: "removing",
        path: pin.to_owned(),
        error,
    })
}

/// Attaches the program by a link, or puts it into the one that is there.
fn tcx(
    program: &mut SchedClassifier,
    role: Role,
    interface: &str,
    pin: &Path,
) -> Result<(), DataPlaneError> {
    if pin.exists() {
        let adopted = PinnedLink::from_pin(pin)
            .and_then(|link| SchedClassifierLink::try_from(FdLink::from(link)))
            .map_err(DataPlaneError::from)
            .and_then(|link| Ok(program.attach_to_link(link)?));
        if let Ok(id) = adopted {
            // Its pin keeps it.
            drop(program.take_link(id)?);
            return Ok(());
        }
        // Of an interface that has gone since.
        remove(pin)?;
    }
    let options = TcAttachOptions::TcxOrder(LinkOrder::default());
    let id = program.attach_with_options(interface, role.direction(), options)?;
    FdLink::try_from(program.take_link(id)?)?.pin(pin)?;
    Ok(())
}

/// Attaches the program as a filter, or puts it in the place of the one that is there.
fn clsact(
    program: &mut SchedClassifier,
    role: Role,
    interface: &str,
    pin: &Path,
) -> Result<(), DataPlaneError> {
    if pin.exists() {
        let replaced = filter(interface, role).and_then(|link| program.attach_to_link(link));
        if let Ok(id) = replaced {
            // A filter has no handle that keeps it, and one that is dropped removes it.
            _ = ManuallyDrop::new(program.take_link(id)?);
            return Ok(());
        }
        // Of an interface that has gone since, or somebody else has removed the filter.
        remove(pin)?;
    }
    match qdisc_add_clsact(interface) {
        // It may be there for others: it stays when we go.
        Ok(()) => {}
        Err(error) if errno(&error) == Some(libc::EEXIST) => {}
        Err(error) => return Err(ProgramError::from(error).into()),
    }
    // First: a filter without its pin would be nobody's after a crash.
    program.pin(pin)?;
    let options = NlOptions { priority: PRIORITY, handle: role.handle(), classid: None };
    let options = TcAttachOptions::Netlink(options);
    match program.attach_with_options(interface, role.direction(), options) {
        Ok(id) => {
            _ = ManuallyDrop::new(program.take_link(id)?);
            Ok(())
        }
        Err(error) => {
            remove(pin)?;
            Err(error.into())
        }
    }
}

/// Our filter on an interface.
fn filter(interface: &str, role: Role) -> Result<SchedClassifierLink, ProgramError> {
    let (direction, handle) = (role.direction(), role.handle());
    let link = SchedClassifierLink::attached(interface, direction, PRIORITY, handle, None);
    link.map_err(|error| TcError::IoError(error).into())
}

/// Takes off what a pin stands for.
fn detach(pin: &Path, role: Role) -> Result<(), DataPlaneError> {
    tracing::info!(pin = %pin.display(), "detaching");
    let name = pin.file_name().unwrap_or_default().to_string_lossy();
    let gone = match name.split_once(':') {
        Some((CLSACT, interface)) => filter(&interface.replace('%', "."), role)
            .and_then(aya::programs::Link::detach)
            .map_err(|error| error.to_string()),
        _ => bpf::detach_link(pin).map_err(|error| error.to_string()),
    };
    if let Err(reason) = gone {
        // Its interface has gone, or somebody else has removed it.
        tracing::debug!(pin = %pin.display(), reason, "nothing to detach");
    }
    remove(pin)
}

fn errno(error: &TcError) -> Option<i32> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<io::Error>() {
            return error.raw_os_error();
        }
        cause = found.source();
    }
    None
}
