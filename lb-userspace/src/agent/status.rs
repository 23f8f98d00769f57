//! What `lb status` shows.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use lb_common::abi::{Counter, Features, Reason};

use super::{
    advice::advice, cluster::Cluster, leaving::Left, meters::Meter, neighbour, run::Agent,
};
use crate::{
    api::{
        HealthStatus, InterfaceStatus, NextHopStatus, Notifications, PoolStatus, Rates,
        RealTraffic, ReasonStatus, ServerStatus, ServiceStatus, Status,
    },
    health,
    model::{Mark, Name, Pool, RealServer, Service},
    plan::{Admin, OpenWindow, carries_mark},
};

/// Which part of new flows each real server gets.
type Shares = BTreeMap<IpAddr, f64>;

impl Agent {
    /// Everything there is to see.
    pub(super) fn status(&self) -> Status {
        let config = &self.director.effective.config;
        let left = self.director.connections_left();
        Status {
            node: config.node.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: self.started.elapsed().as_secs(),
            config: self.file.clone(),
            adopted: self.pins.adopted(),
            interfaces: self.interfaces(),
            services: config.services.iter().map(|service| self.service(service)).collect(),
            pools: config.pools.iter().map(|pool| self.pool(pool, &left)).collect(),
            reasons: Reason::ALL.iter().map(|reason| self.reason(*reason)).collect(),
            directors: self.directors(),
            probe: self.supervised.probe(),
            worker: self.supervised.worker(),
            warnings: self.all_warnings(),
        }
    }

    /// Those of events that are over, and those of how things are now.
    fn all_warnings(&self) -> Vec<String> {
        let director = &self.director;
        let resolved = |key| self.neighbours.state(key).is_some_and(|s| s.mac().is_some());
        let mut warnings = self.warnings.clone();
        warnings.extend(self.supervised.warnings());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        warnings.extend(self.parsed.expiries.iter().filter_map(|expiry| expiry.warning(now)));
        warnings.extend(self.cluster.as_ref().and_then(Cluster::deaf));
        warnings.extend(advice(&director.effective.config, &director.placement, resolved));
        warnings
    }

    fn interfaces(&self) -> Vec<InterfaceStatus> {
        self.attached
            .iter()
            .map(|attached| InterfaceStatus {
                name: attached.interface.clone(),
                xdp_mode: attached.mode.to_owned(),
                fell_back: attached.fell_back.clone(),
            })
            .collect()
    }

    fn service(&self, service: &Service) -> ServiceStatus {
        let pool = self.director.effective.config.pool(service.pool.as_str());
        let meter = self.director.meters.of(&service.name);
        let reals: Vec<_> = pool.map_or_else(Vec::new, |pool| {
            let shares = self.shares(pool);
            let reals = pool.everyone();
            reals.map(|server| self.real(service, pool, server, meter, &shares)).collect()
        });
        let flood = meter.and_then(|meter| meter.flood.since());
        let here = service.proxy.as_ref().map(|_| self.counter_of(service, 0)).unwrap_or_default();
        ServiceStatus {
            name: service.name.clone(),
            address: service.address,
            ports: service.ports.iter().map(ToString::to_string).collect(),
            mark: service.mark.map(Mark::get),
            mark_on_packets: self.marks(service),
            mode: service.mode.to_string(),
            pool: service.pool.clone(),
            packets: here.packets + reals.iter().map(|real| real.packets).sum::<u64>(),
            bytes: here.bytes + reals.iter().map(|real| real.bytes).sum::<u64>(),
            connections: here.connections + reals.iter().map(|real| real.connections).sum::<u64>(),
            rates: meter.map(|meter| rates(&meter.samples.rate())).unwrap_or_default(),
            flood: flood.is_some(),
            flood_seconds: flood.map(|since| since.elapsed().as_secs()),
            reals,
        }
    }

    /// True where packets of a service that go on to this host bear its mark.
    pub(super) fn marks(&self, service: &Service) -> bool {
        let director = &self.director;
        let local = |_: &Name, address| director.placement.local.contains(&address);
        director.plane.features().has(Features::MARKS)
            && self.hooks.marks_work()
            && carries_mark(&director.effective.config, service, local)
    }

