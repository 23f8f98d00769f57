//! A data plane for tests and benchmarks: the real program, maps of its own, filled through the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Instant,
};

use lb_common::{abi::Features, flow_hash::HashKeys};
use lb_userspace::{
    agent::dataplane::DataPlane,
    config,
    health::Advice,
    model::{Config, Name, Pool, RealServer},
    plan::{
        Desired, GuardLists, Inputs, ListChanges, MemberStatus, NextHop, Numbering, Operator,
        Quorums, Ramp, Step, Surroundings, desired, diff, features, wanted_lists,
    },
    schedule::Rings,
};

/// The director's own MAC address.
pub(crate) const DIRECTOR: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
/// The interface that `BPF_PROG_TEST_RUN` reports frames to come from: loopback.
pub(crate) const INTERFACE: u32 = 1;

/// The largest packet that the interfaces take, unless a test says otherwise.
pub(crate) const MTU: u16 = 1_500;

/// The program with its maps, and everything that fills them.
pub(crate) struct Plane {
    pub(crate) data: DataPlane,
    pub(crate) config: Config,
    pub(crate) operator: Operator,
    /// What operators have said of clients.
    pub(crate) guards: GuardLists,
    pub(crate) numbering: Numbering,
    /// Real servers whose check has failed.
    pub(crate) down: BTreeSet<IpAddr>,
    /// Real servers whose MAC address is not known.
    pub(crate) unresolved: BTreeSet<IpAddr>,
    /// Pools in which the last update has moved something.
    pub(crate) moved: BTreeSet<Name>,
    /// Where real servers are; all are at [`INTERFACE`] but these.
    pub(crate) elsewhere: BTreeSet<IpAddr>,
    /// The largest packet that the interfaces take.
    pub(crate) mtu: u16,
    /// VLANs that real servers are in; frames to all but these bear no tag.
    pub(crate) vlans: BTreeMap<IpAddr, u16>,
    /// Real servers that are this host.
    pub(crate) local: BTreeSet<IpAddr>,
    /// This host's addresses, the other directors, floods.
    pub(crate) surroundings: Surroundings,
    pub(crate) rings: Rings,
    quorums: Quorums,
    keys: HashKeys,
}

impl Plane {
    /// Loads the program with a configuration (without its `[node]`, but for keys of it before the first
    /// table).
    pub(crate) fn new(text: &str) -> Self {
        Self::with(text, Features::default())
    }

    /// The same with more than the configuration asks for: without pins, the program is not replaced later.
    pub(crate) fn with(text: &str, extra: Features) -> Self {
        let keys = HashKeys::from_seed([7; 32]);
        let config = parse(text);
        let features = features(&config).with(extra);
        let data =
            DataPlane::load(&config.limits, keys, features, None).expect("the program loads");
        let mut plane = Self {
            data,
            config,
            operator: Operator::default(),
            guards: GuardLists::default(),
            numbering: Numbering::default(),
            down: BTreeSet::new(),
            unresolved: BTreeSet::new(),
            moved: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            mtu: MTU,
            vlans: BTreeMap::new(),
            local: BTreeSet::new(),
            surroundings: Surroundings::default(),
            rings: Rings::default(),
            quorums: Quorums::default(),
            keys,
        };
        plane.update();
        plane
    }

    /// Brings the maps up to date with everything above.
    pub(crate) fn update(&mut self) {
        self.renumber();
        let desired = self.desired();
        let actual = self.data.actual(&desired).expect("the maps can be read");
        self.moved.clear();
        for step in diff(&actual, &desired) {
            let moved = self.data.apply(&step, Instant::now()).expect("the maps can be written");
            if let (true, Step::InstallRing { name, .. }) = (moved, step) {
                self.moved.insert(name);
            }
        }
        self.data.finish(Instant::now());
        self.update_lists();
    }

    /// Brings the guard lists up to date.
    pub(crate) fn update_lists(&mut self) {
        let wanted = wanted_lists(&self.config, &self.guards, &self.numbering);
        let changes =
            ListChanges::between(&self.data.lists().expect("the lists can be read"), &wanted);
        self.data.put_prefixes(&changes.put).expect("the lists have room");
        self.data.remove_prefixes(&changes.remove).expect("the prefixes are there");
    }

    /// Gives numbers to what is new; real servers and counters move along with their blocks.
    fn renumber(&mut self) {
        let effective = self.operator.apply(&self.config);
        let next = self.numbering.assign(&effective.config, 1_024).expect("the maps have room");
        for (name, pool) in &next.pools {
            if let Some(old) = self.numbering.pools.get(name).filter(|old| old.reals != pool.reals)
            {
                self.data.copy_reals(old.reals, pool.reals);
            }
        }
        for (name, service) in &next.services {
            let old = self.numbering.services.get(name).map(|old| old.counters);
            if old != Some(service.counters) {
                self.data.copy_counters(old, service.counters);
            }
        }
        self.numbering = next;
    }

    /// What the maps should hold.
    pub(crate) fn desired(&mut self) -> Desired {
        let effective = self.operator.apply(&self.config);
        let status = |_: &Name, address: IpAddr| MemberStatus {
            healthy: !self.down.contains(&address),
            local: self.local.contains(&address),
            ramp: Ramp::FULL,
            advice: Advice::NONE,
            next_hop: (!self.unresolved.contains(&address)).then(|| NextHop {
                interface: INTERFACE + u32::from(self.elsewhere.contains(&address)),
                vlan: self.vlans.get(&address).copied().unwrap_or(0),
                source_mac: DIRECTOR,
                destination_mac: mac(address),
                mtu: self.mtu,
            }),
        };
        let known = |pool: &Pool, server: &RealServer| {
            status(&pool.name, server.address).known(effective.admin(&pool.name, &server.name))
        };
        self.quorums.look(&effective, known, |_| true);
        let inputs = Inputs {
            effective: &effective,
            numbering: &self.numbering,
            keys: &self.keys,
            surroundings: &self.surroundings,
            status: &status,
            closed: self.quorums.closed(),
        };
        desired(&inputs, &mut self.rings)
    }
}

/// The MAC address of a real server: 02:01 and the last four bytes of its address.
pub(crate) fn mac(address: IpAddr) -> [u8; 6] {
    let [a, b, c, d] = match address {
        IpAddr::V4(v4) => v4.octets(),
        IpAddr::V6(v6) => {
            let o = v6.octets();
            [o[12], o[13], o[14], o[15]]
        }
    };
    [0x02, 0x01, a, b, c, d]
}

/// A configuration without its `[node]`.
pub(crate) fn parse(text: &str) -> Config {
    let text = format!("[node]\nname = \"test\"\ninterface = \"lo\"\n{text}");
    match config::parse("test.toml", &text) {
        Ok(parsed) => parsed.config,
        Err(report) => panic!("{report:?}"),
    }
}
