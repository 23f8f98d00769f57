//! The real program and the model, side by side.

use std::{borrow::Borrow as _, net::IpAddr, time::Duration};

use lb_common::{
    abi::{Features, FlowKey, NO_REAL, Reason, ServiceKey},
    flow,
    verdict::Tables as _,
};
use lb_userspace::plan::Operator;
use proptest::test_runner::TestCaseError;

use super::{
    rings::{Place, Real, Ring},
    rules::{Model, Packet, Says},
    sequence::{Sends, Step, Story},
    services::{Flow, Service, TCP, UDP, config},
    tally::Tally,
};
use crate::{
    craft::fragment,
    director::{Director, names},
    event::{Event, SERVERS},
    family::Family,
    frames::{L4, build},
    plane::{mac, parse},
    quotes::{answer, error, too_big},
};

/// What time it is when a story begins.
const START: Duration = Duration::from_secs(100_000);

/// The program and the model in the middle of a story.
struct World<'a> {
    director: &'a mut Director,
    family: Family,
    model: Model,
    /// Packets that no real server took, by the model.
    refused: u64,
    /// The same by the program, in stories before this one.
    refused_before: u64,
}

/// The program, between two stories.
pub(super) struct Stage(Director);

impl Stage {
    pub(super) fn new() -> Self {
        Self(Director::equipped(&config(), Features::CLOCK))
    }

    /// Plays a story, and returns what it has met.
    pub(super) fn play(&mut self, story: &Story) -> Result<Tally, TestCaseError> {
        let mut world = World::new(&mut self.0, story.family);
        for (number, step) in story.steps.iter().enumerate() {
            world
                .step(story, step)
                .map_err(|what| TestCaseError::fail(format!("step {number}, {step:?}: {what}")))?;
        }
        let refused = refused(world.director) - world.refused_before;
        assert_eq!(refused, world.refused, "packets that no real server took");
        Ok(world.model.tally)
    }
}

/// The real server that this is true of.
fn find(what: impl Fn(Real) -> bool) -> Option<Real> {
    let mut servers = SERVERS;
    servers.find(|real| what(*real))
}

/// Packets that were dropped because no real server took them.
fn refused(director: &Director) -> u64 {
    director.plane.data.reason(Reason::NoReal).expect("a counter").packets
}

impl<'a> World<'a> {
    /// As in the beginning: the pool as it is configured, nothing said of it, and no window open.
    fn new(director: &'a mut Director, family: Family) -> Self {
        director.change(|plane| {
            plane.config = parse(&config());
            plane.operator = Operator::default();
            plane.down.clear();
            plane.surroundings.floods.clear();
        });
        director.close_window(family);
        let (model, refused_before) = (Model::default(), refused(director));
        let mut world = Self { director, family, model, refused: 0, refused_before };
        world.wait(START);
        world.look();
        world
    }

    fn step(&mut self, story: &Story, step: &Step) -> Result<(), String> {
        match step {
            Step::Talk(flow, sends) => {
                let flow = story.flows[flow % story.flows.len()];
                for sends in sends {
                    self.send(flow, *sends).map_err(|what| format!("{flow:?}: {what}"))?;
                }
            }
            Step::Happen(event) => self.happen(*event),
            Step::Flood(service, on) => self.flood(*service, *on),
            Step::Outage(survivor) => {
                SERVERS.for_each(|server| self.happen(Event::Fail(server)));
                self.happen(Event::Close);
                self.happen(Event::Recover(*survivor));
            }
            Step::Wait(time) => self.wait(*time),
        }
        Ok(())
    }

    fn flood(&mut self, service: Service, on: bool) {
        let name = self.family.name(service.name()).parse().expect("a name");
        self.director.change(|plane| {
            let floods = &mut plane.surroundings.floods;
            let _ = if on { floods.insert(name) } else { floods.remove(&name) };
        });
        let floods = &mut self.model.floods;
        let _ = if on { floods.insert(service) } else { floods.remove(&service) };
    }

    fn wait(&mut self, time: Duration) {
        self.model.now += time;
        self.director.plane.data.set_clock(self.model.now).expect("a clock");
    }

    fn happen(&mut self, event: Event) {
        self.director.happen(self.family, event);
        if let Event::Close = event {
            self.model.close();
        } else {
            self.look();
        }
    }

    /// Tells the model what has become of the pool.
    fn look(&mut self) {
        let standings = self.director.standings(self.family);
        let reals = standings.into_iter().map(|(real, standing)| (self.named(real), standing));
        let (reals, ring) = (reals.collect(), self.ring());
        self.model.change(reals, ring);
    }

