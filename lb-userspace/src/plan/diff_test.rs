//! Tests of [`super`]: the steps lead from one state to the other, and no moment in between is wrong.

use std::collections::BTreeSet;

use lb_common::{
    abi::{NO_REAL, RealState},
    flow_hash::HashKeys,
};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    plan::{
        Inputs, MemberStatus, Numbering, Operator, Surroundings, desired,
        sample::{name, pools},
    },
    schedule::Rings,
};

/// What the maps should hold for three pools; the numbers of the real servers come from `before`.
fn wanted(
    before: &Numbering,
    servers: &[Vec<u8>],
    services: &[bool],
    down: u8,
) -> (Numbering, Desired) {
    let named: Vec<(&str, &[u8])> = ["a", "b", "c"]
        .into_iter()
        .zip(servers)
        .map(|(name, servers)| (name, &servers[..]))
        .collect();
    let mut config = pools(&named);
    let mut kept = services.iter();
    config.services.retain(|_| kept.next().copied().unwrap_or(true));
    let numbering = before.assign(&config, 64).unwrap();
    let effective = Operator::default().apply(&config);
    let status = |_: &Name, address: std::net::IpAddr| MemberStatus {
        healthy: address != crate::plan::sample::real(down),
        next_hop: Some(NextHop {
            interface: 2 + u32::from(address == crate::plan::sample::real(1)),
            vlan: 0,
            source_mac: [2; 6],
            destination_mac: [4; 6],
            mtu: 1_500,
        }),
        ..MemberStatus::default()
    };
    let keys = HashKeys::from_seed([1; 32]);
    let surroundings = Surroundings::default();
    let inputs = Inputs {
        effective: &effective,
        numbering: &numbering,
        keys: &keys,
        surroundings: &surroundings,
        status: &status,
        closed: &BTreeSet::new(),
    };
    let desired = desired(&inputs, &mut Rings::default());
    (numbering, desired)
}

fn plain(servers: &[Vec<u8>]) -> Desired {
    wanted(&Numbering::default(), servers, &[], 0).1
}

/// The maps as packets see them, step by step.
#[derive(Default)]
struct Simulated {
    actual: Actual,
    devices: BTreeSet<u32>,
    every_real: BTreeMap<u32, RealEntry>,
}

impl Simulated {
    fn apply(&mut self, step: Step) {
        match step {
            Step::PutDevice { interface } => _ = self.devices.insert(interface),
            Step::PutReal { number, real } => {
                assert!(
                    real.hop.is_none_or(|hop| self.devices.contains(&hop.interface)),
                    "a real server before its interface"
                );
                self.every_real.insert(number, real);
            }
            Step::InstallRing { pool, reals, ring, .. } => {
                _ = self.actual.pools.insert(pool, (reals, ring));
            }
            Step::PutTunnel { number, tunnel } => _ = self.actual.tunnels.insert(number, tunnel),
            Step::PutWeight { number, weight } => _ = self.actual.weights.insert(number, weight),
            Step::PutSchedule { pool, schedule } => {
                assert!(self.actual.pools.contains_key(&pool), "a schedule before its ring");
                _ = self.actual.schedules.insert(pool, schedule);
            }
            Step::PutGuard { number, guard } => _ = self.actual.guards.insert(number, guard),
            Step::SetPeers { peers } => self.actual.peers = peers,
            Step::SetOwn { own } => self.actual.own = own,
            Step::PutVip { address, vip } => _ = self.actual.vips.insert(address, vip),
            Step::PutService { key, service } => _ = self.actual.services.insert(key, service),
            Step::RemoveService { key } => {
                assert!(self.actual.services.remove(&key).is_some(), "no such service");
            }
            Step::RemoveVip { address } => {
                assert!(self.actual.vips.remove(&address).is_some(), "no such VIP");
            }
        }
        self.assert_right();
    }

    /// Whatever a packet finds leads on.
    fn assert_right(&self) {
        for (key, service) in &self.actual.services {
            assert!(self.actual.vips.contains_key(&key.address), "a service without its VIP");
            let pool = self.actual.pools.get(&u32::from(service.pool));
            let Some((reals, ring)) = pool else { panic!("a service before its ring") };
            for owner in ring.iter().filter(|owner| **owner != NO_REAL) {
                let real = self.every_real.get(&(reals + u32::from(*owner)));
                let resolved = real.is_some_and(|r| r.state.has(RealState::RESOLVED));
                assert!(resolved, "a ring before its real server");
            }
        }
    }

