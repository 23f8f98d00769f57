//! A pool whose checks find anything, under rules that change, with restarts and clocks that jump: what its real servers
//! are, its quorum, who is at work and the ring are compared with the rules, said a second time.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use lb_common::{abi::NO_REAL, flow_hash::HashKeys};
use proptest::prelude::*;

use super::{
    sample::{name, pools, real},
    *,
};
use crate::{
    health::{Checker, Damper, Initial, Outcome, Settings, Several, State},
    model::{Backups, BelowQuorum, Config, Damping, OnDown, PoolRules, Quorum, RealServer, Weight},
    schedule::Rings,
};

const SERVERS: u8 = 5;
/// The number of the sorry server.
const SORRY: u8 = 99;
const HOP: NextHop = NextHop {
    interface: 7,
    vlan: 0,
    source_mac: [2, 0, 0, 0, 0, 1],
    destination_mac: [2, 0, 0, 0, 0, 9],
    mtu: 1_500,
};

/// What a configuration says.
#[derive(Clone, Debug)]
struct Setup {
    /// Weight, and whether it is a backup.
    servers: Vec<(u16, bool)>,
    rules: PoolRules,
    sorry: bool,
    checks: usize,
    needed: usize,
    rise: u8,
    fall: u8,
}

#[derive(Clone, Debug)]
enum Event {
    /// A check has found something, some time after the last event: nothing where it could not be made.
    Found {
        server: usize,
        check: usize,
        found: Option<State>,
        after: u64,
    },
    Operator(usize, Admin),
    Reload(Box<Setup>),
    /// The host slept.
    Jump(u64),
    /// The agent was killed, and the next one reads what was written down.
    Restart,
}

fn setups() -> impl Strategy<Value = Setup> {
    let servers =
        prop::collection::vec((0_u16..4, prop::bool::weighted(0.3)), usize::from(SERVERS));
    let quorum = prop::option::of((1_i128..8, 0_i128..4));
    let damping = prop::option::weighted(0.4, (2_u8..5, 1_u64..20, 1_u64..10));
    let rules = (any::<[bool; 3]>(), prop::option::weighted(0.4, 1_u8..=100), quorum, damping);
    let rules = rules.prop_map(|([first, keep, serve], panic, quorum, damping)| PoolRules {
        backups: if first { Backups::First } else { Backups::All },
        on_down: if keep { OnDown::Keep } else { OnDown::Move },
        below_quorum: if serve { BelowQuorum::Serve } else { BelowQuorum::Close },
        panic: panic.map(|percent| format!("{percent}%").parse().unwrap()),
        quorum: quorum.map(|(needed, band)| {
            Quorum::new(needed).unwrap().with_hysteresis(band.min(needed - 1)).unwrap()
        }),
        damping: damping.map(|(changes, within, hold)| Damping {
            changes,
            within: Duration::from_secs(within),
            hold: Duration::from_secs(hold),
        }),
    });
    (servers, rules, any::<bool>(), 1_usize..4, any::<prop::sample::Index>(), 1_u8..4, 1_u8..4)
        .prop_map(|(servers, rules, sorry, checks, needed, rise, fall)| {
            let needed = needed.index(checks) + 1;
            Setup { servers, rules, sorry, checks, needed, rise, fall }
        })
}

/// Runs of the same, so that states change.
fn stories() -> impl Strategy<Value = Vec<Event>> {
    let server = 0..usize::from(SERVERS);
    let found = prop::sample::select(vec![
        Some(State::Up),
        Some(State::Up),
        Some(State::Down),
        Some(State::Down),
        None,
    ]);
    let run = (server.clone(), 0_usize..3, found, prop::collection::vec(0_u64..1_500, 1..5));
    let run = run.prop_map(|(server, check, found, times)| {
        let event = |after| Event::Found { server, check, found, after };
        times.into_iter().map(event).collect::<Vec<_>>()
    });
    let admin = prop::sample::select(vec![Admin::Ready, Admin::Drain, Admin::Maintenance]);
    let one = prop_oneof![
        2 => (server, admin).prop_map(|(server, admin)| Event::Operator(server, admin)),
        2 => setups().prop_map(|setup| Event::Reload(Box::new(setup))),
        1 => (1_u64..200_000).prop_map(Event::Jump),
        3 => Just(Event::Restart),
    ];
    let some = prop_oneof![8 => run, 1 => one.prop_map(|event| vec![event])];
    prop::collection::vec(some, 1..60).prop_map(|runs| runs.into_iter().flatten().collect())
}

