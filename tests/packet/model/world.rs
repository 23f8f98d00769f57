//! The real program and the model, side by side.

use std::{
    borrow::Borrow as _,
    net::IpAddr,
    time::{Duration, Instant},
};

use lb_common::{
    abi::{self, Features, FlowKey, NO_REAL, Note, Reason, ServiceKey},
    flow,
    verdict::Tables as _,
};
use lb_userspace::{
    model::SchedulerKind,
    plan::{NotedPool, OpenWindow, Operator, PoolNumbers},
};
use proptest::test_runner::TestCaseError;

use super::{
    notes::{CROWDED, Table, Whom},
    rings::{Place, Real, Ring},
    rules::{Model, Packet, Says},
    scheduling::{Load, Scheduler, Scheduling},
    sequence::{Comes, Sends, Step, Story},
    services::{Flow, Port, Service, TCP, UDP, config},
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
    story: &'a Story,
    family: Family,
    model: Model,
    /// The program's window, as the agent closes it.
    window: Option<OpenWindow>,
    /// When the story began.
    began: Instant,
    /// Clients that have come in crowds.
    strangers: u16,
    /// Its tables are so small that they forget.
    crowded: bool,
    /// Packets that no real server took, by the model.
    refused: u64,
    /// The same by the program, in stories before this one.
    refused_before: u64,
}

/// The program, between two stories.
pub(super) struct Stage {
    director: Director,
    crowded: bool,
}

impl Stage {
    /// With room for all notes.
    pub(super) fn new() -> Self {
        Self::with(8_192, false)
    }

    /// With tables that a crowd fills.
    pub(super) fn crowded() -> Self {
        Self::with(CROWDED, true)
    }

    fn with(flows: usize, crowded: bool) -> Self {
        let features = Features::CLOCK.with(Features::COUNTING);
        Self { director: Director::equipped(&config(flows), features), crowded }
    }

