//! Many entries of a map in one system call: bpf(2)'s `BPF_MAP_LOOKUP_BATCH`, which aya does not offer.
//!
//! Tries of prefixes can do it on every kernel that lb accepts.
#![expect(unsafe_code, reason = "a system call that writes through pointers")]

use std::{
    io,
    marker::PhantomData,
    mem::MaybeUninit,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use aya::{Ebpf, Pod, maps::Map};

use super::DataPlaneError;

/// `enum bpf_cmd` in linux/bpf.h.
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;

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
