//! What bpf(2) can do and aya does not offer: many entries of a map in one system call, which tries of prefixes
//! can on every kernel that lb accepts; a link that is taken off at once.
#![expect(unsafe_code, reason = "a system call that writes through pointers")]

use std::{
    ffi::CString,
    io,
    marker::PhantomData,
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use aya::{Ebpf, Pod, maps::Map};

use super::DataPlaneError;

/// `enum bpf_cmd` in linux/bpf.h.
const BPF_OBJ_GET: libc::c_long = 7;
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
const BPF_LINK_DETACH: libc::c_long = 34;

/// `union bpf_attr`, its part `batch`, in linux/bpf.h.
#[repr(C)]
struct Attributes {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

/// Reads a map many entries at a time.
#[derive(Debug)]
pub(super) struct Batches<K, V> {
    name: &'static str,
    map: OwnedFd,
    kinds: PhantomData<(K, V)>,
}

/// Entries of a map.
#[derive(Debug)]
pub(super) struct Batch<K, V> {
    /// Keys, in the order of the map.
    pub(super) keys: Vec<K>,
    /// Their values.
    pub(super) values: Vec<V>,
}

impl<K: Pod, V: Pod> Batches<K, V> {
    /// A second handle on a map of the object.
    ///
    /// # Errors
    /// The map is not there, or not of this kind; the kernel's.
    pub(super) fn new(ebpf: &Ebpf, name: &'static str) -> Result<Self, DataPlaneError> {
        let Some(Map::LpmTrie(data)) = ebpf.map(name) else {
            return Err(DataPlaneError::Missing(name));
        };
        let info = data.info()?;
        let sizes = (info.key_size() as usize, info.value_size() as usize);
        if sizes != (size_of::<K>(), size_of::<V>()) {
            return Err(DataPlaneError::Missing(name));
        }
        let map = data.fd().as_fd().try_clone_to_owned();
        let map = map.map_err(|error| DataPlaneError::Read { name, error })?;
        Ok(Self { name, map, kinds: PhantomData })
    }

    /// All entries, up to `most` in each call. Who comes or goes meanwhile may be among them or not.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn all(&self, most: u32) -> Result<Batch<K, V>, DataPlaneError> {
        let mut all = self.after(None, most)?;
        let mut found = all.keys.len();
        while found == most as usize {
            let next = self.after(all.keys.last(), most)?;
            found = next.keys.len();
            all.keys.extend(next.keys);
            all.values.extend(next.values);
        }
        Ok(all)
    }

    /// Up to `most` entries after that of `last`, or from the first one. Fewer than that: there are no more.
    ///
    /// # Errors
    /// The kernel's.
    pub(super) fn after(&self, last: Option<&K>, most: u32) -> Result<Batch<K, V>, DataPlaneError> {
        let entries = most as usize;
        let mut keys: Vec<K> = Vec::with_capacity(entries);
        let mut values: Vec<V> = Vec::with_capacity(entries);
        let mut end = MaybeUninit::<K>::uninit();
        let mut attributes = Attributes {
            in_batch: last.map_or(0, |key| std::ptr::from_ref(key) as u64),
            out_batch: end.as_mut_ptr() as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: most,
            map: self.map.as_raw_fd().cast_unsigned(),
            element_flags: 0,
            flags: 0,
        };
        // SAFETY: the kernel reads one key, and writes one key and at most `most` keys and values, whose
        // sizes `new` has compared; the buffers above have room for as many.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                BPF_MAP_LOOKUP_BATCH,
                &raw mut attributes,
                size_of::<Attributes>(),
            )
        };
        if result < 0 {
            let error = io::Error::last_os_error();
            // The end of the map; `count` tells how many entries were before it.
            if error.raw_os_error() != Some(libc::ENOENT) {
                return Err(DataPlaneError::Read { name: self.name, error });
            }
        }
        let count = (attributes.count as usize).min(entries);
        // SAFETY: the kernel has written `count` keys with their values, and any bytes make a `Pod`.
        unsafe {
            keys.set_len(count);
            values.set_len(count);
        }
        Ok(Batch { keys, values })
    }
}

/// `union bpf_attr`, its part for `BPF_OBJ_*`, in linux/bpf.h.
#[repr(C)]
struct ObjectAttributes {
    path: u64,
    fd: u32,
    flags: u32,
}

/// Takes a pinned link off: when this returns, its program sees no packet more. (Without it, the kernel lets go
/// some time after the pin was removed.)
///
/// # Errors
/// The kernel's.
pub(super) fn detach_link(pin: &Path) -> io::Result<()> {
    let path = CString::new(pin.as_os_str().as_bytes())?;
    let attributes = ObjectAttributes { path: path.as_ptr() as u64, fd: 0, flags: 0 };
    // SAFETY: the kernel reads the attributes, and the path up to its end; both live until it returns.
    let link = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_OBJ_GET,
            &raw const attributes,
            size_of::<ObjectAttributes>(),
        )
    };
    let fd = RawFd::try_from(link).ok().filter(|fd| *fd >= 0);
    let fd = fd.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just opened it for us.
    let link = unsafe { OwnedFd::from_raw_fd(fd) };
    let number = link.as_raw_fd().cast_unsigned();
    // SAFETY: the kernel reads one number, the handle of a link that is open.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, BPF_LINK_DETACH, &raw const number, size_of::<u32>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
