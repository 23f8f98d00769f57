//! What an earlier agent has found, taken up by this one.

use std::{net::IpAddr, time::Instant};

use tracing::warn;

use super::{
    director::Director,
    prober::{self, Prober, Target},
};
use crate::{
    health::{Initial, Several},
    model::{Name, Pool},
};

impl Director {
    /// Takes over who is held down, and what each check has found.
    pub(super) fn adopt_health(&mut self, prober: &Prober, now: Instant) {
        let since = now.saturating_duration_since(self.origin);
        for pool in &self.effective.config.pools {
            let Some(damping) = pool.rules.damping else { continue };
            let dampers = self.notebook.written().dampers.get(&pool.name);
            for (address, damper) in dampers.into_iter().flatten() {
                let damper = damper.clone().until(since, &damping);
                self.dampers.insert((pool.name.clone(), *address), damper);
            }
        }
        match prober::load(&self.config.node.state_folder, prober.now()) {
            Ok(records) => {
                self.left_checks = records.into_iter().map(|left| (left.key(), left)).collect();
            }
            Err(error) => warn!(%error, "each check begins anew"),
        }
    }

    /// Has the checks of a real server go on from what was found, where that comes to what holds of it. Where it does
    /// not, an agent has ended between two words of it: its checks begin anew.
    pub(super) fn resume(
        &mut self,
        pool: &Pool,
        server: &(Name, IpAddr),
        targets: &mut [Target],
        initial: Initial,
    ) {
        let Initial::Known(held) = initial else { return };
        let left = targets.iter().map(|target| {
            let left = self.left_checks.get(&target.key());
            left.filter(|left| left.address == target.job.address).cloned()
        });
        let Some(left) = left.collect::<Option<Vec<_>>>() else { return };
        if left.is_empty() || left.len() != pool.checks.iter().len() {
            return;
        }
        let found = left.iter().map(|left| (left.report.state, left.report.advice));
        let several = Several::resume(pool.checks.needed(), found);
        let advised = several.advice() == self.notebook.written().advice(server);
        if advised && self.state_of(server, several.state()) == held {
            self.checks.insert(server.clone(), several);
            for (target, left) in targets.iter_mut().zip(left) {
                target.left = Some(left);
            }
        }
    }
}
