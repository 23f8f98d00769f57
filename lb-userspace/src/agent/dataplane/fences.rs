//! Which VIPs stand and fall with which lease, and which MAC addresses are no rival's.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
};

use aya::{
    Pod,
    maps::{HashMap, MapData},
};
use lb_common::abi::FenceKey;

use super::{DataPlane, DataPlaneError, leases::Leases, tables::number_of};

/// The maps of the fence.
pub(super) struct Fences {
    pub(super) leases: Leases,
    pub(super) vips: HashMap<MapData, FenceKey, u32>,
    pub(super) own_macs: HashMap<MapData, u64, u32>,
}

impl DataPlane {
    /// The leases of VRRP instances.
    #[must_use]
    pub fn leases(&self) -> Leases {
        self.maps.fences.leases.clone()
    }

    /// Guards these VIPs, each by the lease with this number, besides those that are guarded already.
    ///
    /// # Errors
    /// The kernel's: there are too many.
    pub fn add_fences(&mut self, vips: &BTreeMap<FenceKey, u32>) -> Result<(), DataPlaneError> {
        put(&mut self.maps.fences.vips, vips)
    }

    /// Guards no other VIPs than these.
    ///
    /// # Errors
    /// The kernel's.
    pub fn keep_fences(&mut self, vips: &BTreeMap<FenceKey, u32>) -> Result<(), DataPlaneError> {
        keep(&mut self.maps.fences.vips, |vip| vips.contains_key(vip))
    }

    /// Says which MAC addresses this host has: it is no rival of itself.
    ///
    /// # Errors
    /// The kernel's: there are too many.
    pub fn set_own_macs(&mut self, macs: &BTreeSet<[u8; 6]>) -> Result<(), DataPlaneError> {
        let macs = macs.iter().map(|mac| (number_of(*mac), 1)).collect();
        keep(&mut self.maps.fences.own_macs, |mac| BTreeMap::contains_key(&macs, mac))?;
        put(&mut self.maps.fences.own_macs, &macs)
    }
}

fn put<K: Pod + Eq + Hash>(
    map: &mut HashMap<MapData, K, u32>,
    entries: &BTreeMap<K, u32>,
) -> Result<(), DataPlaneError> {
    for (key, value) in entries {
        map.insert(key, value, 0)?;
    }
    Ok(())
}

fn keep<K: Pod + Eq + Hash>(
    map: &mut HashMap<MapData, K, u32>,
    wanted: impl Fn(&K) -> bool,
) -> Result<(), DataPlaneError> {
    let all: Vec<K> = map.keys().collect::<Result<_, _>>()?;
    for key in all.iter().filter(|key| !wanted(key)) {
        map.remove(key)?;
    }
    Ok(())
}
