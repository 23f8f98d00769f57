//! The compiled program: loaded with the sizes, the secret and the pinned maps that this director has.

use std::path::{Path, PathBuf};

use aya::{
    Ebpf, EbpfLoader,
    programs::{Program, ProgramError, SchedClassifier, Xdp},
    util::nr_cpus,
};
use lb_common::{
    abi::{Features, map},
    flow_hash::HashKeys,
};

use nix::time::{ClockId, clock_getres};

use super::DataPlaneError;
use crate::model::Limits;

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/lb-ebpf"));

/// The program that balances.
const BALANCER: &str = "lb_xdp";
/// The program that hands everything on.
const PASS: &str = "lb_pass";
/// The tc program that takes marks from the balancing one.
pub(super) const MARKER: &str = "lb_mark";
/// The tc program that stops claims of VIPs that another director has.
pub(super) const FENCE: &str = "lb_fence";
/// The tc programs of checks that go through VIPs.
pub(super) const CHECK_OUT: &str = "lb_check_out";
/// See [`CHECK_OUT`].
pub(super) const CHECK_IN: &str = "lb_check_in";

/// Pools that the maps have room for: each has rings of its own.
pub const POOLS: u32 = 16_384;
/// Interfaces that the redirect table has room for.
const DEVICES: u32 = 1_024;
/// Guards: the number of one has 16 bits.
const MOST_GUARDS: u32 = 65_536;
/// Prefixes besides those of guards: ends of tunnels, and where tunnels may come from.
const OTHER_PREFIXES: u32 = 1_024;
/// Bytes of captured packets that wait for their reader.
const CAPTURE: u32 = 4 << 20;

/// CPUs that the kernel may ever run on.
///
/// # Errors
/// What reading that from /sys says.
pub(super) fn cpus() -> Result<u32, DataPlaneError> {
    let cpus = nr_cpus().map_err(|(_, error)| DataPlaneError::Cpus(error))?;
    Ok(u32::try_from(cpus).unwrap_or(u32::MAX))
}

/// Nanoseconds of a tick of the kernel's clock: the resolution of the clock that counts them.
///
/// # Errors
/// What asking the kernel for it says.
fn tick() -> Result<u64, DataPlaneError> {
    let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE);
    let tick = tick.map_err(|error| DataPlaneError::Clock(error.into()))?;
    Ok(u64::try_from(tick.tv_nsec()).unwrap_or(0).max(1))
}

/// Entries of each map, in the order in which they are created.
pub(super) fn sizes(limits: &Limits, cpus: u32) -> [(&'static str, u32); 17] {
    [
        (map::SERVICES, limits.services),
        (map::VIPS, limits.services),
        (map::POOLS, POOLS),
        (map::RINGS, limits.ring_slots / lb_common::abi::SLOTS_PER_WORD),
        (map::REALS, limits.reals),
        (map::DEVICES, DEVICES),
        (map::COUNTERS, limits.counters.saturating_mul(cpus)),
        (map::FLOWS, limits.flows),
        (map::NEW_FLOWS, limits.new_flows),
        (map::FRAGMENTS, limits.fragments),
        (map::TUNNELS, limits.reals),
        (map::SCHEDULES, POOLS),
        (map::LOADS, limits.reals),
        (map::GUARDS, (limits.services + 1).min(MOST_GUARDS)),
        (map::GUARD_LISTS, limits.guard_prefixes + OTHER_PREFIXES),
        (map::GUARD_SOURCES, limits.guard_sources),
        (map::CAPTURE, CAPTURE),
    ]
}

/// Loads the object. Maps that are pinned under `pins` are used, the others are created and pinned there;
/// without `pins` they live as long as the returned value.
///
/// # Errors
/// The kernel's, with the verifier's log where it refused the program.
pub(super) fn load(
    limits: &Limits,
    keys: &HashKeys,
    features: Features,
    pins: Option<&Path>,
) -> Result<Ebpf, DataPlaneError> {
    let paths: Vec<(&str, PathBuf)> = pins
        .map(|folder| map::ALL.iter().map(|name| (*name, folder.join(name))).collect())
        .unwrap_or_default();
    let mut loader = EbpfLoader::new();
    for (name, entries) in sizes(limits, cpus()?) {
        loader.map_max_entries(name, entries);
    }
    for (name, path) in &paths {
        loader.map_pin_path(name, path.as_path());
    }
    loader.override_global("HASH_KEYS", keys, true);
    loader.override_global("FEATURES", &features, true);
    loader.override_global("COUNTERS_A_CPU", &limits.counters, true);
    let tick = tick()?;
    loader.override_global("TICK", &tick, true);
    let mut ebpf = loader.load(OBJECT).map_err(|e| DataPlaneError::Object(Box::new(e)))?;
    #[cfg(feature = "ebpf-log")]
    super::log::start(&mut ebpf);
    balancer(&mut ebpf)?.load()?;
    if features.has(Features::FENCE) {
        // Now: arrays that are mapped into memory are closed soon, and it names one of them by its handle.
        classifier(&mut ebpf, FENCE)?.load()?;
    }
    Ok(ebpf)
}

/// The balancing program.
///
/// # Errors
/// [`DataPlaneError::Missing`]: the object is not ours.
pub(super) fn balancer(ebpf: &mut Ebpf) -> Result<&mut Xdp, DataPlaneError> {
    program(ebpf, BALANCER)
}

/// The program that hands every frame on (the other ends of the lab's veth pairs; the zero of a benchmark).
///
/// # Errors
/// [`DataPlaneError::Missing`]: the object is not ours.
pub(super) fn pass(ebpf: &mut Ebpf) -> Result<&mut Xdp, DataPlaneError> {
    program(ebpf, PASS)
}

/// One of the tc programs. The one for marks is not loaded before it is attached.
///
/// # Errors
/// [`DataPlaneError::Missing`]: the object is not ours.
pub(super) fn classifier<'a>(
    ebpf: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut SchedClassifier, DataPlaneError> {
    program(ebpf, name)
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, DataPlaneError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    let program = ebpf.program_mut(name).ok_or(DataPlaneError::Missing(name))?;
    Ok(program.try_into()?)
}
