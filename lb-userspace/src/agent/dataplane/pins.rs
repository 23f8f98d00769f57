//! What is pinned where, and whether it may be adopted.
//!
//! ```text
//! <pin_folder>/                      held by flock: one agent at a time
//!   maps-v1-1f2e3d4c5b6a7988/        named after the layout: records, map sizes
//!     SERVICES  POOLS  RINGS  …
//!   links/
//!     native:eth0                    mode and interface (a dot in its name becomes %)
//!   tc/
//!     tcx:eth0                       the same for the program that takes marks ([`super::tc`])
//!   tc-out/
//!     tcx:eth0                       the same for the one that stops claims of fenced VIPs
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use aya::maps::{MapData, MapInfo, MapType};
use lb_common::{
    abi::{
        Address, Bucket, CAPTURE_ROOM, Counter, FAST_SERVICES, FENCES, FastService, FenceKey,
        FlowKey, Fragment, FragmentKey, Guard, GuardList, LAYOUT, LEASES, LINKS, Lease, Link, Load,
        Node, Note, OWN_MACS, PEERS, Pool, Real, Reason, Schedule, Service, ServiceKey, SourceKey,
        THROUGH, ThroughKey, Tunnel, Turn, Vip, map,
    },
    flow_hash::split_mix,
    track::{FLOW_SETS, FlowSet, Room},
};
use nix::fcntl::{Flock, FlockArg};

use super::{DataPlaneError, object};
use crate::model::Limits;

/// The pin folder, held by this process.
#[derive(Debug)]
pub struct Pins {
    folder: PathBuf,
    layout: PathBuf,
    /// The maps were there.
    adopted: bool,
    /// Dropped last: the lock goes when everything else is done.
    _lock: Flock<File>,
}

