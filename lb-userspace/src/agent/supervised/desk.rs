//! What the probe may have: sockets for the checks that it was told to make, and for nothing else.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    os::fd::OwnedFd,
};

use crate::{
    health::CheckId,
    model::VipPath,
    probe::{Door, DoorId, Finding, Job, Lead, Opener, Order, Passage, TestId, Transport},
};

/// Sockets that are open at a time.
const MOST: usize = 16_384;
/// Tests whose end was not heard of; there are fewer at a time.
const TESTS: usize = 64;

/// The desk.
#[derive(Debug, Default)]
pub(super) struct Desk {
    checks: HashMap<CheckId, SocketAddr>,
    permits: HashMap<SocketAddr, Vec<(CheckId, Permit)>>,
    tests: VecDeque<(TestId, SocketAddr, Permit)>,
    open: HashMap<DoorId, Box<dyn Passage>>,
}

/// What one check needs.
#[derive(Clone, Debug)]
struct Permit {
    lead: Lead,
    vips: Vec<VipPath>,
}

impl Desk {
    /// The probe is told this.
    pub(super) fn note_order(&mut self, order: &Order) {
        match order {
            Order::Start(id, job) => {
                self.forget(*id);
                self.checks.insert(*id, job.address);
                self.permits.entry(job.address).or_default().push((*id, Permit::of(job)));
            }
            Order::Stop(id) => self.forget(*id),
            Order::Test(id, job) => {
                if self.tests.len() >= TESTS {
                    self.tests.pop_front();
                }
                self.tests.push_back((*id, job.address, Permit::of(job)));
            }
            Order::Hurry(_) | Order::Pace(..) => {}
        }
    }

    /// The probe has said this.
    pub(super) fn note_finding(&mut self, finding: &Finding) {
        if let Finding::Tested { id, .. } = finding {
            self.tests.retain(|(test, ..)| test != id);
        }
    }

    fn forget(&mut self, id: CheckId) {
        let Some(address) = self.checks.remove(&id) else { return };
        let Some(permits) = self.permits.get_mut(&address) else { return };
        permits.retain(|(check, _)| *check != id);
        if permits.is_empty() {
            self.permits.remove(&address);
        }
    }

    fn allows(&self, door: &Door) -> bool {
        let checks = self.permits.get(&door.real).into_iter().flatten().map(|(_, permit)| permit);
        let tests = self.tests.iter().filter(|(_, address, _)| *address == door.real);
        checks.chain(tests.map(|(.., permit)| permit)).any(|permit| permit.allows(door))
    }

    /// The socket that the probe has asked for.
    pub(super) async fn open(
        &mut self,
        number: DoorId,
        door: Door,
        opener: &dyn Opener,
    ) -> Result<OwnedFd, String> {
        if !self.allows(&door) {
            return Err("no check goes there".to_owned());
        }
        if self.open.len() >= MOST || self.open.contains_key(&number) {
            return Err("too many sockets are open".to_owned());
        }
        let opened = opener.open(door).await?;
        self.open.insert(number, opened.passage);
        Ok(opened.socket.into())
    }

    /// It needs that one no longer.
    pub(super) fn close(&mut self, number: DoorId) {
        self.open.remove(&number);
    }
}

impl Permit {
    fn of(job: &Job) -> Self {
        let lead = Lead { interface: job.interface.clone(), source: job.source, mark: job.mark };
        Self { lead, vips: job.vips.clone() }
    }

    fn allows(&self, door: &Door) -> bool {
        let on_the_way = match door.path {
            Some(path) => self.vips.contains(&path) && door.transport != Transport::Ping,
            None => true,
        };
        on_the_way && self.lead == door.lead
    }
}

#[cfg(test)]
#[path = "desk_test.rs"]
mod tests;
