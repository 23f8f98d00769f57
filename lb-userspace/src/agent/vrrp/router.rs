//! The loop: packets, timers, links and the agent's words go to the machines, and what they decide is carried out.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tracing::{debug, warn};

use super::{
    handover::Parting,
    instance::{Instance, Wanted},
    report,
    segment::Segment,
    socket::LONGEST,
    waiting::due,
};
use crate::{
    agent::{
        netlink::{self, Netlink},
        notify::Notices,
        track::Findings,
    },
    api::VrrpStatus,
    model::Name,
    vrrp::{
        group::{Actions, Group},
        machine::{Event, Machine, State},
        packet::{Advertisement, Reject, parse},
        types::{Claim, Family, VirtualRouterId},
    },
};

/// How long the end waits for the addresses to be gone.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

/// Packets that are taken from a socket in a row: a flood of them must not keep the timers waiting.
const MOST: usize = 64;

/// What the agent says.
#[derive(Debug)]
pub(super) enum Command {
    /// Tell how things stand.
    Report(oneshot::Sender<Vec<VrrpStatus>>),
    /// Give the VIPs of an instance to another director, or take them; the answer is why not.
    Move { name: Name, take: bool, reply: oneshot::Sender<Result<(), String>> },
    /// Be these instances from now on; the answer says what could not be.
    Replace(Vec<Wanted>, oneshot::Sender<io::Result<()>>),
    /// Give up all VIPs, and end.
    Stop,
    /// End, and leave everything as it is.
    Leave,
}

/// Where an instance is: its group, and its place there.
pub(super) type Place = (usize, usize);

/// Every instance of this director.
pub(super) struct Router {
    origin: Instant,
    netlink: Netlink,
    notices: Notices,
    links: netlink::Events,
    pub(super) segments: BTreeMap<(u32, Family), Segment>,
    pub(super) groups: Vec<(Group, Vec<Instance>)>,
    pub(super) findings: watch::Receiver<Findings>,
}

impl Router {
    /// Begins with these instances.
    ///
    /// # Errors
    /// A socket that cannot be opened.
    pub(super) fn start(
        wanted: Vec<Wanted>,
        findings: watch::Receiver<Findings>,
        notices: Notices,
    ) -> io::Result<Self> {
        let netlink = Netlink::connect().map_err(io::Error::other)?;
        let links = Netlink::subscribe().map_err(io::Error::other)?;
        let (segments, groups) = (BTreeMap::new(), Vec::new());
        let origin = Instant::now();
        let mut router = Self { origin, netlink, notices, links, segments, groups, findings };
        router.begin(wanted)?;
        Ok(router)
    }

