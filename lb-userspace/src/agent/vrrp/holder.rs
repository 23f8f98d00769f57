//! Holding the VIPs of one instance: puts them on the interface, tells the neighbours, takes them away again.
//!
//! A task beside the loop that advertises: 200 addresses take some time, and no advertisement waits for them.

use std::{fs, io, time::Duration};

use tokio::{sync::watch, task::AbortHandle, time::Instant};
use tracing::{info, warn};

use super::{announce::Announcer, instance::Wanted, waiting::until};
use crate::{
    agent::{
        dataplane::LeaseHandle,
        netlink::{Error, Mac, Netlink, Removal, Removals},
    },
    model::{AddressLabel, InterfaceName, Name, VirtualAddress, VirtualRouting},
    vrrp::types::Family,
};

/// From putting something back to doing so again: somebody else may want it gone as steadily as we want it there.
const MEND_PAUSE: Duration = Duration::from_secs(1);

/// What the loop wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wish {
    hold: bool,
    /// Grows each time the neighbours are to be told.
    announced: u64,
}

/// What is so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// The addresses are on the interface.
    pub(super) held: bool,
    /// What could not be done, with what.
    pub(super) problem: Option<String>,
}

/// Where the addresses go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::agent) struct Place {
    /// The interface.
    pub(in crate::agent) name: String,
    /// Its index.
    pub(in crate::agent) index: u32,
    /// The Ethernet address that the VIPs are behind: its own, or the virtual router's.
    pub(in crate::agent) mac: Mac,
    /// The interface that has the virtual router's own Ethernet address.
    pub(in crate::agent) virtual_mac: Option<InterfaceName>,
    /// The index of the one that the VIPs are added to: that, once it is made.
    pub(in crate::agent) home: u32,
    /// Announcements of an address in a row: one may be lost.
    pub(in crate::agent) repeat: u8,
}

impl Place {
    /// The name of the interface that the VIPs are added to.
    fn home_name(&self) -> &str {
        self.virtual_mac.as_ref().map_or(&self.name, InterfaceName::as_str)
    }
}

/// The VIPs of one instance. They stay where they are when it is dropped: see [`Holder::released`].
#[derive(Debug)]
pub(super) struct Holder {
    wish: watch::Sender<Wish>,
    held: watch::Receiver<Held>,
    task: AbortHandle,
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Holder {
    /// Takes away what an earlier run may have left, unless it is told at once to hold it, and waits for wishes.
    ///
    /// # Errors
    /// No packet socket on the interface.
    pub(super) fn start(netlink: Netlink, wanted: &Wanted) -> io::Result<Self> {
        let announcer = Announcer::open(wanted.place.index)?;
        let (wish, wishes) = watch::channel(Wish::default());
        let (publish, held) = watch::channel(Held { held: true, problem: None });
        let worker = Worker {
            netlink,
            name: wanted.name.clone(),
            place: wanted.place.clone(),
            family: wanted.endpoint.addresses().family(),
            addresses: wanted.addresses.clone(),
            routing: wanted.routing.clone(),
            lease: wanted.lease.clone(),
            announcer,
            wishes,
            publish,
        };
        Ok(Self { wish, held, task: tokio::spawn(worker.run()).abort_handle() })
    }

    /// Puts the addresses on the interface.
    pub(super) fn hold(&self) {
        self.wish.send_modify(|wish| wish.hold = true);
    }

    /// Takes them away.
    pub(super) fn release(&self) {
        self.wish.send_modify(|wish| wish.hold = false);
    }

    /// Tells the neighbours, once the addresses are there.
    pub(super) fn announce(&self) {
        self.wish.send_modify(|wish| wish.announced += 1);
    }

    /// What is so.
    pub(super) fn held(&self) -> Held {
        self.held.borrow().clone()
    }

    /// Waits until the addresses are off the interface.
    pub(super) async fn released(&mut self) {
        // An error says that the task is gone, and nothing will change any more.
        let _ = self.held.wait_for(|held| !held.held).await;
    }
}

struct Worker {
    netlink: Netlink,
    name: Name,
    place: Place,
    family: Family,
    addresses: Vec<VirtualAddress>,
    routing: VirtualRouting,
    lease: Option<LeaseHandle>,
    announcer: Announcer,
    wishes: watch::Receiver<Wish>,
    publish: watch::Sender<Held>,
}

impl Worker {
    async fn run(mut self) {
        // An agent that died as master may have left any of them.
        let (mut held, mut announced) = (None, 0);
        let mut removals = self.watch();
        let (mut mend, mut mended) = (None, None);
        loop {
            let wish = *self.wishes.borrow_and_update();
            if held != Some(wish.hold) {
                let problem = if wish.hold { self.add().await } else { self.remove().await };
                self.publish.send_replace(Held { held: wish.hold, problem });
                (held, mend) = (Some(wish.hold), None);
            } else if wish.hold && mend.is_some_and(|due| due <= Instant::now()) {
                let problem = self.mend().await;
                self.publish.send_replace(Held { held: true, problem });
                (mend, mended) = (None, Some(Instant::now()));
            }
            if wish.hold && wish.announced != announced {
                self.announce();
            }
            announced = wish.announced;
            tokio::select! {
                changed = self.wishes.changed() => if changed.is_err() { return },
                () = until(mend) => {}
                removal = next_of(&mut removals) => match removal {
                    Some(removal) if wish.hold && self.concerns(removal) => {
                        let rested = mended.map(|mended| mended + MEND_PAUSE);
                        mend = mend.or(Some(rested.unwrap_or_else(Instant::now)));
                    }
                    Some(_) => {}
                    None => removals = None,
                },
            }
        }
    }

