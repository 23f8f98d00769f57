//! Carrying out a plan, and reading back what is there.

use std::time::Instant;

use lb_common::{
    abi::{Bucket, Counter, Guard, RealState, Schedule, Tunnel},
    verdict::Tables as _,
};

use super::{DataPlane, DataPlaneError};
use crate::plan::{Actual, Block, Desired, NextHop, Step};

impl DataPlane {
    /// What the maps hold, as far as `desired` is concerned with it.
    ///
    /// # Errors
    /// A map that cannot be read.
    pub fn actual(&self, desired: &Desired) -> Result<Actual, DataPlaneError> {
        let reals = desired.reals.keys();
        let pools = desired.pools.iter().map(|pool| pool.number);
        Ok(Actual {
            tunnels: desired
                .tunnels
                .keys()
                .filter_map(|&n| Some((n, self.maps.tunnel(n)?)))
                .collect(),
            schedules: desired
                .pools
                .iter()
                .filter_map(|pool| Some((pool.number, self.maps.schedule(pool.number)?)))
                .filter(|(_, schedule)| schedule.reals > 0)
                .map(|(pool, schedule)| (pool, Schedule { turn: 0, ..schedule }))
                .collect(),
            weights: desired
                .weights
                .keys()
                .filter_map(|&n| Some((n, self.maps.load(n)?.weight)))
                .collect(),
            guards: desired
                .guards
                .keys()
                .filter_map(|&n| Some((n, self.maps.guard(n)?)))
                .map(|(n, guard)| (n, Guard { bucket: Bucket::default(), ..guard }))
                .collect(),
            peers: self.maps.peers()?,
            own: self.maps.own()?,
            services: self.maps.services()?.into_iter().collect(),
            vips: self.maps.vips()?.into_iter().collect(),
            reals: reals.filter_map(|&n| Some((n, self.maps.real_entry(n)?))).collect(),
            pools: pools
                .filter_map(|n| Some((n, (self.maps.pool(n)?.reals, self.ring(n)))))
                .collect(),
        })
    }

    /// Carries out one step. Returns true where it opened a transition window or moved slots in one.
    ///
    /// # Errors
    /// The step has not been carried out.
    pub fn apply(&mut self, step: &Step, now: Instant) -> Result<bool, DataPlaneError> {
        match step {
            Step::PutDevice { interface } => self.maps.put_device(*interface)?,
            Step::PutReal { number, real } => self.maps.put_real(*number, real)?,
            Step::InstallRing { pool, reals, ring, counting, .. } => {
                return self.install_ring(*pool, *reals, ring, *counting, now);
            }
            Step::PutTunnel { number, tunnel } => self.maps.put_tunnel(*number, tunnel),
            Step::PutWeight { number, weight } => self.maps.put_weight(*number, *weight),
            Step::PutSchedule { pool, schedule } => self.maps.put_schedule(*pool, schedule),
            Step::PutGuard { number, guard } => self.maps.put_guard(*number, *guard)?,
            Step::SetPeers { peers } => self.maps.set_peers(peers)?,
            Step::SetOwn { own } => self.maps.set_own(own)?,
            Step::PutVip { address, vip } => self.maps.put_vip(*address, *vip)?,
            Step::PutService { key, service } => self.maps.put_service(*key, *service, now)?,
            Step::RemoveService { key } => self.maps.remove_service(*key, now)?,
            Step::RemoveVip { address } => self.maps.remove_vip(*address)?,
        }
        Ok(false)
    }

    /// Finishes what [`DataPlane::apply`] had to leave for later: one-line entries of services whose place
    /// had to rest. To be called after a plan, and at [`DataPlane::next_deadline`].
    pub fn finish(&mut self, now: Instant) {
        self.maps.fill_fast(now);
    }

    /// When [`DataPlane::finish`] has something to do again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.maps.next_deadline()
    }

    /// True where the real server `number` takes packets of its flows.
    #[must_use]
    pub fn usable(&self, number: u32) -> bool {
        let real = self.maps.real(number);
        real.is_some_and(|real| real.state().has(RealState::USABLE))
    }

    /// Where the real server `number` was sent to, as an earlier agent has left it.
    #[must_use]
    pub fn next_hop(&self, number: u32) -> Option<NextHop> {
        self.maps.real_entry(number)?.hop
    }

    /// The tunnel to the real server `number`.
    #[must_use]
    pub fn tunnel(&self, number: u32) -> Option<Tunnel> {
        self.maps.tunnel(number)
    }

    /// Copies real servers to another block, which a pool that has grown moves to.
    pub fn copy_reals(&self, from: Block, to: Block) {
        for index in 0..from.length.min(to.length) {
            self.maps.copy_real(from.start + index, to.start + index);
            self.maps.copy_load(from.start + index, to.start + index);
        }
    }

    /// Copies counters to another block; the rest of it starts from zero. Packets that are counted between
    /// this and the service's new record are lost to the figures.
    pub fn copy_counters(&self, from: Option<Block>, to: Block) {
        for index in 0..to.length {
            match from.filter(|from| index < from.length) {
                Some(from) => self.maps.counters.copy(from.start + index, to.start + index),
                None => self.maps.counters.reset(to.start + index),
            }
        }
    }

    /// Sets one counter to zero: its number has a new owner.
    pub fn reset_counter(&self, index: u32) {
        self.maps.counters.reset(index);
    }

    /// All counters of a block.
    #[must_use]
    pub fn counters(&self, block: Block) -> Vec<Counter> {
        (0..block.length).map(|index| self.counter(block.start + index)).collect()
    }
}
