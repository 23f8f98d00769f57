//! The loop: packets, timers, links and the agent's words go to the machines, and what they decide is carried out.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    future::poll_fn,
    io,
    task::Poll,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep_until, timeout},
};
use tracing::{debug, warn};

use super::{
    instance::{Instance, Wanted},
    report,
    segment::Segment,
    socket::LONGEST,
};
use crate::{
    agent::netlink::{self, Netlink},
    agent::notify::Notices,
    api::VrrpStatus,
    model::Name,
    vrrp::{
        group::{Actions, Group},
        machine::{Event, Machine},
        packet::{Advertisement, Reject, parse},
        types::{Family, VirtualRouterId},
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
}

/// Where an instance is: its group, and its place there.
type Place = (usize, usize);

/// Every instance of this director.
pub(super) struct Router {
    origin: Instant,
    netlink: Netlink,
    notices: Notices,
    links: netlink::Events,
    segments: BTreeMap<(u32, Family), Segment>,
    groups: Vec<(Group, Vec<Instance>)>,
}

impl Router {
    /// Begins with these instances.
    ///
    /// # Errors
    /// A socket that cannot be opened.
    pub(super) fn start(wanted: Vec<Wanted>, notices: Notices) -> io::Result<Self> {
        let netlink = Netlink::connect().map_err(io::Error::other)?;
        let links = Netlink::subscribe().map_err(io::Error::other)?;
        let (segments, groups) = (BTreeMap::new(), Vec::new());
        let mut router = Self { origin: Instant::now(), netlink, notices, links, segments, groups };
        router.begin(wanted)?;
        Ok(router)
    }

    /// Works until it is told to stop.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let deadline = self.groups.iter().filter_map(|(group, _)| group.deadline()).min();
            let deadline = deadline.map(|at| (self.origin + at).into());
            tokio::select! {
                () = readable(&self.segments) => self.receive(),
                () = until(deadline) => {
                    // What waits at the sockets may be the sign of life that was missed.
                    self.receive();
                    self.poll();
                }
                Some(event) = self.links.next() => self.link(&event),
                command = commands.recv() => match command {
                    Some(Command::Stop) | None => break,
                    Some(command) => self.command(command).await,
                },
            }
        }
        self.end().await;
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
            for place in 0..self.groups[number].1.len() {
                let wanted = &self.groups[number].1[place].wanted;
                if !wanted.running {
                    let problem = format!("{} is down", wanted.place.name);
                    self.tell((number, place), Event::Fault(&problem));
                }
                self.tell((number, place), Event::Start { resume: false });
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

    /// Hands the packets that wait to their machines.
    fn receive(&mut self) {
        for (place, heard) in self.heard() {
            let Some(instance) = self.instance_at(place) else { continue };
            match heard {
                Ok(advertisement) => {
                    instance.counters.heard += 1;
                    self.tell(place, Event::Advertisement(&advertisement));
                }
                Err(reject) => {
                    instance.counters.rejected[reject as usize] += 1;
                    debug!(instance = %instance.wanted.name, %reject, "a packet was dropped");
                }
            }
        }
    }

    /// What waits at the sockets, for whom. Packets with a VRID that is none of ours are nobody's.
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
                    heard.extend(whose.map(|place| (place, parsed)));
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

    fn instance_at(&mut self, (group, place): Place) -> Option<&mut Instance> {
        self.groups.get_mut(group)?.1.get_mut(place)
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
            self.perform(number, actions);
        }
    }

    /// Tells a machine what happened, and does what follows. Returns why the operator's wish cannot be.
    fn tell(&mut self, (number, place): Place, event: Event<'_>) -> Option<&'static str> {
        let now = self.now();
        let actions = self.groups.get_mut(number)?.0.handle(now, place, event);
        self.perform(number, actions)
    }

    fn perform(&mut self, number: usize, actions: Actions) -> Option<&'static str> {
        let mut refused = None;
        let (group, instances) = self.groups.get_mut(number)?;
        for (place, action) in actions {
            let Some(instance) = instances.get_mut(place) else { continue };
            let Some(segment) = self.segments.get(&instance.segment()) else { continue };
            let priority = group.members()[place].priority();
            let done = instance.perform(action, priority, segment, &self.notices);
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
        for number in 0..self.groups.len() {
            for place in 0..self.groups[number].1.len() {
                if self.groups[number].1[place].wanted.place.index != index {
                    continue;
                }
                let faulty = self.groups[number].0.members()[place].fault().is_some();
                let place = (number, place);
                if let Some(problem) = problem.as_deref().filter(|_| !faulty) {
                    self.tell(place, Event::Fault(problem));
                } else if problem.is_none() && faulty {
                    self.tell(place, Event::Recovered);
                }
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
            Command::Stop => {}
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
                    let priority = wanted[*from].settings.priority;
                    self.groups[number].1[place].wanted.settings.priority = priority;
                    self.tell((number, place), Event::PriorityChanged(priority));
                }
                let mut index = 0;
                wanted.retain(|_| (!places.contains(&index), index += 1).0);
                number += 1;
            } else {
                self.stop(number);
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

/// Waits until a packet may wait at one of the sockets.
async fn readable(segments: &BTreeMap<(u32, Family), Segment>) {
    poll_fn(|context| {
        let sockets = segments.values().flat_map(|segment| &segment.sockets);
        // Each of them, so that each wakes this task.
        let ready =
            sockets.fold(false, |ready, socket| socket.poll_readable(context).is_ready() | ready);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