    fn real(
        &self,
        service: &Service,
        pool: &Pool,
        server: &RealServer,
        meter: Option<&Meter>,
        shares: &Shares,
    ) -> RealTraffic {
        let counter = self.counter(service, server);
        let number = self.number(&pool.name, server);
        let rate = meter.zip(number).map(|(meter, number)| meter.samples.rate_of(number));
        RealTraffic {
            name: server.name.clone(),
            address: server.address,
            state: self.state(pool, server),
            weight: server.weight.get(),
            sorry: pool.is_sorry(server),
            share: shares.get(&server.address).copied().unwrap_or_default(),
            packets: counter.packets,
            bytes: counter.bytes,
            connections: counter.connections,
            rates: rate.map(|rate| rates(&rate)).unwrap_or_default(),
        }
    }

    fn pool(&self, pool: &Pool, left: &Left) -> PoolStatus {
        let shares = self.shares(pool);
        let window = self.director.windows.get(&pool.name);
        let numbers = self.director.ledger.numbering().pools.get(&pool.name);
        let removed = numbers.map(|numbers| self.director.removed(pool, numbers, left));
        let servers = pool.everyone();
        PoolStatus {
            name: pool.name.clone(),
            scheduler: pool.scheduler.to_string(),
            ring_slots: pool.ring_slots(),
            transition_seconds: window
                .map(|window| window.closes().saturating_duration_since(Instant::now()).as_secs()),
            transition_held: window.is_some_and(OpenWindow::is_held),
            crew: self.crew(pool).as_str().to_owned(),
            odd: self.odd(pool),
            quorum: self.quorum(pool),
            notifications: Notifications::default(),
            servers: servers.map(|server| self.server(pool, server, &shares, left)).collect(),
            removed: removed.unwrap_or_default(),
        }
    }

    fn server(
        &self,
        pool: &Pool,
        server: &RealServer,
        shares: &Shares,
        left: &Left,
    ) -> ServerStatus {
        let admin = self.director.effective.admin(&pool.name, &server.name);
        let numbers = self.director.ledger.numbering().pools.get(&pool.name);
        let number = numbers.zip(self.number(&pool.name, server));
        let drained = number.filter(|_| self.director.admin(pool, server) == Admin::Drain);
        let key = (pool.name.clone(), server.address);
        ServerStatus {
            name: server.name.clone(),
            address: server.address,
            weight: server.weight.get(),
            sorry: pool.is_sorry(server),
            transitions: self.director.transitions.get(&key).copied().unwrap_or_default(),
            backup: server.backup,
            damped_seconds: self.director.held_for(&key).map(|left| left.as_secs()),
            ejected_seconds: self.director.ejected_for(&key).map(|left| left.as_secs()),
            keeps_flows: self.keeps_flows(pool, server),
            admin,
            advice: self.director.advice(pool, server).words(),
            differs_from_file: self.differs(pool, server),
            state: self.state(pool, server),
            share: shares.get(&server.address).copied().unwrap_or_default(),
            health: self.health_of(pool, server),
            leaving: drained.map(|(numbers, number)| {
                self.director.leaving(pool, (numbers.number, number), left)
            }),
            next_hop: self.next_hop_of(server),
            local: self.is_here(server),
        }
    }

    /// What decides about new flows, the strongest word first.
    fn state(&self, pool: &Pool, server: &RealServer) -> String {
        let key = (pool.name.clone(), server.address);
        let roster = self.director.rosters.get(&pool.name);
        match self.director.admin(pool, server) {
            Admin::Maintenance => "maintenance",
            Admin::Drain => "drain",
            Admin::Ready if self.director.held_for(&key).is_some() => "damped",
            Admin::Ready if self.director.is_ejected(&key) => "ejected",
            Admin::Ready if self.director.down.contains(&key) => "down",
            Admin::Ready if !self.is_reached(pool, server) => "unresolved",
            Admin::Ready if server.backup && !roster.is_some_and(|r| r.is_open(server)) => {
                "standby"
            }
            Admin::Ready => "up",
        }
        .to_owned()
    }

    /// Its next hop is known, or none is needed.
    fn is_reached(&self, pool: &Pool, server: &RealServer) -> bool {
        !self.director.effective.config.forwards_to(pool)
            || self.is_here(server)
            || self.next_hop_of(server).is_some()
    }

