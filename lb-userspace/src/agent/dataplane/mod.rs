//! The XDP program and its maps, as the agent handles them.
//!
//! [`DataPlane`] owns what the kernel holds; [`crate::plan`] says what should be in it. Rings are never
//! changed in place: a new one is written into a free region of the arena ([`arena`]) and published by one
//! store ([`rings`]). Everything is pinned ([`pins`]), so packets go on while no agent lives.

mod arena;
mod attach;
mod bpf;
mod census;
mod counters;
mod error;
mod fast;
mod fences;
mod leases;
mod links;
mod lists;
#[cfg(feature = "ebpf-log")]
mod log;
mod mmap;
mod object;
mod pins;
mod rings;
mod steps;
mod tables;
mod tc;
mod through;
mod trial;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aya::{
    Ebpf,
    maps::{Map, MapData, RingBuf},
    programs::{TestRun as _, TestRunOptions, TestRunResult},
};
use lb_common::{
    abi::{self, Counter, Features, Filter, Node, Reason, map},
    flow_hash::HashKeys,
};

pub use attach::{Attached, Links};
pub use error::DataPlaneError;
pub use leases::{LeaseHandle, Leases};
pub use object::POOLS;
pub use pins::Pins;
pub use tc::{Hook, Role, Way};
pub use through::{Open, Outer, Passage, Through};
pub use trial::Trial;

use crate::model::Limits;
use arena::Arena;
use tables::Maps;

/// The loaded program with its maps.
pub struct DataPlane {
    origin: Origin,
    /// Pinned links that carry the program.
    links: Vec<PathBuf>,
    ebpf: Ebpf,
    maps: Maps,
    arena: Arena,
    next_window: u32,
}

impl DataPlane {
    /// Loads the program and, with `pins`, adopts the maps that are pinned there or creates and pins them.
    /// Without `pins` the maps live as long as the returned value: for tests and benchmarks.
    ///
    /// # Errors
    /// [`DataPlaneError`], each with what to do.
    pub fn load(
        limits: &Limits,
        keys: HashKeys,
        features: Features,
        pins: Option<&Path>,
    ) -> Result<Self, DataPlaneError> {
        let pins = pins.map(Path::to_owned);
        let origin = Origin { limits: *limits, keys, features, pins };
        let mut ebpf = origin.load()?;
        let maps = Maps::take(&mut ebpf, limits, keys)?;
        let (arena, next_window) = rings::survey(&maps);
        Ok(Self { origin, links: Vec::new(), ebpf, maps, arena, next_window })
    }