/// A check as the rules have it.
#[derive(Clone, Copy, Debug)]
struct Said {
    /// `None`: no result yet, and none of an earlier agent.
    state: Option<State>,
    /// It has said so to this agent or the one before, and is counted by that.
    counts: bool,
    contrary: u8,
}

const SILENT: Said = Said { state: None, counts: false, contrary: 0 };

/// A real server: what the agent knows, and what the rules say.
struct Host {
    checkers: Vec<Checker>,
    several: Several,
    damper: Damper,
    down: bool,
    said: Vec<Said>,
    /// What holds of a check that has said nothing.
    assumed: State,
    /// When it changed, since it was let go last.
    changes: Vec<Duration>,
    held: Option<Duration>,
}

impl Host {
    fn new(setup: &Setup, now: Duration) -> Self {
        let initial = Initial::Assumed(State::Up);
        let checkers = vec![Checker::new(settings(setup, initial), now); setup.checks];
        Self {
            several: Several::new(setup.checks, setup.needed, initial, crate::health::Advice::NONE),
            checkers,
            damper: Damper::default(),
            down: false,
            said: vec![SILENT; setup.checks],
            assumed: State::Up,
            changes: Vec::new(),
            held: None,
        }
    }

    /// By the rules: so many checks that find it up are enough.
    fn found(&self, needed: usize) -> State {
        let state = |said: &Said| said.state.filter(|_| said.counts).unwrap_or(self.assumed);
        let up = self.said.iter().filter(|said| state(said) == State::Up).count();
        if up >= needed { State::Up } else { State::Down }
    }

    /// By the rules: `rise` or `fall` in a row, or the first.
    fn say(&mut self, check: usize, found: State, setup: &Setup) {
        let said = &mut self.said[check];
        let needed = if found == State::Up { setup.rise } else { setup.fall };
        said.counts = true;
        match said.state {
            Some(state) if state != found => {
                said.contrary += 1;
                if said.contrary >= needed {
                    *said = Said { state: Some(found), contrary: 0, ..*said };
                }
            }
            _ => *said = Said { state: Some(found), contrary: 0, ..*said },
        }
    }
}

fn settings(setup: &Setup, initial: Initial) -> Settings {
    Settings { rise: setup.rise, fall: setup.fall, initial }
}

struct World {
    now: Duration,
    setup: Setup,
    config: Config,
    operator: Operator,
    hosts: Vec<Host>,
    quorums: Quorums,
    rings: Rings,
    /// By the rules: every real server had a first result once, and whether the quorum holds.
    decided: bool,
    holds: Option<bool>,
}

proptest! {
    // Each is some hundred rings.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_rules_hold_whatever_happens(setup in setups(), story in stories()) {
        let hosts = (0..SERVERS).map(|_| Host::new(&setup, Duration::ZERO)).collect();
        let mut world = World {
            now: Duration::ZERO,
            config: config_of(&setup),
            setup,
            operator: Operator::default(),
            hosts,
            quorums: Quorums::default(),
            rings: Rings::default(),
            decided: false,
            holds: None,
        };
        world.look()?;
        for event in story {
            world.play(event)?;
            world.look()?;
        }
    }
}