    /// Plays a story, and returns what it has met.
    pub(super) fn play(&mut self, story: &Story) -> Result<Tally, TestCaseError> {
        let mut world = World::new(&mut self.director, story, self.crowded);
        for (number, step) in story.steps.iter().enumerate() {
            world
                .step(step)
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

/// A scheduler by its name in the configuration.
const fn kind(scheduler: Option<Scheduler>) -> SchedulerKind {
    match scheduler {
        None => SchedulerKind::Maglev,
        Some(Scheduler::Rr) => SchedulerKind::Rr,
        Some(Scheduler::Wrr) => SchedulerKind::Wrr,
        Some(Scheduler::Lc) => SchedulerKind::Lc,
        Some(Scheduler::Wlc) => SchedulerKind::Wlc,
        Some(Scheduler::Sed) => SchedulerKind::Sed,
        Some(Scheduler::Nq) => SchedulerKind::Nq,
    }
}

/// Packets that were dropped because no real server took them.
fn refused(director: &Director) -> u64 {
    director.plane.data.reason(Reason::NoReal).expect("a counter").packets
}

impl<'a> World<'a> {
    /// As in the beginning: the pool as it is configured, nothing said of it, and no window open.
    fn new(director: &'a mut Director, story: &'a Story, crowded: bool) -> Self {
        let family = story.family;
        director.change(|plane| {
            plane.config = parse(&config(CROWDED));
            plane.config.pools.iter_mut().for_each(|pool| pool.window = story.window);
            plane.operator = Operator::default();
            plane.down.clear();
            plane.surroundings.floods.clear();
        });
        director.close_window(family);
        let mut model = Model::default();
        model.policy = story.window;
        let number = director.plane.numbering.pools[&names(family, 0).0].number;
        let schedule = director.plane.data.tables().schedule(number).expect("a schedule");
        model.scheduling.turns = schedule.turn;
        let (began, refused_before) = (Instant::now(), refused(director));
        let mut world = Self {
            director,
            story,
            family,
            model,
            window: None,
            began,
            strangers: 0,
            crowded,
            refused: 0,
            refused_before,
        };
        world.set_clock(START);
        world.look();
        world
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Talk(flow, sends) => {
                let flow = self.story.flows[flow % self.story.flows.len()];
                for sends in sends {
                    self.send(flow, *sends).map_err(|what| format!("{flow:?}: {what}"))?;
                }
            }
            Step::Happen(event) => self.happen(*event)?,
            Step::Flood(service, on) => self.flood(*service, *on),
            Step::Outage(survivor) => {
                for server in SERVERS {
                    self.happen(Event::Fail(server))?;
                }
                self.happen(Event::Close)?;
                self.happen(Event::Recover(*survivor))?;
            }
            Step::Schedule(scheduler) => self.schedule(*scheduler)?,
            Step::Count => self.count()?,
            Step::Crowd(comes, many) => self.crowd(*comes, *many)?,
            Step::Wait(time) => self.wait(*time)?,
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

    fn set_clock(&mut self, now: Duration) {
        self.model.now = now;
        self.director.plane.data.set_clock(now).expect("a clock");
    }

    /// Time goes by, and windows close.
    fn wait(&mut self, time: Duration) -> Result<(), String> {
        self.forget_all()?;
        let end = self.model.now + time;
        let soonest = |world: &Self| {
            let window = world.window.map(|window| window.closes() - world.began + START);
            world.model.due().into_iter().chain(window).min()
        };
        while let Some(due) = soonest(self).filter(|due| *due <= end) {
            self.set_clock(due);
            self.model.tick();
            self.tick();
            self.agree()?;
        }
        self.set_clock(end);
        Ok(())
    }

    /// What time it is for the agent.
    fn instant(&self) -> Instant {
        self.began + (self.model.now - START)
    }

    /// As the agent does when a window should close.
    fn tick(&mut self) {
        let (now, number) = (self.instant(), self.numbers().number);
        let (policy, counts) = (self.story.window, self.model.scheduling.counts());
        let data = &self.director.plane.data;
        let Some(window) = self.window.as_mut().filter(|window| window.closes() <= now) else {
            return;
        };
        let active = || data.has_live_notes(number, policy.patience());
        if counts || !window.hold(now, policy, active) {
            self.close();
        }
    }

    /// As the agent does when a window closes.
    fn close(&mut self) {
        self.window = None;
        if self.model.scheduling.counts() {
            // What is noted still holds, and so do the numbers.
            let number = self.numbers().number;
            self.director.plane.data.close_window(number, Instant::now());
        } else {
            self.director.close_window(self.family);
        }
    }

    /// A window is open for both, or for none.
    fn agree(&self) -> Result<(), String> {
        let (wanted, is) = (self.model.in_transition(), self.director.in_transition(self.family));
        let open = |open| if open { "open" } else { "closed" };
        let differ = || {
            let (wanted, is) = (open(wanted), open(is));
            format!("a window is {wanted} for the model, {is} for the program; {}", self.model)
        };
        if wanted == is { Ok(()) } else { Err(differ()) }
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        if let Event::Close = event {
            self.close();
            self.model.close();
            return self.agree();
        }
        self.director.happen(self.family, event);
        self.look();
        if let Event::Add(_) = event {
            // Its number may have been another's.
            self.count()?;
        }
        self.agree()
    }

    /// Another scheduler. One that counts takes no datagrams that are each for itself.
    fn schedule(&mut self, scheduler: Option<Scheduler>) -> Result<(), String> {
        let name = self.family.name(Service::Ntp.name());
        self.director.change(|plane| {
            let services = parse(&config(CROWDED)).services;
            plane.config.services = services;
            plane
                .config
                .services
                .retain(|service| scheduler.is_none() || service.name.as_str() != name);
            let (pool, _) = names(self.family, 0);
            let pool = plane.config.pools.iter_mut().find(|found| found.name == pool);
            pool.expect("the pool").scheduler = kind(scheduler);
        });
        self.forget_all()?;
        self.look_with(scheduler);
        self.count()?;
        self.agree()
    }

    /// Counts connections anew, as the agent does every two seconds.
    fn count(&mut self) -> Result<(), String> {
        if self.model.scheduling.counts() {
            self.forget_all()?;
            let numbers = self.numbers();
            let patience = self.story.window.patience();
            let pool = NotedPool { number: numbers.number, patience };
            self.director.plane.data.count_connections(&[(pool, numbers)]);
            self.model.count_anew();
        }
        self.agree_on_loads()
    }

    /// Strangers come, each with its first packets. What they leave in the small table pushes nothing out of the
    /// large one.
    fn crowd(&mut self, comes: Comes, many: u16) -> Result<(), String> {
        self.forget_all()?;
        let large = self.model.notes.all.iter().filter(|(_, note)| note.table == Table::Large);
        let stands = |world: &Self, whom| {
            world.standing(whom).is_some_and(|(_, table)| table == Table::Large)
        };
        let large: Vec<_> =
            large.map(|(whom, _)| *whom).filter(|whom| stands(self, *whom)).collect();
        for _ in 0..many {
            let flow = Flow { client: 1_000 + self.strangers, from: 0, port: Port::Web };
            self.strangers += 1;
            for says in comes.sends() {
                self.send(flow, Sends::Packet(*says))?;
            }
        }
        if comes != Comes::Connecting {
            for whom in large {
                if !stands(self, whom) {
                    return Err(format!("first packets have pushed out {whom:?}"));
                }
            }
        }
        Ok(())
    }

    /// Tells the model what was forgotten of a flow.
    fn forget(&mut self, flow: Flow) -> Result<(), String> {
        let stays = flow.port.service().stays().map(|stays| Whom::stays(flow, stays));
        for whom in [Some(Whom::Flow(flow)), stays].into_iter().flatten() {
            if self.crowded {
                self.forget_one(whom)?;
            }
        }
        Ok(())
    }

    /// What the program has still noted of somebody: nothing, what was noted first, or all.
    fn forget_one(&mut self, whom: Whom) -> Result<(), String> {
        let Some(note) = self.model.notes.get(whom) else { return Ok(()) };
        let first = match self.standing(whom) {
            Some((_, table)) if table == note.table => return Ok(()),
            Some((seen, Table::Small)) => Some(seen),
            _ => None,
        };
        self.model.forget(whom, first)
    }

    /// The same of all flows.
    fn forget_all(&mut self) -> Result<(), String> {
        if self.crowded {
            let all: Vec<_> = self.model.notes.all.keys().copied().collect();
            for whom in all {
                self.forget_one(whom)?;
            }
        }
        Ok(())
    }

    /// When the program has seen somebody by its note, and the table that this stands in.
    fn standing(&self, whom: Whom) -> Option<(Duration, Table)> {
        let (flow, whole) = match whom {
            Whom::Flow(flow) => (flow, true),
            Whom::Clients(service, network) => {
                let port = Port::ALL.into_iter().find(|port| port.service() == service);
                let network_of = service.stays().expect("clients stay").network;
                let client = network * network_of;
                (Flow { client, from: 0, port: port.expect("a port") }, false)
            }
        };
        let (key, service) = self.key(flow);
        let key = if whole { key } else { flow::Flow::from_key(&key).sticky_key(&service) };
        let tables = self.director.plane.data.tables();
        // A full table may still have what another window has noted.
        let window = tables.pool(self.numbers().number).expect("a pool").window;
        let holds = |note: &Note| note.window == window;
        let large = tables.flow(&key).filter(holds).map(|note| (note, Table::Large));
        let small = || tables.new_flow(&key).filter(holds).map(|note| (note, Table::Small));
        let note = large.or_else(small);
        note.map(|(note, table)| (Duration::from_nanos(note.seen), table))
    }

    fn numbers(&self) -> &PoolNumbers {
        &self.director.plane.numbering.pools[&names(self.family, 0).0]
    }

    /// Tells the model what has become of the pool.
    fn look(&mut self) {
        self.look_with(self.model.scheduling.scheduler);
    }

    fn look_with(&mut self, scheduler: Option<Scheduler>) {
        let (now, policy) = (self.instant(), self.story.window);
        let (pool, _) = names(self.family, 0);
        if self.director.plane.moved.contains(&pool) {
            let window = self.window.get_or_insert_with(|| OpenWindow::open(now, policy));
            window.extend(now, policy);
        }
        let standings = self.director.standings(self.family);
        let named = standings.iter().map(|(real, standing)| (self.named(*real), *standing));
        let reals = named.collect();
        let plane = &self.director.plane;
        let effective = plane.operator.apply(&plane.config);
        let servers = &effective.config.pool(pool.as_str()).expect("the pool").servers;
        let open = servers.iter().filter(|server| standings[&server.address].open);
        let mut takers: Vec<_> = open
            .map(|server| {
                let number = self.numbers().members[&server.address];
                (number, (self.named(server.address), u64::from(server.weight.get())))
            })
            .collect();
        takers.sort_unstable();
        let takers = takers.into_iter().map(|(_, taker)| taker).collect();
        let ring = self.ring();
        let next = Scheduling { scheduler, takers, ..Scheduling::default() };
        self.model.change(reals, ring, next);
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
        if self.model.scheduling.counts() && flow.port == Port::Ntp {
            return Ok(());
        }
        self.forget(flow)?;
        self.exchange(flow, sends)?;
        let noted = self.model.notes.get(Whom::Flow(flow));
        if noted.is_some_and(|note| note.seen == self.model.now)
            && self.standing(Whom::Flow(flow)).is_none()
        {
            return Err("a full table has not taken the note".to_owned());
        }
        self.agree_on_loads()
    }

    /// Where connections are counted, both have counted the same.
    fn agree_on_loads(&self) -> Result<(), String> {
        if !self.model.scheduling.counts() {
            return Ok(());
        }
        let numbers = self.numbers();
        let tables = self.director.plane.data.tables();
        for (address, number) in &numbers.members {
            let real = self.named(*address);
            let load = tables.load(numbers.reals.start + u32::from(*number)).expect("a load");
            let is = Load { active: load.active.into(), inactive: load.inactive.into() };
            let wanted = self.model.scheduling.load(real);
            if is != wanted {
                let what = format!("connections of {real}: {wanted:?} for the model, {is:?}");
                return Err(format!("{what} for the program; {}", self.model));
            }
        }
        Ok(())
    }

    fn exchange(&mut self, flow: Flow, sends: Sends) -> Result<(), String> {
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
        let (key, service) = self.key(flow);
        let flow = flow::Flow::from_key(&key);
        let keys = self.director.plane.data.tables().keys();
        let hash = keys.flow(&service, flow.client, flow.ports);
        Place(u32::try_from(hash >> 32).expect("its upper half"))
    }

    /// A flow and its service, as the program knows them.
    fn key(&self, flow: Flow) -> (FlowKey, abi::Service) {
        let ((client, client_port), (vip, vip_port)) = self.sockets(flow);
        let (_, protocol, _) = flow.port.stands();
        let (client, vip) = (client.into(), vip.into());
        let key = FlowKey { client, vip, client_port, vip_port, protocol: protocol.into() };
        let tables = self.director.plane.data.tables();
        let service = tables.service(&ServiceKey::new(vip, protocol, vip_port));
        (key, *service.expect("a service").borrow())
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
