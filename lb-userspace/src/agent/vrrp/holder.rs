//! Holding the VIPs of one instance: puts them on the interface, tells the neighbours, takes them away again.
//!
//! A task beside the loop that advertises: 200 addresses take some time, and no advertisement waits for them.

use std::{fs, io};

use tokio::{sync::watch, task::AbortHandle};
use tracing::{info, warn};

use super::announce::Announcer;
use crate::{
    agent::{
        dataplane::LeaseHandle,
        netlink::{Mac, Netlink},
    },
    model::{AddressLabel, VirtualAddress},
};

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
    /// Its Ethernet address.
    pub(in crate::agent) mac: Mac,
    /// Announcements of an address in a row: one may be lost.
    pub(in crate::agent) repeat: u8,
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
    pub(super) fn start(
        netlink: Netlink,
        place: Place,
        addresses: Vec<VirtualAddress>,
        lease: Option<LeaseHandle>,
    ) -> io::Result<Self> {
        let announcer = Announcer::open(place.index)?;
        let (wish, wishes) = watch::channel(Wish::default());
        let (publish, held) = watch::channel(Held { held: true, problem: None });
        let worker = Worker { netlink, place, addresses, lease, announcer, wishes, publish };
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
    place: Place,
    addresses: Vec<VirtualAddress>,
    lease: Option<LeaseHandle>,
    announcer: Announcer,
    wishes: watch::Receiver<Wish>,
    publish: watch::Sender<Held>,
}

impl Worker {
    async fn run(mut self) {
        // An agent that died as master may have left any of them.
        let (mut held, mut announced) = (None, 0);
        loop {
            let wish = *self.wishes.borrow_and_update();
            if held != Some(wish.hold) {
                let problem = if wish.hold { self.add().await } else { self.remove().await };
                self.publish.send_replace(Held { held: wish.hold, problem });
                held = Some(wish.hold);
            }
            if wish.hold && wish.announced != announced {
                self.announce();
            }
            announced = wish.announced;
            if self.wishes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns what went wrong.
    async fn add(&self) -> Option<String> {
        let mut problem = None;
        for vip in &self.addresses {
            let (address, length) = (vip.address(), vip.network.prefix_len());
            let label = vip.label.as_ref().map(AddressLabel::as_str);
            let index = self.place.index;
            match self.netlink.add_labelled_address(index, address, length, label).await {
                Ok(true) => info!(%address, interface = self.place.name, "VIP added"),
                // It was left there by an agent that was master, as this one is again.
                Ok(false) => {}
                Err(error) => {
                    warn!(%error, %address, "the VIP could not be added");
                    problem = Some(error.to_string());
                }
            }
        }
        problem
    }

    async fn remove(&self) -> Option<String> {
        let mut problem = None;
        for vip in &self.addresses {
            let (address, length) = (vip.address(), vip.network.prefix_len());
            match self.netlink.remove_address(self.place.index, address, length).await {
                Ok(true) => info!(%address, interface = self.place.name, "VIP removed"),
                Ok(false) => {}
                Err(error) => {
                    warn!(%error, %address, "the VIP could not be removed");
                    problem = Some(error.to_string());
                }
            }
        }
        // Not before they are gone, and not if they are wanted again.
        let gone = problem.is_none() && !self.wishes.borrow().hold;
        if let Some(lease) = self.lease.as_ref().filter(|_| gone) {
            lease.give_up();
        }
        problem
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

/// Neighbours take a host out of their lists of routers when an advertisement says that it is none (RFC 4861,
/// section 7.2.5).
fn is_router(interface: &str) -> bool {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/forwarding");
    fs::read_to_string(path).is_ok_and(|value| value.trim() != "0")
}