    /// Works until it is told to stop.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                () = due(&self.segments, self.deadline()) => self.turn(),
                Some(event) = self.links.next() => self.link(&event),
                Ok(()) = self.findings.changed() => self.judge_all(),
                command = commands.recv() => match command {
                    Some(Command::Stop) | None => break,
                    Some(Command::Leave) => return,
                    Some(command) => self.command(command).await,
                },
            }
        }
        self.end().await;
    }

    /// When the next timer is due.
    pub(super) fn deadline(&self) -> Option<tokio::time::Instant> {
        let timers = self.groups.iter().filter_map(|(group, _)| group.deadline());
        let next = timers.chain(self.successors()).min();
        next.map(|at| (self.origin + at).into())
    }

    /// What waits at the sockets, and then the timers: it may be the sign of life that was missed.
    pub(super) fn turn(&mut self) {
        self.receive();
        self.poll();
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn begin(&mut self, wanted: Vec<Wanted>) -> io::Result<()> {
        let mut groups: Vec<Vec<Wanted>> = Vec::new();
        for one in wanted {
            let same =
                |group: &&mut Vec<Wanted>| one.group.is_some() && group[0].group == one.group;
            match groups.iter_mut().find(same) {
                Some(group) => group.push(one),
                None => groups.push(vec![one]),
            }
        }
        for wanted in groups {
            let machines = wanted.iter().map(|one| Machine::new(one.settings.clone())).collect();
            let instances = wanted.into_iter().map(|one| self.instance(one));
            let instances = instances.collect::<io::Result<_>>()?;
            self.groups.push((Group::new(machines), instances));
            let number = self.groups.len() - 1;
            // All or none, as always in a group.
            let resume = self.groups[number].1.iter().all(Instance::may_resume);
            for place in 0..self.groups[number].1.len() {
                self.judge((number, place));
                self.tell((number, place), Event::Start { resume });
            }
        }
        Ok(())
    }

    fn instance(&mut self, wanted: Wanted) -> io::Result<Instance> {
        let family = wanted.endpoint.addresses().family();
        let key = (wanted.place.index, family);
        if let Entry::Vacant(free) = self.segments.entry(key) {
            free.insert(Segment::open(&wanted.place, family)?);
        }
        // Seconds grow faster than one can restart an agent, and slower than it advertises.
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let sequence = u32::try_from(since & u64::from(u32::MAX)).unwrap_or_default();
        Instance::start(wanted, self.netlink.clone(), sequence)
    }

    /// Tells masters that were silent for too long, before they say anything.
    fn lapse(&mut self) {
        for number in 0..self.groups.len() {
            for place in 0..self.groups[number].1.len() {
                let (group, instances) = &self.groups[number];
                if group.members()[place].state() == State::Master && instances[place].is_fenced() {
                    self.tell((number, place), Event::Lapsed);
                }
            }
        }
    }

    /// Hands the packets that wait to their machines.
    fn receive(&mut self) {
        self.lapse();
        for (place, heard) in self.heard() {
            let Some(instance) = self.instance_at(place) else { continue };
            match heard {
                Ok(advertisement) => {
                    instance.counters.heard += 1;
                    if advertisement.claim != Claim::Leaving {
                        instance.succeeded();
                    }
                    self.tell(place, Event::Advertisement(&advertisement));
                }
                Err(reject) => {
                    instance.counters.rejected[reject as usize] += 1;
                    debug!(instance = %instance.wanted.name, %reject, "a packet was dropped");
                }
            }
        }
    }

    /// What waits at the sockets, for whom. A packet that is dropped before it is clear whose it is, or that has a
    /// VRID that is none of ours, counts for all instances of its interface and family.
    fn heard(&self) -> Vec<(Place, Result<Advertisement, Reject>)> {
        let mut room = [0; LONGEST];
        let mut heard = Vec::new();
        for (key, segment) in &self.segments {
            for socket in &segment.sockets {
                for _ in 0..MOST {
                    let packet = match socket.receive(&mut room) {
                        Ok(Some(packet)) => packet,
                        Ok(None) => break,
                        Err(error) => {
                            debug!(%error, interface = key.0, "nothing can be heard");
                            break;
                        }
                    };
                    let mut whose = None;
                    let parsed = parse(packet, |virtual_router| {
                        whose = self.find(*key, virtual_router);
                        whose.map(|(group, place)| &self.groups[group].1[place].wanted.endpoint)
                    });
                    match (whose, parsed) {
                        (Some(place), parsed) => heard.push((place, parsed)),
                        (None, Err(reject)) => {
                            heard.extend(self.places_on(*key).map(|place| (place, Err(reject))));
                        }
                        (None, Ok(_)) => {}
                    }
                }
            }
        }
        heard
    }

    fn find(&self, key: (u32, Family), virtual_router: VirtualRouterId) -> Option<Place> {
        self.groups.iter().enumerate().find_map(|(number, (_, instances))| {
            let ours =
                |one: &Instance| one.segment() == key && one.virtual_router() == virtual_router;
            Some((number, instances.iter().position(ours)?))
        })
    }

    fn places_on(&self, key: (u32, Family)) -> impl Iterator<Item = Place> {
        self.groups.iter().enumerate().flat_map(move |(number, (_, instances))| {
            let there = instances.iter().enumerate().filter(move |(_, one)| one.segment() == key);
            there.map(move |(place, _)| (number, place))
        })
    }

    pub(super) fn instance_at(&mut self, (group, place): Place) -> Option<&mut Instance> {
        self.groups.get_mut(group)?.1.get_mut(place)
    }

    /// The places of all instances.
    pub(super) fn places(&self) -> Vec<Place> {
        let groups = self.groups.iter().enumerate();
        groups.flat_map(|(number, (_, all))| (0..all.len()).map(move |at| (number, at))).collect()
    }

    fn named(&self, name: &Name) -> Option<Place> {
        self.groups.iter().enumerate().find_map(|(number, (_, instances))| {
            Some((number, instances.iter().position(|one| one.wanted.name == *name)?))
        })
    }

    fn poll(&mut self) {
        let now = self.now();
        for number in 0..self.groups.len() {
            let actions = self.groups[number].0.poll(now);
            self.perform(number, actions, Parting::AtOnce);
        }
        self.give_up_waiting(now);
    }

    /// Tells a machine what happened, and does what follows. Returns why the operator's wish cannot be.
    pub(super) fn tell(
        &mut self,
        (number, place): Place,
        event: Event<'_>,
    ) -> Option<&'static str> {
        let now = self.now();
        let parting = Parting::after(event, now);
        let actions = self.groups.get_mut(number)?.0.handle(now, place, event);
        self.perform(number, actions, parting)
    }

    fn perform(
        &mut self,
        number: usize,
        actions: Actions,
        parting: Parting,
    ) -> Option<&'static str> {
        let mut refused = None;
        let (group, instances) = self.groups.get_mut(number)?;
        for (place, action) in actions {
            let Some(instance) = instances.get_mut(place) else { continue };
            let Some(segment) = self.segments.get(&instance.segment()) else { continue };
            let priority = group.members()[place].priority();
            let done = instance.perform(action, priority, parting, segment, &self.notices);
            refused = refused.or(done);
        }
        refused
    }

    fn link(&mut self, event: &netlink::Event) {
        let (index, problem) = match event {
            netlink::Event::Link { index, running: true, .. } => (*index, None),
            netlink::Event::Link { index, name, .. } => (*index, Some(format!("{name} is down"))),
            netlink::Event::LinkGone { index, name } => (*index, Some(format!("{name} is gone"))),
            _ => return,
        };
        if matches!(event, netlink::Event::LinkGone { .. }) {
            self.home_gone(index);
        }
        for place in self.places() {
            let there = |instance: &&mut Instance| instance.wanted.place.index == index;
            if let Some(instance) = self.instance_at(place).filter(there) {
                instance.link_problem.clone_from(&problem);
                self.judge(place);
            }
        }
    }

    /// Somebody has removed the interface that has VIPs: they are gone, and there is nowhere to put them.
    fn home_gone(&mut self, index: u32) {
        for place in self.places() {
            let there = |instance: &&mut Instance| instance.wanted.place.home == index;
            if let Some(instance) = self.instance_at(place).filter(there) {
                instance.homeless = true;
                self.judge(place);
            }
        }
    }

    async fn command(&mut self, command: Command) {
        // A caller that has gone away does not want its answer.
        match command {
            Command::Report(reply) => {
                let now = self.now();
                let reports = self.groups.iter().flat_map(|(group, instances)| {
                    let each = group.members().iter().zip(instances);
                    each.map(|(machine, instance)| report::of(machine, instance, now))
                });
                _ = reply.send(reports.collect());
            }
            Command::Move { name, take, reply } => {
                let event = if take { Event::Take } else { Event::Release };
                let answer = match self.named(&name) {
                    Some(place) => {
                        self.tell(place, event).map_or(Ok(()), |why| Err(why.to_owned()))
                    }
                    None => Err(format!("there is no VRRP instance {name}")),
                };
                _ = reply.send(answer);
            }
            Command::Replace(wanted, reply) => _ = reply.send(self.replace(wanted).await),
            Command::Stop | Command::Leave => {}
        }
    }

    /// Ends the groups that are not wanted as they are, and begins those that are new. A priority is changed in
    /// place.
    async fn replace(&mut self, mut wanted: Vec<Wanted>) -> io::Result<()> {
        let mut number = 0;
        while number < self.groups.len() {
            let same = |one: &Wanted, other: &Wanted| one.same_but_priority(other);
            let places = self.groups[number]
                .1
                .iter()
                .map(|have| wanted.iter().position(|one| same(one, &have.wanted)));
            let places: Option<Vec<usize>> = places.collect();
            let whole = |places: &Vec<usize>| {
                let group = &self.groups[number].1[0].wanted.group;
                let members = wanted.iter().filter(|one| group.is_some() && one.group == *group);
                group.is_none() || members.count() == places.len()
            };
            if let Some(places) = places.filter(whole) {
                for (place, from) in places.iter().enumerate() {
                    let (have, want) = (&mut self.groups[number].1[place].wanted, &wanted[*from]);
                    have.settings.priority = want.settings.priority;
                    have.track.clone_from(&want.track);
                    self.judge((number, place));
                }
                let mut index = 0;
                wanted.retain(|_| (!places.contains(&index), index += 1).0);
                number += 1;
            } else {
                self.stop(number);
                self.hand_over().await;
                let (_, mut instances) = self.groups.remove(number);
                release(&mut instances).await;
            }
        }
        self.begin(wanted)?;
        let used: Vec<_> =
            self.groups.iter().flat_map(|(_, all)| all.iter().map(Instance::segment)).collect();
        self.segments.retain(|key, _| used.contains(key));
        Ok(())
    }

    fn stop(&mut self, number: usize) {
        for place in 0..self.groups[number].1.len() {
            self.tell((number, place), Event::Stop);
        }
    }

    /// Leaves: says so first, then waits until no address is left.
    async fn end(&mut self) {
        for number in 0..self.groups.len() {
            self.stop(number);
        }
        self.hand_over().await;
        for (_, instances) in &mut self.groups {
            release(instances).await;
        }
    }
}

async fn release(instances: &mut [Instance]) {
    for instance in instances {
        if timeout(RELEASE_LIMIT, instance.holder.released()).await.is_err() {
            warn!(instance = %instance.wanted.name, "its VIPs are still on the interface");
        }
    }
}
