//! Next hops: keeps the Ethernet address of every real server current.
//!
//! The kernel does the work where it can (managed neighbour entries); [`table`] decides, this
//! shell carries out. Where the kernel refuses, or has not found an address for a while, ARP
//! requests and neighbour solicitations of our own help.

pub(super) mod frames;
mod socket;
pub mod table;

pub(super) use socket::link_address;
pub use table::{Key, State};

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};

use self::socket::{PacketSocket, Resolution};
use self::table::{Action, Event, Table};
use super::netlink::{self, Error, Interface, Mac, NeighbourState, Netlink};

/// The kernel is given two questions, three seconds, before we ask as well.
const KERNEL_FIRST: u32 = 2;
/// Answers on their way from the packet sockets.
const ANSWERS: usize = 256;

/// What the agent has to act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Forward to `key` by this address from now on.
    Publish {
        /// The next hop.
        key: Key,
        /// Its address.
        mac: Mac,
    },
    /// `key` has stopped answering: check the health of the real server now.
    CheckHealth {
        /// The next hop.
        key: Key,
    },
}

/// The next hops that are wanted, and what it takes to resolve them.
pub struct Neighbours {
    netlink: Netlink,
    events: netlink::Events,
    origin: Instant,
    table: Table,
    sources: BTreeMap<u32, Source>,
    sockets: BTreeMap<(u32, Resolution), PacketSocket>,
    /// Given to each socket.
    answer: mpsc::Sender<(Key, Mac)>,
    answers: mpsc::Receiver<(Key, Mac)>,
    /// Decided and not yet carried out: [`Neighbours::next`] may be cancelled at any await.
    pending: VecDeque<Action>,
}

/// What the kernel does for an entry.
enum Keeping {
    /// It knows the address, and keeps it fresh.
    Kept,
    /// It has been asked to.
    Trying,
    /// It is too old to.
    Never,
}

/// What we are on an interface.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    mac: Mac,
    addresses: Vec<IpNet>,
}