fn config_of(setup: &Setup) -> Config {
    let numbers: Vec<_> = (1..=SERVERS).collect();
    let mut config = pools(&[("web", &numbers)]);
    let pool = &mut config.pools[0];
    for (server, (weight, backup)) in pool.servers.iter_mut().zip(&setup.servers) {
        (server.weight, server.backup) = (Weight::new(*weight).unwrap(), *backup);
    }
    pool.sorry = setup.sorry.then(|| RealServer {
        name: name("sorry"),
        address: real(SORRY),
        weight: Weight::new(1).unwrap(),
        backup: false,
        ..pool.servers[0].clone()
    });
    pool.rules = setup.rules.clone();
    config
}

impl World {
    fn play(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Found { server, check, found, after } => {
                self.now += Duration::from_millis(after);
                self.release();
                if check < self.setup.checks {
                    self.found(server, check, found)?;
                }
            }
            Event::Operator(server, admin) => {
                let server = self.config.pools[0].servers[server].name.clone();
                self.operator.set_state(&self.config, &name("web"), &server, admin).unwrap();
            }
            Event::Reload(setup) => self.reload(*setup),
            Event::Jump(seconds) => {
                let before: Vec<_> =
                    self.hosts.iter().map(|host| (host.down, host.held.is_some())).collect();
                self.now += Duration::from_secs(seconds);
                self.release();
                for (host, (was_down, was_held)) in self.hosts.iter().zip(before) {
                    prop_assert!(host.down == was_down || was_held, "time alone is no result");
                }
            }
            Event::Restart => {
                let before = self.states();
                self.restart();
                prop_assert_eq!(self.states(), before, "a restart is no result");
            }
        }
        Ok(())
    }

    fn states(&self) -> Vec<bool> {
        self.hosts.iter().map(|host| host.down).collect()
    }

    /// What the agent does with a result.
    fn found(
        &mut self,
        at: usize,
        check: usize,
        found: Option<State>,
    ) -> Result<(), TestCaseError> {
        let (now, damping) = (self.now, self.setup.rules.damping);
        let host = &mut self.hosts[at];
        let outcome = match found {
            Some(State::Up) => Outcome::Passed,
            Some(State::Down) => Outcome::Failed("refused".to_owned()),
            None => Outcome::Inconclusive("no descriptors are left".to_owned()),
        };
        let first = host.checkers[check].report().checks == 0;
        let changed = host.checkers[check].outcome(now, outcome).is_some();
        let report = host.checkers[check].report();
        let (state, advice) = (report.state, report.advice);
        let is_told = changed || (first && report.checks == 1);
        let (settled, before) = (host.several.is_settled(), host.several.state());
        if is_told {
            host.several.note(check, state, advice);
        }
        let after = host.several.state();
        if let Some(damping) = damping.filter(|_| settled && after != before) {
            host.damper.note(now, &damping);
        }
        host.down = host.damper.state(after) == State::Down;

        // The same by the rules.
        let was = host.found(self.setup.needed);
        if let Some(found) = found {
            host.say(check, found, &self.setup);
        }
        let is = host.found(self.setup.needed);
        prop_assert!(is == was || found.is_some(), "a check that was not made says nothing");
        if let Some(damping) = damping.filter(|_| settled && was != is) {
            host.changes.retain(|at| now - *at < damping.within);
            host.changes.push(now);
            if host.held.is_some() || host.changes.len() > usize::from(damping.changes) {
                host.held = Some(now + damping.hold);
            }
        }
        Ok(())
    }

    /// Lets go of those that are held down, when it is time.
    fn release(&mut self) {
        for host in &mut self.hosts {
            if host.damper.advance(self.now) {
                host.down = host.several.state() == State::Down;
            }
            if host.held.is_some_and(|held| held <= self.now) {
                (host.held, host.changes) = (None, Vec::new());
            }
        }
    }

    fn reload(&mut self, setup: Setup) {
        let changed = (setup.rise, setup.fall) != (self.setup.rise, self.setup.fall);
        for host in &mut self.hosts {
            host.assumed = host.found(self.setup.needed);
            // A check that is new begins with what is known of the server.
            let known = host.down.then_some(State::Down);
            let new = Checker::new(settings(&setup, Initial::carried(known)), self.now);
            host.checkers.resize(setup.checks, new);
            host.said.resize(setup.checks, Said { state: known, ..SILENT });
            for (checker, said) in host.checkers.iter_mut().zip(&mut host.said) {
                checker.change(settings(&setup, checker.settings().initial));
                said.contrary = if changed { 0 } else { said.contrary };
            }
            host.several.change(setup.checks, setup.needed);
            if setup.rules.damping.is_none() {
                host.damper = Damper::default();
                (host.held, host.changes) = (None, Vec::new());
            }
            host.down = host.damper.state(host.several.state()) == State::Down;
        }
        self.config = config_of(&setup);
        self.setup = setup;
    }

    /// The next agent knows what was written down, and nothing else.
    fn restart(&mut self) {
        let (setup, now) = (&self.setup, self.now);
        for host in &mut self.hosts {
            let state = if host.down { State::Down } else { State::Up };
            let initial = Initial::Known(state);
            if let Some(damping) = &setup.rules.damping {
                host.damper = again(&host.damper).until(now, damping);
                host.held = host.held.map(|held| held.min(now + damping.hold));
            }
            let reports: Vec<_> =
                host.checkers.iter().map(|checker| again(checker.report())).collect();
            let found = reports.iter().map(|report| (report.state, report.advice));
            let several = Several::resume(setup.needed, found);
            let all = reports.iter().all(|report| report.checks > 0);
            if all && host.damper.state(several.state()) == state {
                host.several = several;
                let settings = settings(setup, initial);
                let resumed = reports.into_iter().map(|report| Checker::resume(settings, report));
                host.checkers = resumed.collect();
            } else {
                let none = crate::health::Advice::NONE;
                host.several = Several::new(setup.checks, setup.needed, initial, none);
                host.checkers = vec![Checker::new(settings(setup, initial), now); setup.checks];
                host.said =
                    vec![Said { state: Some(state), counts: false, contrary: 0 }; setup.checks];
                host.assumed = state;
            }
        }
        let mut quorums = Quorums::default();
        for (pool, holds) in self.quorums.decided() {
            quorums.restore(pool.clone(), holds);
        }
        self.quorums = quorums;
        if !self.decided {
            self.holds = None;
        }
    }

    /// Compares everything with the rules.
    fn look(&mut self) -> Result<(), TestCaseError> {
        let needed = self.setup.needed;
        for host in &self.hosts {
            for (checker, said) in host.checkers.iter().zip(&host.said) {
                let state = said.state.unwrap_or(State::Up);
                prop_assert_eq!(checker.report().state, state, "{:?}", said);
            }
            prop_assert_eq!(host.damper.held_until(), host.held);
            let state = if host.held.is_some() { State::Down } else { host.found(needed) };
            prop_assert_eq!(host.down, state == State::Down, "{:?}", host.said);
        }
        let effective = self.operator.apply(&self.config);
        let closed = self.look_at_quorum(&effective)?;
        self.look_at_ring(&effective, closed)
    }

    fn status(&self, address: IpAddr) -> MemberStatus {
        let host = (1..).zip(&self.hosts).find(|(number, _)| real(*number) == address);
        let healthy = host.is_none_or(|(_, host)| !host.down);
        MemberStatus { healthy, next_hop: Some(HOP), ..MemberStatus::default() }
    }

    /// Returns true where nobody goes on.
    fn look_at_quorum(&mut self, effective: &Effective) -> Result<bool, TestCaseError> {
        let settled = self.hosts.iter().all(|host| host.several.is_settled());
        let mut quorums = std::mem::take(&mut self.quorums);
        let known = |pool: &crate::model::Pool, server: &RealServer| {
            self.status(server.address).known(effective.admin(&pool.name, &server.name))
        };
        let told = quorums.look(effective, known, |_| settled);
        let pool = &effective.config.pools[0];
        let alive = pool.servers.iter().zip(&self.hosts).filter(|(server, host)| {
            !host.down && effective.admin(&pool.name, &server.name) == Admin::Ready
        });
        let alive: u32 = alive.map(|(server, _)| u32::from(server.weight.get())).sum();
        let quorum = pool.rules.quorum;
        let (most, band) = quorum.map_or((1, 0), |quorum| (quorum.needed(), quorum.hysteresis()));
        // Within the band it stays as it was, once that is decided.
        let holds = match self.holds.filter(|_| self.decided) {
            Some(before) if alive + band >= most && alive < most + band => before,
            _ => alive >= most,
        };
        let turned = self.decided && self.holds.is_some_and(|before| before != holds);
        let told: Vec<_> = told.into_iter().map(|change| (change.holds, change.alive)).collect();
        let expected = if turned { vec![(holds, alive)] } else { Vec::new() };
        prop_assert_eq!(told, expected, "{} alive of {} ± {}", alive, most, band);
        self.decided |= settled;
        self.holds = Some(holds);
        prop_assert_eq!(quorums.of(&pool.name).map(|standing| standing.holds), Some(holds));
        let closed = quorum.is_some() && pool.rules.below_quorum == BelowQuorum::Close && !holds;
        prop_assert_eq!(quorums.closed().contains(&pool.name), closed);
        self.quorums = quorums;
        Ok(closed)
    }

    fn look_at_ring(&mut self, effective: &Effective, closed: bool) -> Result<(), TestCaseError> {
        let numbering = Numbering::default().assign(&effective.config, 64).unwrap();
        let mut rings = std::mem::take(&mut self.rings);
        let inputs = Inputs {
            effective,
            numbering: &numbering,
            keys: &HashKeys::from_seed([3; 32]),
            surroundings: &Surroundings::default(),
            status: &|_, address| self.status(address),
            closed: &if closed { BTreeSet::from([name("web")]) } else { BTreeSet::new() },
        };
        let desired = desired(&inputs, &mut rings);
        self.rings = rings;
        let pool = &effective.config.pools[0];
        let members = &numbering.pools[&pool.name].members;
        let mut open: BTreeSet<u16> =
            self.open(effective, closed).into_iter().map(|at| members[&at]).collect();
        if open.is_empty() {
            open.insert(if self.setup.sorry { members[&real(SORRY)] } else { NO_REAL });
        }
        let owners: BTreeSet<u16> = desired.pools[0].ring.iter().copied().collect();
        prop_assert_eq!(owners, open, "owners of slots");
        Ok(())
    }

    /// By the rules: who gets new flows.
    fn open(&self, effective: &Effective, closed: bool) -> Vec<IpAddr> {
        let pool = &effective.config.pools[0];
        let there: Vec<_> = pool
            .servers
            .iter()
            .zip(&self.hosts)
            .filter(|(server, _)| {
                server.weight.get() > 0 && effective.admin(&pool.name, &server.name) == Admin::Ready
            })
            .map(|(server, host)| (server.address, server.backup, !host.down))
            .collect();
        let alive = there.iter().filter(|(_, _, alive)| *alive).count();
        let is_panic = pool.rules.panic.is_some_and(|threshold| {
            let percent: usize = threshold.to_string().trim_end_matches(" %").parse().unwrap();
            alive * 100 < percent * there.len()
        });
        let of = |backup: bool| {
            let these = there.iter().filter(move |one| one.1 == backup && one.2);
            these.map(|one| one.0).collect::<Vec<_>>()
        };
        match (closed, is_panic, of(false), of(true)) {
            (true, ..) => Vec::new(),
            (_, true, ..) => there.iter().map(|one| one.0).collect(),
            (_, _, servers, backups) if servers.is_empty() => match pool.rules.backups {
                Backups::All => backups,
                Backups::First => backups.into_iter().take(1).collect(),
            },
            (_, _, servers, _) => servers,
        }
    }
}

/// Written down, and read again.
fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}