    /// Hears of what somebody takes away.
    fn watch(&self) -> Option<Removals> {
        let (routes, rules) = (!self.routing.routes.is_empty(), !self.routing.rules.is_empty());
        let removals = Netlink::removals(self.family, (routes, rules));
        let told = |error: &Error| warn!(%error, instance = %self.name, "VIPs are not watched");
        removals.inspect_err(told).ok()
    }

    /// Is it one of ours?
    fn concerns(&self, removal: Removal) -> bool {
        match removal {
            Removal::Address { interface, address } => {
                interface == self.place.home
                    && self.addresses.iter().any(|vip| vip.address() == address)
            }
            Removal::Routing | Removal::Lost => true,
        }
    }

    /// Addresses first: a route may want one of them as its source. Returns what went wrong.
    async fn add(&self) -> Option<String> {
        let mut problems = Problems::new(&self.name);
        let (index, interface) = (self.place.index, &self.place.name);
        let (home, home_name) = (self.place.home, self.place.home_name());
        if self.place.virtual_mac.is_some() {
            self.clear_beneath(&mut problems).await;
            problems.none(self.netlink.switch_link(home, true).await);
        }
        for vip in &self.addresses {
            // Otherwise it was left there by an agent that was master, as this one is again.
            if problems.yes(self.add_address(vip).await) {
                info!(address = %vip.address(), interface = home_name, "VIP added");
            }
        }
        for route in &self.routing.routes {
            if problems.none(self.netlink.add_route(route, index).await) {
                info!(%route, interface, "route added");
            }
        }
        for rule in &self.routing.rules {
            if problems.none(self.netlink.add_rule(rule, self.family).await) {
                info!(%rule, "rule added");
            }
        }
        problems.told()
    }

    async fn add_address(&self, vip: &VirtualAddress) -> Result<bool, Error> {
        let (address, length) = (vip.address(), vip.network.prefix_len());
        let label = vip.label.as_ref().map(AddressLabel::as_str);
        self.netlink.add_labelled_address(self.place.home, address, length, label).await
    }

    /// Puts back what somebody else has taken away, and tells the neighbours. Returns what went wrong.
    ///
    /// Everything is looked after: routes that go with an address go without a word.
    async fn mend(&self) -> Option<String> {
        let mut problems = Problems::new(&self.name);
        let mut back = false;
        for vip in &self.addresses {
            if problems.yes(self.add_address(vip).await) {
                back = true;
                warn!(address = %vip.address(), interface = self.place.home_name(), "VIP put back: somebody has removed it");
            }
        }
        for route in &self.routing.routes {
            if problems.yes(missing(self.netlink.add_route(route, self.place.index).await)) {
                warn!(%route, "route put back: somebody has removed it");
            }
        }
        for rule in &self.routing.rules {
            if problems.yes(missing(self.netlink.add_rule(rule, self.family).await)) {
                warn!(%rule, "rule put back: somebody has removed it");
            }
        }
        if back {
            self.announce();
        }
        problems.told()
    }