impl Neighbours {
    /// Listens from now on; nothing is wanted yet.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn new(netlink: Netlink) -> Result<Self, Error> {
        let (answer, answers) = mpsc::channel(ANSWERS);
        Ok(Self {
            netlink,
            events: Netlink::subscribe()?,
            origin: Instant::now(),
            table: Table::default(),
            sources: BTreeMap::new(),
            sockets: BTreeMap::new(),
            answer,
            answers,
            pending: VecDeque::new(),
        })
    }

    /// Resolves `address` behind `interface` from now on.
    pub fn want(&mut self, interface: &Interface, address: IpAddr) {
        let source = Source {
            name: interface.name.clone(),
            mac: interface.mac,
            addresses: interface.addresses.clone(),
        };
        self.sources.insert(interface.index, source);
        self.table.want(self.now(), Key { interface: interface.index, address });
    }

    /// No longer resolves `key`, and gives the entry back to the kernel.
    pub async fn forget(&mut self, key: Key) {
        if !self.table.forget(key) {
            return;
        }
        let entry = self.netlink.neighbour(key.interface, key.address).await;
        if entry.is_ok_and(|entry| entry.is_some_and(|entry| entry.managed))
            && let Err(error) = self.netlink.forget_neighbour(key.interface, key.address).await
        {
            debug!(%error, "a neighbour entry stays behind");
        }
    }

    /// What is known of a next hop.
    #[must_use]
    pub fn state(&self, key: Key) -> Option<State> {
        self.table.state(key)
    }

    /// How long ago the address of a next hop was found last.
    #[must_use]
    pub fn age(&self, key: Key) -> Option<Duration> {
        Some(self.now().saturating_sub(self.table.found(key)?))
    }

    /// All that are wanted, with what is known.
    pub fn iter(&self) -> impl Iterator<Item = (Key, State)> {
        self.table.iter()
    }

    /// The time that states count in.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Works until there is something to act upon. `None` when the kernel's announcements have
    /// ended. Safe to cancel; has to be called again and again, since all work happens in it.
    pub async fn next(&mut self) -> Option<Update> {
        loop {
            while let Some(&action) = self.pending.front() {
                if let Action::Ask { key, before } = action {
                    self.ask(key, before).await;
                }
                self.pending.pop_front();
                match action {
                    Action::Publish { key, mac } => return Some(Update::Publish { key, mac }),
                    Action::CheckHealth { key } => return Some(Update::CheckHealth { key }),
                    Action::Ask { .. } => {}
                }
            }
            let now = self.now();
            self.pending.extend(self.table.poll(now));
            if !self.pending.is_empty() {
                continue;
            }
            let deadline = self.table.next_deadline().map(|deadline| self.origin + deadline);
            tokio::select! {
                event = self.events.next() => self.hear(event?).await,
                Some((key, mac)) = self.answers.recv() => self.tell(key, Event::Found(mac)),
                () = wait_until(deadline) => {}
            }
        }
    }

    async fn hear(&mut self, event: netlink::Event) {
        match event {
            netlink::Event::Neighbour(neighbour) => self.learn(neighbour),
            netlink::Event::NeighbourGone { interface, address } => {
                self.tell(Key { interface, address }, Event::Gone);
            }
            netlink::Event::Link { index, running, .. } => {
                if running && self.sources.contains_key(&index) {
                    self.table.ask_again(self.now(), index);
                }
            }
            netlink::Event::LinkGone { index, .. } => {
                self.sockets.retain(|(interface, _), _| *interface != index);
            }
            netlink::Event::Lost => self.look_again().await,
        }
    }

    /// Announcements were lost: reads the whole table instead.
    async fn look_again(&mut self) {
        warn!("neighbour announcements were lost; reading the kernel's table again");
        match self.netlink.neighbours(None).await {
            Ok(neighbours) => neighbours.into_iter().for_each(|neighbour| self.learn(neighbour)),
            Err(error) => warn!(%error, "the neighbours could not be read"),
        }
        for index in self.sources.keys() {
            self.table.ask_again(self.origin.elapsed(), *index);
        }
    }

    fn learn(&mut self, neighbour: netlink::Neighbour) {
        let key = Key { interface: neighbour.interface, address: neighbour.address };
        let event = match (neighbour.state, neighbour.mac) {
            (NeighbourState::Valid | NeighbourState::Permanent, Some(mac)) => {
                let permanent = neighbour.state == NeighbourState::Permanent;
                self.table.kept(self.now(), key, neighbour.managed || permanent);
                Event::Found(mac)
            }
            (NeighbourState::Failed, _) => Event::Failed,
            (NeighbourState::Incomplete, _)
            | (NeighbourState::Valid | NeighbourState::Permanent, None) => return,
        };
        self.tell(key, event);
    }

    fn tell(&mut self, key: Key, event: Event) {
        let before = self.table.state(key);
        self.pending.extend(self.table.event(self.now(), key, event));
        let after = self.table.state(key);
        if before.map(kind) != after.map(kind) {
            let state = after.map(kind).unwrap_or_default();
            info!(address = %key.address, interface = key.interface, state, "next hop");
        }
    }

    /// Has the kernel resolve and keep an entry; asks by frames of our own where it does not.
    async fn ask(&mut self, key: Key, before: u32) {
        match self.keep(key).await {
            Ok(Keeping::Kept) => return,
            Ok(Keeping::Trying) if before < KERNEL_FIRST => return,
            Ok(Keeping::Trying | Keeping::Never) => {}
            Err(error) if before == 0 => {
                warn!(%error, "asking for the next hop with packets of our own");
            }
            Err(_) => {}
        }
        self.table.kept(self.now(), key, false);
        if let Err(error) = self.send(key) {
            let name = self.sources.get(&key.interface).map(|source| source.name.as_str());
            warn!(%error, address = %key.address, interface = name, "cannot ask for a next hop");
        }
    }

    /// Makes the kernel's entry a managed one, unless it was set by hand.
    async fn keep(&mut self, key: Key) -> Result<Keeping, Error> {
        let entry = self.netlink.neighbour(key.interface, key.address).await?;
        if let Some(entry) = entry.filter(|entry| entry.state == NeighbourState::Permanent) {
            self.learn(entry);
            return Ok(Keeping::Kept);
        }
        self.netlink.manage_neighbour(key.interface, key.address).await?;
        let entry = self.netlink.neighbour(key.interface, key.address).await?;
        let Some(entry) = entry else { return Ok(Keeping::Never) };
        // A failure is not news here: the question has only just been put again.
        let valid = entry.state == NeighbourState::Valid;
        if valid {
            self.learn(entry);
        }
        Ok(match (entry.managed, valid) {
            (false, _) => Keeping::Never,
            (true, false) => Keeping::Trying,
            (true, true) => Keeping::Kept,
        })
    }

    fn send(&mut self, key: Key) -> std::io::Result<()> {
        let Some(source) = self.sources.get(&key.interface) else { return Ok(()) };
        let frame = match key.address {
            IpAddr::V4(target) => frames::arp_request(source.mac, source.v4_for(target), target),
            IpAddr::V6(target) => frames::solicitation(source.mac, source.link_local(), target),
        };
        let Some(frame) = frame else { return Ok(()) };
        let resolution = Resolution::of(key.address);
        let socket = match self.sockets.entry((key.interface, resolution)) {
            std::collections::btree_map::Entry::Occupied(socket) => socket.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let answers = self.answer.clone();
                place.insert(PacketSocket::open(key.interface, resolution, answers)?)
            }
        };
        socket.send(&frame)
    }
}

impl Source {
    /// Our address in the target's subnet; a VIP (/32) is in no one's.
    fn v4_for(&self, target: Ipv4Addr) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|network| match network {
            IpNet::V4(network) if network.contains(&target) => Some(network.addr()),
            _ => None,
        })
    }

    fn link_local(&self) -> Option<Ipv6Addr> {
        self.addresses.iter().find_map(|network| match network {
            IpNet::V6(network) if network.addr().is_unicast_link_local() => Some(network.addr()),
            _ => None,
        })
    }
}

fn kind(state: State) -> &'static str {
    match state {
        State::Unresolved { .. } => "unresolved",
        State::Resolved { .. } => "resolved",
        State::Failing { .. } => "failing",
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
