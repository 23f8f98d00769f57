//! Settings of the kernel, from `/proc/sys`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::preflight::setting::Setting;

const IPV4: [&str; 5] = ["rp_filter", "accept_local", "arp_ignore", "arp_announce", "arp_filter"];

/// The number in a file under `/proc/sys`; `None` where it is not there, or not for us.
pub(super) fn number(path: &str) -> Option<u32> {
    read(&Path::new("/proc/sys").join(path))
}

/// The settings that checks look at, of these interfaces and of `all`.
pub(super) fn settings(interfaces: &BTreeSet<&str>) -> BTreeMap<Setting, u32> {
    interfaces
        .iter()
        .copied()
        .chain(["all"])
        .flat_map(|interface| {
            IPV4.map(|key| Setting::ipv4(interface, key))
                .into_iter()
                .chain([Setting::ipv6(interface, "disable_ipv6")])
        })
        .filter_map(|setting| Some((setting.clone(), read(&setting.path())?)))
        .collect()
}

fn read(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