    /// In the opposite order. Returns what went wrong.
    async fn remove(&self) -> Option<String> {
        let mut problems = Problems::new(&self.name);
        let (index, interface) = (self.place.index, &self.place.name);
        for rule in self.routing.rules.iter().rev() {
            if problems.yes(self.netlink.remove_rule(rule, self.family).await) {
                info!(%rule, "rule removed");
            }
        }
        for route in self.routing.routes.iter().rev() {
            if problems.yes(self.netlink.remove_route(route, index).await) {
                info!(%route, interface, "route removed");
            }
        }
        let (home, home_name) = (self.place.home, self.place.home_name());
        if self.place.virtual_mac.is_some() {
            self.clear_beneath(&mut problems).await;
            // First: an address that leaves an interface that is on says so to the segment, and the switch would learn
            // that the virtual MAC address is still here.
            problems.none(self.netlink.switch_link(home, false).await);
        }
        for vip in &self.addresses {
            let (address, length) = (vip.address(), vip.network.prefix_len());
            if problems.yes(self.netlink.remove_address(home, address, length).await) {
                info!(%address, interface = home_name, "VIP removed");
            }
        }
        let told = problems.told();
        // Not before they are gone, and not if they are wanted again.
        let gone = told.is_none() && !self.wishes.borrow().hold;
        if let Some(lease) = self.lease.as_ref().filter(|_| gone) {
            lease.give_up();
        }
        told
    }

    /// An agent that died before there was a virtual MAC address may have left VIPs on the interface itself.
    async fn clear_beneath(&self, problems: &mut Problems<'_>) {
        for vip in &self.addresses {
            let (address, length) = (vip.address(), vip.network.prefix_len());
            problems.yes(self.netlink.remove_address(self.place.index, address, length).await);
        }
    }

    fn announce(&self) {
        let router = is_router(&self.place.name);
        for _ in 0..self.place.repeat {
            for vip in &self.addresses {
                let address = vip.address();
                if let Err(error) = self.announcer.tell(address, self.place.mac, router) {
                    warn!(%error, %address, interface = self.place.name, "an announcement was not sent");
                }
            }
        }
    }
}

/// True when it was not there.
fn missing(added: Result<(), Error>) -> Result<bool, Error> {
    match added {
        Err(error) if error.is_there_already() => Ok(false),
        other => other.map(|()| true),
    }
}

async fn next_of(removals: &mut Option<Removals>) -> Option<Removal> {
    match removals {
        Some(removals) => removals.next().await,
        None => std::future::pending().await,
    }
}

/// What could not be done for an instance; the rest goes on.
struct Problems<'a> {
    instance: &'a Name,
    all: Vec<String>,
}

impl<'a> Problems<'a> {
    const fn new(instance: &'a Name) -> Self {
        Self { instance, all: Vec::new() }
    }

    /// True when it was done.
    fn none<T>(&mut self, outcome: Result<T, Error>) -> bool {
        self.kept(outcome).is_some()
    }

    /// True when it was done, and there was something to do.
    fn yes(&mut self, outcome: Result<bool, Error>) -> bool {
        self.kept(outcome).unwrap_or(false)
    }

    fn kept<T>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                warn!(%error, instance = %self.instance, "not as the configuration has it");
                self.all.push(error.to_string());
                None
            }
        }
    }

    /// All of them in a line.
    fn told(self) -> Option<String> {
        (!self.all.is_empty()).then(|| self.all.join("; "))
    }
}

/// Neighbours take a host out of their lists of routers when an advertisement says that it is none (RFC 4861,
/// section 7.2.5).
fn is_router(interface: &str) -> bool {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/forwarding");
    fs::read_to_string(path).is_ok_and(|value| value.trim() != "0")
}