impl Pins {
    /// Takes hold of the pin folder and finds the maps of this layout, which are checked before anybody
    /// uses them: what does not fit is set aside.
    ///
    /// # Errors
    /// [`DataPlaneError::Held`] by another agent; a folder that cannot be made.
    pub fn open(folder: &Path, limits: &Limits) -> Result<Self, DataPlaneError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |error| DataPlaneError::Folder { what, path, error }
        };
        fs::create_dir_all(folder).map_err(failed("creating", folder))?;
        let file = File::open(folder).map_err(failed("opening", folder))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(file, _)| {
            DataPlaneError::Held { path: folder.to_owned(), pid: holder(&file) }
        })?;
        let sizes = object::sizes(limits, object::cpus()?);
        let layout = folder.join(layout_name(&sizes));
        let adopted = layout.exists() && fits(&layout, &sizes);
        if layout.exists() && !adopted {
            tracing::warn!(folder = %layout.display(), "pinned maps do not fit this program: replaced");
            fs::remove_dir_all(&layout).map_err(failed("removing", &layout))?;
        }
        for path in [&layout, &Self::links(folder)] {
            fs::create_dir_all(path).map_err(failed("creating", path))?;
        }
        Ok(Self { folder: folder.to_owned(), layout, adopted, _lock: lock })
    }

    /// Where the maps are pinned.
    #[must_use]
    pub fn maps(&self) -> &Path {
        &self.layout
    }

    /// Where the links are pinned, in a pin folder.
    #[must_use]
    pub fn links(folder: &Path) -> PathBuf {
        folder.join("links")
    }

    /// Where what carries marks is pinned, in a pin folder.
    #[must_use]
    pub fn marks(folder: &Path) -> PathBuf {
        folder.join("tc")
    }

    /// Where what stops claims of fenced VIPs is pinned, in a pin folder.
    #[must_use]
    pub fn fence(folder: &Path) -> PathBuf {
        folder.join("tc-out")
    }

    /// Where what carries checks through VIPs is pinned, in a pin folder: out and in.
    #[must_use]
    pub fn checks(folder: &Path) -> [PathBuf; 2] {
        ["tc-check-out", "tc-check-in"].map(|name| folder.join(name))
    }

    /// True where the maps were there already.
    #[must_use]
    pub const fn adopted(&self) -> bool {
        self.adopted
    }

    /// Removes the maps of other layouts: nothing uses them once the program has been replaced.
    ///
    /// # Errors
    /// A folder that cannot be read or removed.
    pub fn remove_others(&self) -> Result<(), DataPlaneError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |error| DataPlaneError::Folder { what, path, error }
        };
        let entries = fs::read_dir(&self.folder).map_err(failed("reading", &self.folder))?;
        for entry in entries.filter_map(Result::ok) {
            let ours = entry.file_name().to_string_lossy().starts_with("maps-v");
            if ours && entry.path() != self.layout {
                tracing::info!(folder = %entry.path().display(), "removing maps of another layout");
                fs::remove_dir_all(entry.path()).map_err(failed("removing", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// Unpins everything and removes the folder.
    ///
    /// # Errors
    /// A folder that cannot be removed.
    pub fn remove(self) -> Result<(), DataPlaneError> {
        fs::remove_dir_all(&self.folder).map_err(|error| DataPlaneError::Folder {
            what: "removing",
            path: self.folder.clone(),
            error,
        })
    }
}

/// Sizes of key and value of each map, and its type.
const SHAPES: [(&str, MapType, usize, usize); 30] = [
    (map::SERVICES, MapType::Hash, size_of::<ServiceKey>(), size_of::<Service>()),
    (map::FAST_SERVICES, MapType::Array, 4, size_of::<FastService>()),
    (map::VIPS, MapType::Hash, size_of::<Address>(), size_of::<Vip>()),
    (map::POOLS, MapType::Array, 4, size_of::<Pool>()),
    (map::RINGS, MapType::Array, 4, 8),
    (map::REALS, MapType::Array, 4, size_of::<Real>()),
    (map::LINKS, MapType::Array, 4, size_of::<Link>()),
    (map::DEVICES, MapType::DevMapHash, 4, 8),
    (map::COUNTERS, MapType::Array, 4, size_of::<Counter>()),
    (map::REASONS, MapType::PerCpuArray, 4, size_of::<Counter>()),
    (map::FLOWS, MapType::LruHash, size_of::<FlowKey>(), size_of::<Note>()),
    (map::NEW_FLOWS, MapType::LruHash, size_of::<FlowKey>(), size_of::<Note>()),
    (map::FAST_FLOWS, MapType::Array, 4, size_of::<FlowSet>()),
    (map::FRAGMENTS, MapType::LruHash, size_of::<FragmentKey>(), size_of::<Fragment>()),
    (map::TUNNELS, MapType::Array, 4, size_of::<Tunnel>()),
    (map::SCHEDULES, MapType::Array, 4, size_of::<Schedule>()),
    (map::LOADS, MapType::Array, 4, size_of::<Load>()),
    (map::GUARDS, MapType::Array, 4, size_of::<Guard>()),
    (map::GUARD_LISTS, MapType::LpmTrie, 4 + size_of::<GuardList>(), 4),
    (map::GUARD_SOURCES, MapType::LruHash, size_of::<SourceKey>(), size_of::<Bucket>()),
    (map::PEERS, MapType::Hash, 8, 4),
    (map::LEASES, MapType::Array, 4, size_of::<Lease>()),
    (map::FENCES, MapType::Hash, size_of::<FenceKey>(), 4),
    (map::OWN_MACS, MapType::Hash, 8, 4),
    (map::THROUGH, MapType::Hash, size_of::<ThroughKey>(), size_of::<Turn>()),
    (map::NODE, MapType::Array, 4, size_of::<Node>()),
    (map::ANSWERS, MapType::PerCpuArray, 4, size_of::<Bucket>()),
    (map::CAPTURE, MapType::RingBuf, 0, 0),
    (map::CAPTURE_ROOM, MapType::PerCpuArray, 4, CAPTURE_ROOM),
    (map::ROOM, MapType::PerCpuArray, 4, size_of::<Room>()),
];

/// A name that differs wherever the maps do.
fn layout_name(sizes: &[(&str, u32)]) -> String {
    let sizes = sizes.iter().map(|(_, entries)| u64::from(*entries));
    let shapes = SHAPES.map(|(_, _, key, value)| (key << 32 | value) as u64);
    let hash = sizes
        .chain(shapes)
        .chain([Reason::ALL.len() as u64])
        .fold(u64::from(LAYOUT), |hash, number| split_mix(hash ^ number).wrapping_add(number));
    format!("maps-v{LAYOUT}-{hash:016x}")
}

/// Entries of the maps whose size no limit sets.
fn fixed_size(name: &str) -> u64 {
    match name {
        map::FAST_SERVICES => u64::from(FAST_SERVICES),
        map::FAST_FLOWS => u64::from(FLOW_SETS),
        map::REASONS => Reason::ALL.len() as u64,
        map::PEERS => u64::from(PEERS),
        map::LINKS => u64::from(LINKS),
        map::LEASES => u64::from(LEASES),
        map::FENCES => u64::from(FENCES),
        map::OWN_MACS => u64::from(OWN_MACS),
        map::THROUGH => u64::from(THROUGH),
        _ => 1,
    }
}

/// True where every map of the folder is what this program would have created.
fn fits(folder: &Path, sizes: &[(&str, u32)]) -> bool {
    SHAPES.iter().all(|&(name, kind, key, value)| {
        let wanted = sizes
            .iter()
            .find(|(known, _)| *known == name)
            .map_or_else(|| fixed_size(name), |(_, entries)| u64::from(*entries));
        MapData::from_pin(folder.join(name)).and_then(|data| data.info()).is_ok_and(
            |info: MapInfo| {
                info.map_type().is_ok_and(|found| found == kind)
                    && info.key_size() as usize == key
                    && info.value_size() as usize == value
                    && u64::from(info.max_entries()) == wanted
            },
        )
    })
}

/// The process that holds a lock on `file`, as /proc/locks tells it.
fn holder(file: &File) -> Option<u32> {
    let inode = file.metadata().map(|metadata| metadata.ino()).ok()?;
    let locks: io::Result<String> = fs::read_to_string("/proc/locks");
    locks.ok()?.lines().find_map(|line| {
        // 1: FLOCK  ADVISORY  WRITE 1234 00:1d:56789 0 EOF
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, "FLOCK", _, _, pid, place, ..] = fields[..] else { return None };
        let same = place.rsplit(':').next()?.parse::<u64>().ok()? == inode;
        if same { pid.parse().ok() } else { None }
    })
}