    /// What the program can do.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.origin.features
    }

    /// Replaces the program by one that can do exactly `features`, under running traffic; the maps stay.
    ///
    /// # Errors
    /// The program without pins, whose maps nobody else can use; the kernel's. The old program stays then.
    pub fn refit(&mut self, features: Features) -> Result<(), DataPlaneError> {
        if features == self.origin.features {
            return Ok(());
        }
        if self.origin.pins.is_none() {
            return Err(DataPlaneError::Missing("pinned maps"));
        }
        let origin = Origin { features, ..self.origin.clone() };
        let mut ebpf = origin.load()?;
        attach::replace(&mut ebpf, &self.links)?;
        (self.ebpf, self.origin) = (ebpf, origin);
        Ok(())
    }

    /// Sets which packets are copied while [`Features::CAPTURE`] is on.
    ///
    /// # Errors
    /// The kernel's.
    pub fn capture(&mut self, filter: Filter) -> Result<(), DataPlaneError> {
        self.maps.change_node(|node| Node { filter, ..node })
    }

    /// The copies that the program makes. One reader at a time.
    ///
    /// # Errors
    /// The maps are not pinned; the kernel's.
    pub fn captured(&self) -> Result<RingBuf<MapData>, DataPlaneError> {
        let pins = self.origin.pins.as_ref().ok_or(DataPlaneError::Missing("pinned maps"))?;
        Ok(Map::RingBuf(MapData::from_pin(pins.join(map::CAPTURE))?).try_into()?)
    }

    /// Runs one frame through the program (BPF_PROG_TEST_RUN): its XDP action and the frame as it left.
    ///
    /// # Errors
    /// The kernel refuses frames under 14 bytes.
    pub fn test_run(&mut self, frame: &[u8]) -> Result<(u32, Vec<u8>), DataPlaneError> {
        self.test_run_behind(&[], frame)
    }

    /// The same with bytes of metadata in front of the frame; what comes out has them in front, too.
    ///
    /// # Errors
    /// More metadata than the kernel takes; frames under 14 bytes.
    pub fn test_run_behind(
        &mut self,
        metadata: &[u8],
        frame: &[u8],
    ) -> Result<(u32, Vec<u8>), DataPlaneError> {
        let all = [metadata, frame].concat();
        let mut out = vec![0; all.len() + 256];
        // The first two words of `struct xdp_md` in linux/bpf.h: `data` and `data_end`, counted from the start
        // of the metadata.
        let ends = [metadata.len(), all.len()].map(|end| u32::try_from(end).unwrap_or(u32::MAX));
        let context = ends.map(u32::to_ne_bytes).concat();
        let options = TestRunOptions {
            data_in: Some(&all),
            ctx_in: (!metadata.is_empty()).then_some(&context[..]),
            data_out: Some(&mut out),
            ..TestRunOptions::default()
        };
        let result = object::balancer(&mut self.ebpf)?.test_run(options)?;
        out.truncate(result.data_size_out as usize);
        Ok((result.return_value, out))
    }

    /// Runs one frame that has no metadata through the tc program that puts marks on packets: what it returns, and
    /// the packet's mark, which was `mark` before.
    ///
    /// # Errors
    /// The kernel's.
    pub fn test_run_marker(
        &mut self,
        mark: u32,
        frame: &[u8],
    ) -> Result<(i32, u32), DataPlaneError> {
        // The first three words of `struct __sk_buff` in linux/bpf.h: length, type and mark. All of it comes back.
        let before = [0, 0, mark].map(u32::to_ne_bytes).concat();
        let mut after = [0; 256];
        let options = TestRunOptions {
            ctx_in: Some(&before),
            ctx_out: Some(&mut after),
            ..TestRunOptions::default()
        };
        let result = self.test_run_classifier(object::MARKER, frame, options)?;
        let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = after;
        Ok((result.return_value.cast_signed(), u32::from_ne_bytes([a, b, c, d])))
    }

    /// Runs one frame through the tc program that stops claims of VIPs that another director has: what it returns.
    ///
    /// # Errors
    /// The kernel's.
    pub fn test_run_fence(&mut self, frame: &[u8]) -> Result<i32, DataPlaneError> {
        let result = self.test_run_classifier(object::FENCE, frame, TestRunOptions::default())?;
        Ok(result.return_value.cast_signed())
    }

    /// Runs one frame through the tc program for checks through VIPs in this direction: what it returns, and the frame
    /// as it comes out.
    ///
    /// # Errors
    /// The kernel's.
    pub fn test_run_check(
        &mut self,
        way: abi::Way,
        frame: &[u8],
    ) -> Result<(i32, Vec<u8>), DataPlaneError> {
        let name = match way {
            abi::Way::Out => object::CHECK_OUT,
            abi::Way::In => object::CHECK_IN,
        };
        let mut out = vec![0; frame.len() + 128];
        let options = TestRunOptions { data_out: Some(&mut out), ..TestRunOptions::default() };
        let result = self.test_run_classifier(name, frame, options)?;
        out.truncate(result.data_size_out as usize);
        Ok((result.return_value.cast_signed(), out))
    }

    fn test_run_classifier<'a>(
        &mut self,
        name: &'static str,
        frame: &'a [u8],
        options: TestRunOptions<'a>,
    ) -> Result<TestRunResult, DataPlaneError> {
        let program = object::classifier(&mut self.ebpf, name)?;
        if program.fd().is_err() {
            program.load()?;
        }
        let options = TestRunOptions { data_in: Some(frame), ..options };
        Ok(program.test_run(options)?)
    }

    /// Sets the clock of a program that was loaded with [`Features::CLOCK`], since its start: for tests that
    /// say what time it is.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_clock(&mut self, since_start: Duration) -> Result<(), DataPlaneError> {
        let clock = u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX);
        self.maps.change_node(|node| Node { clock, ..node })
    }

    /// The two programs that a benchmark runs side by side: the balancer, and one that does nothing.
    ///
    /// # Errors
    /// The kernel's, loading the second one.
    pub fn bench_programs(&mut self) -> Result<BenchPrograms<'_>, DataPlaneError> {
        let pass = object::pass(&mut self.ebpf)?;
        if pass.fd().is_err() {
            pass.load()?;
        }
        Ok(BenchPrograms { ebpf: &mut self.ebpf })
    }

    /// The counter at `index` of COUNTERS, over all CPUs; zeros beyond the map.
    #[must_use]
    pub fn counter(&self, index: u32) -> Counter {
        self.maps.counters.sum(index)
    }

    /// The counter of `reason`, over all CPUs.
    ///
    /// # Errors
    /// The kernel's.
    pub fn reason(&self, reason: Reason) -> Result<Counter, DataPlaneError> {
        self.maps.reason(reason)
    }

    /// The maps as a decision reads them, without leaving notes: `lb trace`.
    #[must_use]
    pub fn tables(&self) -> &impl lb_common::verdict::Tables {
        &self.maps
    }
}

/// What a program was loaded from.
#[derive(Clone)]
struct Origin {
    limits: Limits,
    keys: HashKeys,
    features: Features,
    pins: Option<PathBuf>,
}

impl Origin {
    fn load(&self) -> Result<Ebpf, DataPlaneError> {
        object::load(&self.limits, &self.keys, self.features, self.pins.as_deref())
    }
}

/// See [`DataPlane::bench_programs`].
pub struct BenchPrograms<'a> {
    ebpf: &'a mut Ebpf,
}

impl BenchPrograms<'_> {
    /// Runs one frame through the balancer, or through the program that does nothing.
    ///
    /// # Errors
    /// The kernel's.
    pub fn run(&mut self, frame: &[u8], balance: bool) -> Result<(), DataPlaneError> {
        let program = if balance { object::balancer(self.ebpf) } else { object::pass(self.ebpf) }?;
        program.test_run(TestRunOptions { data_in: Some(frame), ..TestRunOptions::default() })?;
        Ok(())
    }

    /// Nanoseconds and runs that the kernel has counted for the balancer and for the program that does
    /// nothing (`kernel.bpf_stats_enabled`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn run_time(&mut self, balance: bool) -> Result<(Duration, u64), DataPlaneError> {
        let program = if balance { object::balancer(self.ebpf) } else { object::pass(self.ebpf) }?;
        let info = program.info()?;
        Ok((info.run_time(), info.run_count()))
    }
}
