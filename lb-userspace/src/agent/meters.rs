//! Measuring what services are given: once a second, and what follows from it when a flood is on.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::director::Director;
use crate::{
    model::{Name, Service},
    plan::{FloodWatch, Sample, Samples},
};

/// How often counters are read.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is known of the traffic of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    pub(super) samples: Samples,
    pub(super) flood: FloodWatch,
}

/// The meters of all services.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    /// When counters are read next.
    pub(super) due: Instant,
    services: BTreeMap<Name, Meter>,
}

impl Meters {
    pub(super) const fn new(now: Instant) -> Self {
        Self { due: now, services: BTreeMap::new() }
    }

    /// The meter of a service, once it was read.
    pub(super) fn of(&self, service: &Name) -> Option<&Meter> {
        self.services.get(service)
    }
}

impl Director {
    /// Reads the counters, where that is due. Returns true where a flood has begun or ended.
    pub(super) fn measure(&mut self, now: Instant) -> bool {
        if now < self.meters.due {
            return false;
        }
        self.meters.due = now + INTERVAL;
        let mut turned = false;
        let mut meters = BTreeMap::new();
        for service in &self.effective.config.services {
            let mut meter = self.meters.services.remove(&service.name).unwrap_or_default();
            meter.samples.add(now, self.sample(service));
            let connections = meter.samples.latest().connections;
            if meter.flood.look(service.flood, connections, now) {
                turned = true;
                report(&service.name, meter.flood.since().is_some(), connections);
            }
            meters.insert(service.name.clone(), meter);
        }
        let flooded = meters.iter().filter(|(_, meter)| meter.flood.since().is_some());
        self.surroundings.floods = flooded.map(|(name, _)| name.clone()).collect();
        self.meters.services = meters;
        turned
    }

    /// The counters of a service that are in use, those of real servers on their way out among them.
    fn sample(&self, service: &Service) -> Sample {
        let numbering = self.ledger.numbering();
        let Some(numbers) = numbering.services.get(&service.name) else { return Sample::default() };
        let Some(pool) = numbering.pools.get(&numbers.pool) else { return Sample::default() };
        let used = pool.members.values().chain(pool.retired.values());
        used.map(|&number| (number, self.plane.counter(numbers.counters.start + u32::from(number))))
            .collect()
    }
}

fn report(service: &Name, on: bool, connections_per_second: u64) {
    if on {
        warn!(%service, connections_per_second, "a flood has begun: new connections leave no notes");
    } else {
        info!(%service, connections_per_second, "the flood is over: new connections are noted again");
    }
}