    /// The ring that should be in force.
    fn ring(&mut self) -> Ring {
        let (name, _) = names(self.family, 0);
        let desired = self.director.plane.desired();
        let members = &self.director.plane.numbering.pools[&name].members;
        let numbers: std::collections::HashMap<_, _> =
            members.iter().map(|(real, number)| (*number, self.named(*real))).collect();
        let pool = desired.pools.iter().find(|pool| pool.name == name).expect("the pool");
        pool.ring.iter().map(|number| (*number != NO_REAL).then(|| numbers[number])).collect()
    }

    /// The number in the name of a real server.
    fn named(&self, address: IpAddr) -> Real {
        find(|number| self.family.real(number) == address).expect("one of them")
    }

    /// Sends something, and compares where it goes.
    fn send(&mut self, flow: Flow, sends: Sends) -> Result<(), String> {
        let place = self.place(flow);
        match sends {
            Sends::Packet(says) => {
                let says = flow.port.heard(says);
                let wanted = self.model.packet(&Packet { flow, place, says });
                self.expect(&self.frame(flow, says), wanted)
            }
            Sends::Fragments(says) => {
                let frame = self.frame(flow, says);
                let says = flow.port.heard(says);
                let wanted = self.model.packet(&Packet { flow, place, says });
                self.expect(&fragment(&frame, 0, true), wanted)?;
                let wanted = self.model.unlearnt(flow, place);
                self.expect(&fragment(&frame, 1, false), wanted)
                    .map_err(|what| format!("the later fragment: {what}"))
            }
            Sends::Error => {
                let wanted = self.model.unlearnt(flow, place);
                let (client, vip) = self.sockets(flow);
                let quote = answer(vip, client, self.l4(flow, Says::More));
                self.expect(&error(self.family, vip.0, too_big(self.family), &quote), wanted)
            }
        }
    }

    fn expect(&mut self, frame: &[u8], wanted: Option<Real>) -> Result<(), String> {
        self.refused += u64::from(wanted.is_none());
        let went = self.director.glance(frame);
        let family = self.family;
        if went == wanted.map(|real| mac(family.real(real))) {
            return Ok(());
        }
        let went = went.map(|went| find(|real| mac(family.real(real)) == went));
        Err(format!("the model says {wanted:?}, the program {went:?}; {}", self.model))
    }

    /// Where a flow's hash stands on every ring.
    fn place(&self, flow: Flow) -> Place {
        let ((client, client_port), (vip, vip_port)) = self.sockets(flow);
        let (_, protocol, _) = flow.port.stands();
        let tables = self.director.plane.data.tables();
        let key = FlowKey {
            client: client.into(),
            vip: vip.into(),
            client_port,
            vip_port,
            protocol: protocol.into(),
        };
        let flow = flow::Flow::from_key(&key);
        let service = tables.service(&ServiceKey::new(vip.into(), protocol, vip_port));
        let service = service.expect("a service");
        let hash = tables.keys().flow(service.borrow(), flow.client, flow.ports);
        Place(u32::try_from(hash >> 32).expect("its upper half"))
    }

    /// Client and VIP.
    fn sockets(&self, flow: Flow) -> ((IpAddr, u16), (IpAddr, u16)) {
        let (last, _, port) = flow.port.stands();
        let (client, _) = self.family.client(flow.client);
        ((client, 5_000 + flow.from), (self.family.vip(last), port))
    }

    fn l4(&self, flow: Flow, says: Says) -> L4 {
        let (_, protocol, _) = flow.port.stands();
        match (protocol, says) {
            (TCP, Says::Begin) => L4::Tcp(0x02),
            (TCP, Says::More) => L4::Tcp(0x10),
            (TCP, Says::End) => L4::Tcp(0x11),
            (TCP, Says::Reset) => L4::Tcp(0x04),
            (_, _) => {
                assert_eq!(protocol, UDP);
                L4::Udp
            }
        }
    }

    /// A packet that says this, as far as its protocol can.
    fn frame(&self, flow: Flow, says: Says) -> Vec<u8> {
        // RFC 9000, section 17.2.2: an Initial; a short header.
        let start = if says == Says::Begin { 0xc3 } else { 0x43 };
        let payload = [&[start, 0, 0, 0, 1][..], &[0x5a; 43]].concat();
        let (client, vip) = self.sockets(flow);
        build(client, vip, self.l4(flow, says), 64, &payload)
    }
}