    /// What is there, as far as `desired` is concerned with it.
    fn read(&self, desired: &Desired) -> Actual {
        let known = |number: &u32| Some((*number, *self.every_real.get(number)?));
        let reals = desired.reals.keys().filter_map(known).collect();
        let ours: BTreeSet<_> = desired.pools.iter().map(|pool| pool.number).collect();
        let mut pools = self.actual.pools.clone();
        pools.retain(|number, _| ours.contains(number));
        Actual { reals, pools, ..self.actual.clone() }
    }
}

/// The kinds of steps, in words.
fn kinds(steps: &[Step]) -> Vec<&'static str> {
    let kind = |step: &Step| match step {
        Step::PutDevice { .. } => "device",
        Step::PutReal { .. } => "real",
        Step::InstallRing { .. } => "ring",
        Step::PutTunnel { .. } => "tunnel",
        Step::PutWeight { .. } => "weight",
        Step::PutSchedule { .. } => "schedule",
        Step::PutGuard { .. } => "guard",
        Step::SetPeers { .. } => "peers",
        Step::SetOwn { .. } => "own",
        Step::PutVip { .. } => "vip",
        Step::PutService { .. } => "service",
        Step::RemoveService { .. } => "no service",
        Step::RemoveVip { .. } => "no vip",
    };
    steps.iter().map(kind).collect()
}

#[test]
fn from_nothing_and_back() {
    let all = plain(&[vec![1, 2]]);
    let steps = diff(&Actual::default(), &all);
    assert_eq!(kinds(&steps), ["device", "device", "real", "real", "ring", "vip", "service"]);
    let none = diff(&Actual::from(all), &Desired::default());
    assert_eq!(kinds(&none), ["no service", "no vip"]);
}

#[test]
fn nothing_to_do() {
    let all = plain(&[vec![1, 2], vec![3]]);
    assert_eq!(diff(&Actual::from(all.clone()), &all), []);
    assert_eq!(diff(&Actual::default(), &Desired::default()), []);
}

#[test]
fn what_changes_and_nothing_else() {
    let (numbering, before) = wanted(&Numbering::default(), &[vec![1, 2], vec![3]], &[], 0);
    let before = Actual::from(before);
    let steps = |servers: &[Vec<u8>], services: &[bool], down| {
        let (_, desired) = wanted(&numbering, servers, services, down);
        diff(&before, &desired)
    };
    let down = steps(&[vec![1, 2], vec![3]], &[], 2);
    assert_eq!(kinds(&down), ["real", "ring"]);
    assert!(matches!(&down[1], Step::InstallRing { name: pool, .. } if *pool == name("a")));
    assert_eq!(kinds(&steps(&[vec![1, 2, 4], vec![3]], &[], 0)), ["real", "ring"]);
    assert_eq!(kinds(&steps(&[vec![2], vec![3]], &[], 0)), ["ring"]);
    assert_eq!(kinds(&steps(&[vec![1, 2], vec![3]], &[true, false], 0)), ["no service", "no vip"]);
}

#[test]
fn steps_in_words() {
    let words: Vec<_> =
        diff(&Actual::default(), &plain(&[vec![2]])).iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "redirect to interface 2",
            "real server 0: 04:04:04:04:04:04 on interface 2, usable, resolved, open",
            "pool a: a ring of 1021 slots",
            "VIP 10.0.0.1: 1 entries",
            "service entry 10.0.0.1 protocol 6 port 80",
        ]
    );
    let gone: Vec<_> = diff(&Actual::from(plain(&[vec![2]])), &Desired::default())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(gone, ["no service entry 10.0.0.1 protocol 6 port 80", "no VIP 10.0.0.1"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_moment_is_right(
        states in vec((vec(vec(1_u8..30, 0..20), 1..4), vec(any::<bool>(), 3), 0_u8..9), 1..6),
    ) {
        let mut numbering = Numbering::default();
        let mut maps = Simulated::default();
        for (servers, services, down) in states {
            let servers: Vec<Vec<u8>> = servers
                .into_iter()
                .map(|servers| servers.into_iter().collect::<BTreeSet<_>>().into_iter().collect())
                .collect();
            let (next, desired) = wanted(&numbering, &servers, &services, down);
            for (pool, numbers) in &next.pools {
                let old = numbering.pools.get(pool).map_or(numbers.reals, |old| old.reals);
                for index in 0..old.length {
                    if let Some(real) = maps.every_real.get(&(old.start + index)).copied() {
                        maps.every_real.insert(numbers.reals.start + index, real);
                    }
                }
            }
            numbering = next;
            for step in diff(&maps.read(&desired), &desired) {
                maps.apply(step);
            }
            prop_assert_eq!(maps.read(&desired), Actual::from(desired.clone()));
            prop_assert_eq!(diff(&maps.read(&desired), &desired), vec![]);
        }
    }
}