    fn differs(&self, pool: &Pool, server: &RealServer) -> bool {
        let file = self.director.config.pool(pool.name.as_str());
        let file = file.and_then(|pool| pool.everyone().find(|known| known.name == server.name));
        file != Some(server)
            || self.director.effective.admin(&pool.name, &server.name) != Admin::Ready
    }

    /// Of several checks, the one that speaks: one that fails, or else the first.
    fn health_of(&self, pool: &Pool, server: &RealServer) -> Option<HealthStatus> {
        let mut all = self.prober.reports(pool.name.as_str(), server.name.as_str());
        all.sort_by_key(|(_, report)| report.state != health::State::Down);
        let checks = all.iter().map(|(_, report)| report.checks).sum();
        let unknown = all.iter().any(|(_, report)| report.checks == 0);
        let down = self.director.down.contains(&(pool.name.clone(), server.address));
        let (job, report) = all.into_iter().next()?;
        let state = match down {
            _ if unknown => "unknown",
            false => "up",
            true => "down",
        };
        let failure = report.failure.filter(|failure| failure.ongoing);
        Some(HealthStatus {
            kind: job.kind.to_string(),
            state: state.to_owned(),
            since_seconds: self.prober.now().saturating_sub(report.since).as_secs(),
            reason: report.inconclusive.or_else(|| failure.map(|failure| failure.reason)),
            checks,
        })
    }

    fn is_here(&self, server: &RealServer) -> bool {
        self.director.placement.local.contains(&server.address)
    }

    fn next_hop_of(&self, server: &RealServer) -> Option<NextHopStatus> {
        let place = self.director.placement.places.get(&server.address)?;
        let state = self.neighbours.state(place.key)?;
        let mac = state.mac()?;
        let segment = self.director.placement.segment(place.key.interface)?;
        let failing = matches!(state, neighbour::State::Failing { .. });
        Some(NextHopStatus {
            mac: show_mac(mac),
            interface: segment.name.clone(),
            age_seconds: self.neighbours.age(place.key).map(|age| age.as_secs()),
            state: if failing { "failing" } else { "reachable" }.to_owned(),
        })
    }

    fn shares(&self, pool: &Pool) -> Shares {
        let Some(numbers) = self.director.ledger.numbering().pools.get(&pool.name) else {
            return self.director.shares_of_proxy(pool);
        };
        let ring = self.director.plane.ring(numbers.number);
        let part = 1.0 / ring.len().max(1) as f64;
        let mut parts = BTreeMap::<_, f64>::new();
        for number in ring {
            *parts.entry(number).or_default() += part;
        }
        let members = numbers.members.iter();
        members.filter_map(|(address, number)| Some((*address, *parts.get(number)?))).collect()
    }

    fn number(&self, pool: &Name, server: &RealServer) -> Option<u16> {
        let numbers = self.director.ledger.numbering().pools.get(pool)?;
        numbers.members.get(&server.address).copied()
    }

    /// What XDP has given a real server; nothing of a service of the proxy, where it does not know them.
    fn counter(&self, service: &Service, server: &RealServer) -> Counter {
        if service.proxy.is_some() {
            return Counter::default();
        }
        let number = self.number(&service.pool, server);
        number.map(|number| self.counter_of(service, number)).unwrap_or_default()
    }

    fn counter_of(&self, service: &Service, number: u16) -> Counter {
        let numbers = self.director.ledger.numbering().services.get(&service.name);
        let first = numbers.map(|numbers| numbers.counters.start);
        first
            .map(|first| self.director.plane.counter(first + u32::from(number)))
            .unwrap_or_default()
    }

    fn reason(&self, reason: Reason) -> ReasonStatus {
        let counter = self.director.plane.reason(reason).unwrap_or_default();
        ReasonStatus {
            reason: reason.key().to_owned(),
            words: reason.words().to_owned(),
            drops: reason.drops(),
            packets: counter.packets,
            bytes: counter.bytes,
        }
    }
}

const fn rates(per_second: &Counter) -> Rates {
    Rates {
        packets_per_second: per_second.packets,
        bits_per_second: per_second.bytes.saturating_mul(8),
        connections_per_second: per_second.connections,
    }
}

/// `02:00:00:00:00:01`.
pub(super) fn show_mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
